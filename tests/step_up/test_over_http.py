"""The routes of step-up, over a real server with a real journal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanhe.core.errors import StorageError
from tests.step_up.building import PAYMENT, code_at
from tests.step_up.serving import Served, clock, serving

VOUCHED = {"statement": "a code sent to the address on file"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests of this file."""
    shops = tmp_path_factory.mktemp("shops") / "shops.toml"
    shops.write_text('[shop]\nname = "Shop Seven"\norigins = ["https://shop.example"]\n')
    with serving(tmp_path_factory.mktemp("house"), step_up_shops=str(shops)) as one:
        yield one


def _enrol(served: Served, client: httpx.Client, user: str) -> str:
    """An app of a user; gives its secret."""
    begun = client.post(f"/v1/buyers/{user}/factors", json={"kind": "totp", "requires": VOUCHED})
    assert begun.status_code == 201, begun.text
    told = begun.json()
    assert told["link"].startswith("otpauth://totp/")
    # The step before the one that is now: the present code is left for what follows.
    code = code_at(told["secret"], served.now_ms - 30_000)
    confirmed = client.post(
        f"/v1/buyers/{user}/factors/{told['factor_id']}:confirm", json={"code": code}
    )
    assert confirmed.status_code == 200, confirmed.text
    secret: str = told["secret"]
    return secret


def test_a_buyer_confirms_a_payment(served: Served) -> None:
    """From setting an app up to redeeming, as the documentation tells it, and all of it is journaled."""
    with served.client() as client:
        secret = _enrol(served, client, "u-1")
        begun = client.post("/v1/step-ups", json={"user": "u-1", **PAYMENT, "device": "d-1"})
        assert begun.status_code == 201
        asked = begun.json()
        assert asked["methods"] == ["totp"]
        assert asked["attempts_left"] == 5
        path = f"/v1/step-ups/{asked['step_up_id']}"
        failed = client.post(f"{path}:confirm", json={**PAYMENT, "code": "000000"}).json()
        assert (failed["outcome"], failed["reason"]) == ("failed", "wrong_code")
        code = code_at(secret, served.now_ms)
        passed = client.post(f"{path}:confirm", json={**PAYMENT, "code": code})
        assert passed.json()["outcome"] == "passed"
        assert passed.headers["cache-control"] == "no-store"
        said = {**PAYMENT, "user": "u-1", "confirmation": passed.json()["confirmation"], "id": "p1"}
        other = client.post(f"{path}:redeem", json={**said, "amount_minor": 1})
        assert (other.status_code, other.json()["type"]) == (409, "/problems/step-up-refused")
        assert client.post(f"{path}:redeem", json=said).json()["repeated"] is False
        assert client.post(f"{path}:redeem", json=said).json()["repeated"] is True
        assert client.post(f"{path}:redeem", json={**said, "id": "p2"}).status_code == 409
    types = [one["type"] for one in served.journaled() if one.get("user") == "u-1"]
    assert types == [
        "account.factor_added", "step_up.requested", "step_up.failed", "step_up.passed"
    ]  # fmt: skip
    assert served.step_ups.waiting() == []


def test_a_login_is_confirmed_over_http(served: Served) -> None:
    """A signing in names no order; it is confirmed and redeemed with the same routes."""
    with served.client() as client:
        secret = _enrol(served, client, "u-20")
        said = {"user": "u-20", "purpose": "login", "device": "d-1"}
        assert client.post("/v1/step-ups", json={**said, "order": "o-1"}).status_code == 422
        asked = client.post("/v1/step-ups", json=said).json()
        path = f"/v1/step-ups/{asked['step_up_id']}"
        code = code_at(secret, served.now_ms)
        passed = client.post(f"{path}:confirm", json={"code": code}).json()
        body = {"user": "u-20", "confirmation": passed["confirmation"], "id": "l-1"}
        assert client.post(f"{path}:redeem", json=body).status_code == 409
        assert client.post(f"{path}:redeem", json={**body, "purpose": "login"}).status_code == 200


def test_answers_come_after_the_journal(served: Served) -> None:
    """When a confirm is answered, the next decision already counts it."""
    with served.client() as client:
        begun = client.post("/v1/step-ups", json={"user": "u-2", **PAYMENT}).json()
        path = f"/v1/step-ups/{begun['step_up_id']}"
        for _ in range(2):
            client.post(f"{path}:confirm", json={**PAYMENT, "code": "000000"})
        seen = [one["type"] for one in served.journaled() if one.get("user") == "u-2"]
    assert seen == ["step_up.requested", "step_up.failed", "step_up.failed"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("POST", "/v1/step-ups", {"user": "u-1"}, 422, "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "purpose": "factors"}, 422,
         "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "amount_minor": 1e3}, 422,
         "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "amount_minor": -1}, 422,
         "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "amount_minor": 10**40}, 422,
         "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "more": 1}, 422, "step-up-invalid"),
        ("POST", "/v1/step-ups", {"user": "u-1", **PAYMENT, "currency": "EU€"}, 422,
         "step-up-invalid"),
        ("POST", "/v1/step-ups/su-x:confirm", {**PAYMENT, "code": "123456"}, 404, "not-found"),
        ("POST", "/v1/step-ups/su-x:confirm", PAYMENT, 422, "step-up-invalid"),
        ("POST", "/v1/step-ups/su-x:send", None, 404, "not-found"),
        ("POST", "/v1/step-ups/%F0%9F%8D%80:send", None, 404, "not-found"),
        ("GET", "/v1/step-ups/su-x:confirm", None, 405, "method-not-allowed"),
        ("POST", "/v1/step-ups/su-x:steal", {}, 404, "not-found"),
        ("POST", "/v1/buyers/u/factors", {"kind": "sms"}, 422, "step-up-invalid"),
        ("POST", "/v1/buyers/u/factors", {"kind": "mail", "mail": "a@b.c"}, 409,
         "factor-impossible"),
        ("POST", "/v1/buyers/u%07/factors", {"kind": "totp"}, 422, "step-up-invalid"),
        ("DELETE", "/v1/buyers/u/factors/fa-x", {}, 404, "not-found"),
    ],
)  # fmt: skip
def test_refusals_say_what_was_wrong(
    served: Served, method: str, path: str, body: Any, status: int, slug: str
) -> None:
    """What is not as it should be is a problem of its own type, and never a fault of the server."""
    with served.client() as client:
        answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize("raw", [b"[", b"\xff\xfe", b'"x"', b"[" * 60_000, b'{"user": "\\ud800"}'])
