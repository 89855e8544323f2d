"""Codes by mail, over a real mail server of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from kanhe.app.stepping_up.opening import StepUps
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from tests.outgoing.mail_server import TinyServer
from tests.step_up.building import PAYMENT
from tests.step_up.serving import clock, serving


@pytest.fixture
def post() -> Iterator[TinyServer]:
    """A mail server."""
    found = TinyServer()
    yield found
    found.close()


def _bodies(letter: EmailMessage) -> tuple[str, str]:
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    return str(plain.get_content()), str(html.get_content())


def test_a_payment_is_confirmed_by_mail(post: TinyServer, tmp_path: Path) -> None:
    """The letter comes in the shop's name, shows amount and payee as text, and its code confirms."""
    shops = tmp_path / "shops.toml"
    shops.write_text('[shop]\nname = "七号店"\n', encoding="utf-8")
    with serving(
        tmp_path / "house", step_up_shops=str(shops), mail_host="127.0.0.1", mail_port=post.port,
        mail_security="none", mail_from="pay@shop.example",
    ) as served, served.client() as client:  # fmt: skip
        payment = {**PAYMENT, "payee": "Dolls & <b>Toys</b>"}
        asked: Any = client.post(
            "/v1/step-ups", json={"user": "u-1", **payment, "mail": "mei@example.com", "language": "zh_CN"}
        ).json()  # fmt: skip
        assert asked["methods"] == ["mail"]
        path = f"/v1/step-ups/{asked['step_up_id']}"
        sent = client.post(f"{path}:send")
        assert sent.json()["sent_to"] == "m•••@example.com"
        assert client.post(f"{path}:send").status_code == 429
        assert int(client.post(f"{path}:send").headers["retry-after"]) <= 30
        [letter] = post.letters
        assert letter["from"].addresses[0].display_name == "七号店"
        assert letter["to"].addresses[0].addr_spec == "mei@example.com"
        assert letter["subject"] == "您的付款验证码"
        plain, html = _bodies(letter)
        assert "49.90 EUR" in plain
        assert "Dolls & <b>Toys</b>" in plain
        assert "Dolls &amp; &lt;b&gt;Toys&lt;/b&gt;" in html
        found = re.search(r"\d{4} \d{4}", plain)
        assert found
        passed = client.post(f"{path}:confirm", json={**payment, "code": found[0]}).json()
        assert (passed["outcome"], passed["method"]) == ("passed", "mail")


def test_an_address_is_enrolled_by_mail(post: TinyServer, tmp_path: Path) -> None:
    """Beginning a factor of mail sends its code at once; a server that is away is a 503."""
    own = {"mail_host": "127.0.0.1", "mail_port": post.port, "mail_security": "none"}
    with (
        serving(tmp_path, mail_from="pay@shop.example", **own) as served,
        served.client() as client,
    ):
        made = client.post(
            "/v1/buyers/u-1/factors", json={"kind": "mail", "mail": "mei@example.com"}
        )
        assert made.status_code == 201
        found = re.search(r"\d{4} \d{4}", _bodies(post.letters[0])[0])
        assert found
        factor = made.json()["factor_id"]
        done = client.post(f"/v1/buyers/u-1/factors/{factor}:confirm", json={"code": found[0]})
        assert done.json()["confirmed"] is True
        post.refuse = b"450 busy"
        away = client.post("/v1/buyers/u-2/factors", json={"kind": "mail", "mail": "a@example.com"})
        assert (away.status_code, away.json()["type"]) == (503, "/problems/step-up-not-sent")
        assert "a@example.com" not in away.text


@pytest.mark.parametrize(("text", "said"), [
    ("[shop", "cannot read"), ('[shop]\nnme = "x"', "knows name"), ("shop = 1", "outside of a table"),
    ('[shop]\norigins = ["https://a.example/"]', "write an origin"),
    ('[shop]\norigins = ["http://a.example"]', "https only"),
    ('[shop]\norigins = ["https://203.0.113.7"]', "not for the address"),
    ('[shop]\norigins = ["https://a.example"]\nrp_id = "b.example"', "does not lie in"),
    ('[shop]\norigins = ["https://a.example"]\nrp_id = "example"', "does not lie in"),
    ('[shop]\norigins = ["https://A.example"]', "small letters"),
    ('[shop]\nrp_id = "a.example"', "needs origins"), ("[shop]\nname = 7", "printable"),
])  # fmt: skip
def test_what_is_set_up_wrong_is_said_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    """A mistake in the file of shops names the tenant and what would be right."""
    shops = tmp_path / "shops.toml"
    shops.write_text(text)
    with pytest.raises(SettingsError, match=said):
        StepUps(Settings(data_dir=str(tmp_path), step_up_shops=str(shops)), clock)


def test_judging_carries_none_of_it() -> None:
    """A server that nobody asks about buyers loads neither the library of passkeys nor that of mail, and
    makes no file."""
    code = (
        "import sys; from kanhe.serve.api import server; from kanhe.core.settings import Settings\n"
        "from kanhe.app.stepping_up.opening import StepUps\n"
        "s = StepUps(Settings(data_dir='/nonexistent'), lambda: 0); print(s.waiting())\n"
        "print([m for m in ('fido2', 'smtplib', 'sqlalchemy', 'pyotp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "()\n[]\n", done.stderr
