"""What cannot be right is refused when the client is made, and nothing secret is shown."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from kanhe.client import AsyncKanhe, ConfigError, Kanhe, events

KEY = "kanhe_abcd_secretsecretsecret"
GOOD: dict[str, Any] = {"url": "https://kanhe.example", "key": KEY}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://kanhe.example"}, "insecure=True"),
        ({"url": "http://10.0.0.7:8080"}, "insecure=True"),
        ({"url": "ftp://kanhe.example"}, "https://"),
        ({"url": "kanhe.example"}, "https://"),
        ({"url": ""}, "https://"),
        ({"url": None}, "address"),
        ({"url": "https://user:secret@kanhe.example"}, "key="),
        ({"url": "https://kanhe.example/?key=1"}, "path only"),
        ({"url": "https://kanhe.example\n"}, "path only"),
        ({"url": "https://kanhe.example:99999"}, "address"),
        ({"url": "https://kanhe.example:0"}, "port 0"),
        ({"url": "https://[::1"}, "address"),
        ({"key": KEY + "\n"}, "kanhe keys create"),
        ({"key": "Bearer " + KEY}, "kanhe keys create"),
        ({"key": None}, "kanhe keys create"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "1s"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"queue_max": 0}, "queue_max"),
        ({"queue_sync": "off"}, "queue_sync"),
        ({"breaker_failures": 0}, "breaker_failures"),
        ({"breaker_pause": 9, "breaker_longest": 1}, "breaker_longest"),
        ({"fallback": "allow"}, "mapping"),
        ({"fallback": {"*": "deny"}}, "allow, challenge, hold"),
        ({"fallback": {"*": "review"}}, "allow, challenge, hold"),
        ({"fallback": {"payment.attemped": "allow"}}, "did you mean payment.attempted"),
        ({"fallback": {"Payments": "allow"}}, "no event type"),
        ({"queue": "/nonexistent/folder/queue.db"}, "does not exist"),
        ({"queue": "/"}, "folder"),
    ],
    ids=str,
)
@pytest.mark.parametrize("face", [Kanhe, AsyncKanhe])
def test_bad_options_say_what_to_change(face: Any, wrong: dict[str, Any], said: str) -> None:
    """Each option that cannot be right is refused in words that name it, and never the key."""
    with pytest.raises(ConfigError, match=said) as caught:
        face(**{**GOOD, **wrong})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "right",
    [
        {}, {"key": ""}, {"url": "http://127.0.0.1:8080"}, {"url": "http://localhost"},
        {"url": "http://[::1]:8080/"}, {"url": "http://kanhe.internal", "insecure": True},
        {"fallback": {"shop.gift_sent": "hold", "*": "allow"}}, {"url": "https://shop.example/kanhe/"},
    ],
    ids=str,
)  # fmt: skip
def test_good_options_are_taken(right: dict[str, Any]) -> None:
    """Loopback, TLS, a path in front, types of the shop's own: all of it is accepted."""
    Kanhe(**{**GOOD, **right}).close()


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    """A queue that could never be made is found when the client is made."""
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ConfigError, match="may not write"):
        Kanhe(**GOOD, queue=tmp_path / "queue.db")


def test_the_key_is_shown_nowhere(caplog: pytest.LogCaptureFixture, client: Any, fake: Any) -> None:
    """Neither the client's own text nor any line of the log holds the key or what an event says."""
    caplog.set_level(logging.DEBUG)
    fake.script = lambda _: (401, {}, b'{"type":"/problems/not-authenticated","status":401}')
    kanhe = client()
    kanhe.decide(events.AccountLogin(user="someone-private"))
    kanhe.record(events.AccountLogin(user="someone-private"))
    kanhe.flush(0.3)
    shown = caplog.text + repr(kanhe) + str(vars(kanhe)) + repr(vars(kanhe._engine))
    assert "secretsecret" not in shown
    assert "someone-private" not in shown