def test_hostile_bodies_are_refused(served: Served, raw: bytes) -> None:
    """What is no JSON object of this kind is a 422, whatever it is."""
    with served.client() as client:
        assert client.post("/v1/step-ups", content=raw).status_code == 422
        assert client.post("/v1/step-ups", content=b" " * 70_000).status_code == 413


def test_a_key_needs_the_scope(served: Served) -> None:
    """Without the scope nobody asks buyers, and nobody makes up what came of it."""
    made_up = {"id": "x", "type": "step_up.passed", "at_ms": clock(), "user": "u", "step_up": "s"}
    with served.client(served.other_token) as client:
        assert client.post("/v1/step-ups", json={"user": "u", **PAYMENT}).status_code == 403
        refused = client.post("/v1/events", json=made_up)
    assert refused.json()["type"] == "/problems/restricted-type"


def test_a_users_id_may_hold_what_ids_hold(served: Served) -> None:
    """Slashes, spaces and letters of any script in a user's id reach the same user."""
    with served.client() as client:
        for user, written in (("a/b", "a%2Fb"), ("买家 7", "%E4%B9%B0%E5%AE%B6%207")):
            _enrol(served, client, written)
            asked = client.post("/v1/step-ups", json={"user": user, **PAYMENT}).json()
            assert asked["methods"] == ["totp"]


def test_events_outlive_a_journal_that_cannot_be_written(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the journal refuses, the buyer is still answered; later it has each event exactly once."""
    journal = served.engine.journal
    real = journal.commit

    def full() -> None:
        raise StorageError("no room left")

    with served.client() as client:
        monkeypatch.setattr(journal, "commit", full)
        begun = client.post("/v1/step-ups", json={"user": "u-9", **PAYMENT})
        assert begun.status_code == 201
        monkeypatch.setattr(journal, "commit", real)
        end = time.monotonic() + 20
        while served.step_ups.waiting() and time.monotonic() < end:
            time.sleep(0.1)
    assert [one["type"] for one in served.journaled() if one.get("user") == "u-9"] == [
        "step_up.requested"
    ]


def test_an_event_that_was_taken_and_not_struck_out_is_taken_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies between journal and outbox sends again, and the journal keeps one."""
    delivered = served.step_ups.delivered

    def dies(*_: Any) -> None:
        raise StorageError("the process ended here")

    with served.client() as client:
        monkeypatch.setattr(served.step_ups, "delivered", dies)
        client.post("/v1/step-ups", json={"user": "u-10", **PAYMENT})
        assert len(served.step_ups.waiting()) == 1
        monkeypatch.setattr(served.step_ups, "delivered", delivered)
        client.post("/v1/step-ups", json={"user": "u-11", **PAYMENT})
        assert served.step_ups.waiting() == []
    for user in ("u-10", "u-11"):
        found = [one for one in served.journaled() if one.get("user") == user]
        assert [one["type"] for one in found] == ["step_up.requested"]


def test_many_at_once_are_bounded_and_one_passes(served: Served) -> None:
    """Of many confirms at once one passes; what is too much at once is told to try again."""
    with served.client() as client:
        secret = _enrol(served, client, "u-12")
        asked = client.post("/v1/step-ups", json={"user": "u-12", **PAYMENT}).json()
    path = f"/v1/step-ups/{asked['step_up_id']}:confirm"
    body = json.dumps({**PAYMENT, "code": code_at(secret, served.now_ms)}).encode()
    headers = {"authorization": f"Bearer {served.token}"}

    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=served.url, headers=headers, timeout=30, limits=limits
        ) as client:
            return await asyncio.gather(*(client.post(path, content=body) for _ in range(100)))

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} <= {200, 409, 503}
    assert [a.json()["outcome"] for a in answers if a.status_code == 200] == ["passed"]


def test_a_restarted_server_delivers_what_was_left(tmp_path: Path) -> None:
    """What another process has left in the outbox, or this one before it died, reaches the journal."""
    folder = tmp_path / "house"
    with serving(folder) as served, served.client() as client:
        _enrol(served, client, "u-1")
    from kanhe.app.stepping_up.opening import StepUps
    from kanhe.core.settings import Settings

    beside = StepUps(Settings(data_dir=str(folder)), clock)
    with beside.room.store.writing() as writing:
        beside.room.tell(writing, "shop", "account.factor_removed", user="u-1", staff="st-1")
    beside.close()
    with serving(folder) as served:
        end = time.monotonic() + 20
        while served.step_ups.waiting() and time.monotonic() < end:
            time.sleep(0.1)
        types = [one["type"] for one in served.journaled()]
    assert types == ["account.factor_added", "account.factor_removed"]
