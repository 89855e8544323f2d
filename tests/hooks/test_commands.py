"""`kanhe hooks`, as somebody who connects a shop meets it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from kanhe.app.hooks import open_receivers
from kanhe.app.opening import kanhe_in_memory
from kanhe.core.settings import Settings
from kanhe.judge.intake.registry import builtin
from kanhe.serve.api.server import prepare_server
from kanhe.serve.cli.serving import now_ms
from tests.api.listening import listening
from tests.cli.conftest import Kanhe
from tests.cli.conftest import kanhe as kanhe
from tests.hooks import requests as made
from tests.hooks.openssl import rsa_pair

SECRET = made.STRIPE_SECRET + b"\n"
ADD = ("hooks", "add", "stripe", "--provider", "stripe", "--data-dir", "d")


def test_a_source_is_added_listed_and_removed(kanhe: Kanhe) -> None:
    """A source is made of a secret on standard input; no command ever shows the secret again."""
    added = kanhe(*ADD, "--tenant", "shop", stdin=SECRET)
    assert (added.code, added.out) == (0, "/v1/hooks/stripe\n")
    assert "kanhe hooks test stripe" in added.err
    listed = kanhe("hooks", "list", "--data-dir", "d")
    assert "Stripe" in listed.out and "shop" in listed.out
    as_json = kanhe("hooks", "list", "--json", "--data-dir", "d", "--tenant", "shop").json()
    assert as_json[0]["path"] == "/v1/hooks/stripe"
    assert as_json[0]["credentials"][0]["kind"] == "secret"
    assert kanhe("hooks", "list", "--tenant", "other", "--data-dir", "d").out.startswith(
        "There are no"
    )
    for ran in (added, listed, kanhe(*ADD, stdin=SECRET)):
        assert made.STRIPE_SECRET.decode() not in ran.out + ran.err
    assert kanhe("hooks", "remove", "stripe", "--data-dir", "d").code == 0
    again = kanhe("hooks", "remove", "stripe", "--data-dir", "d")
    assert again.code == 2 and "there is no source" in again.err


def test_what_is_wrong_is_told_without_the_secret(kanhe: Kanhe) -> None:
    """A secret of the wrong form, a provider that is not there, a file that is missing: each is one
    clear line, which never quotes what was entered."""
    pem = Path("p.pem")
    pem.write_text(rsa_pair().public_pem)
    for words, stdin, told in (
        (ADD, b"sk_live_very_secret_1", "begins with whsec_"),
        (("hooks", "add", "x", "--provider", "paypal"), SECRET, "there is no provider paypal"),
        (("hooks", "add", "x", "--provider", "adyen"), b"very_secret", "64 hexadecimal"),
        (("hooks", "add", "x", "--provider", "stripe", "--secret", "none"), b"", "cannot read none"),
        (("hooks", "add", "x", "--provider", "stripe", "--public-key", "p.pem"), SECRET,
         "by a shared secret"),
        (("hooks", "add", "x", "--provider", "alipay", "--public-key", "p.pem"), b"", "--account"),
        (("hooks", "add", "x", "--provider", "wechat_pay", "--public-key", "p.pem"),
         made.API_V3_KEY, "serial"),
        (("hooks", "add", "x", "--provider", "standard"), b"whsec_c2hvcnQ=", "24 to 64 bytes"),
        (("hooks", "rotate", "x"), b"", "there is no source"),
        (("hooks", "test", "x"), b"", "there is no source"),
    ):  # fmt: skip
        ran = kanhe(*words, stdin=stdin)
        assert ran.code == 2 and told in ran.err, (words, ran)
        assert "very_secret" not in ran.err
    private = Path("private.pem")
    private.write_text("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n")
    ran = kanhe("hooks", "add", "x", "--provider", "alipay", "--account", "1", "--public-key",
                "private.pem")  # fmt: skip
    assert ran.code == 2 and "private key" in ran.err


def test_keys_are_taken_as_providers_show_them(kanhe: Kanhe) -> None:
    """A certificate tells its serial by itself, and Alipay's key may be the bare text of its page."""
    pem, serial = rsa_pair().certificate()
    Path("c.pem").write_text(pem)
    bare = "".join(rsa_pair().public_pem.splitlines()[1:-1])
    Path("bare.txt").write_text(bare)
    wechat = kanhe("hooks", "add", "w", "--provider", "wechat_pay", "--public-key", "c.pem", "--json",
                   stdin=made.API_V3_KEY)  # fmt: skip
    labels = [one["label"] for one in wechat.json()["credentials"]]
    assert labels == ["", serial]
    alipay = kanhe("hooks", "add", "a", "--provider", "alipay", "--account", "1", "--public-key",
                   "bare.txt", "--json")  # fmt: skip
    assert alipay.json()["credentials"][0]["kind"] == "public_key"


def test_secrets_are_rotated(kanhe: Kanhe) -> None:
    """The new secret stands beside the old one for the overlap; nothing given is told."""
    kanhe(*ADD, stdin=SECRET)
    ran = kanhe("hooks", "rotate", "stripe", "--secret", "-", "--overlap", "1h", "--json",
                "--data-dir", "d", stdin=b"whsec_the_new_one")  # fmt: skip
    new, old = ran.json()["credentials"]
    assert new["until_ms"] == 0 and old["in_force"]
    assert 3_590_000 < old["until_ms"] - now_ms() <= 3_600_000
    ran = kanhe("hooks", "rotate", "stripe", "--data-dir", "d")
    assert ran.code == 2 and "--secret" in ran.err
    ended = kanhe("hooks", "rotate", "stripe", "--secret", "-", "--overlap", "0", "--json",
                  "--data-dir", "d", stdin=b"whsec_the_third_one")  # fmt: skip
    assert [one["in_force"] for one in ended.json()["credentials"]].count(True) == 2


def test_a_sample_arrives(kanhe: Kanhe) -> None:
    """`kanhe hooks test` tells what the sample became; where nobody answers, it says what to do."""
    kanhe(*ADD, stdin=SECRET)
    settings = Settings(data_dir="d", port=0, require_keys=False)
    hooks = open_receivers(settings, builtin(), now_ms)
    engine = kanhe_in_memory(settings, now_ms)
    server, sock = prepare_server(engine, None, settings, lambda: b"{}", hooks=hooks)
    with closing(hooks), listening(server, sock) as url:
        ran = kanhe("hooks", "test", "stripe", "--url", url, "--data-dir", "d")
        assert ran.code == 0 and "payment.authorized" in ran.out
        kanhe(
            "hooks", "add", "elsewhere", "--provider", "stripe", "--data-dir", "other", stdin=SECRET
        )
        missed = kanhe("hooks", "test", "elsewhere", "--url", url, "--data-dir", "other")
        assert missed.code == 1 and "404" in missed.err
    gone = kanhe("hooks", "test", "stripe", "--url", url, "--data-dir", "d")
    assert gone.code == 2 and "is `kanhe serve` running?" in gone.err


def test_the_doctor_looks_at_sources(kanhe: Kanhe) -> None:
    """A mapping with mistakes is found before a server refuses to start with it."""
    kanhe("hooks", "add", "stripe", "--provider", "stripe", stdin=SECRET)
    Path("kanhe.toml").write_text('hooks_dir = "mine"\n')
    Path("mine").mkdir()

    def found() -> Any:
        checks = kanhe("doctor", "--json", "--port", "0").json()
        return next(check for check in checks if check["name"] == "hooks")

    assert found()["state"] == "fine" and "1" in found()["found"]
    (Path("mine") / "m.toml").write_text("name = 1\n")
    assert found()["state"] == "bad" and "m.toml" in found()["found"] and found()["do"]


def test_a_mapping_is_checked_and_tried(kanhe: Kanhe) -> None:
    """A mapping of one's own is checked before a server has it, and shows what a notice becomes."""
    mapping = Path("m.toml")
    text = (
        'name = "m"\nprovider = "stripe"\nen = "mine"\nzh = "mine"\n[[event]]\n'
        'type = "payment.captured"\nwhen = [{ path = "@topic", is = "paid" }]\n[event.fields]\n'
        'at_ms = { path = "at", as = "time", unit = "s" }\nuser = { path = "by" }\n'
        'amount_minor = { path = "sum", as = "minor", currency = "cur" }\n'
        'currency = { path = "cur", as = "currency" }\n'
    )
    mapping.write_text(text.replace("user", "usr"))
    wrong = kanhe("hooks", "check", "m.toml")
    assert (
        wrong.code == 1
        and "m.toml:10:1: payment.captured has no field usr" in wrong.err + wrong.out
    )
    mapping.write_text(text)
    assert kanhe("hooks", "check", "m.toml").out.startswith("m is fine")
    notice = Path("n.json")
    notice.write_text(json.dumps({"at": made.AT_S, "by": "u", "sum": "1.50", "cur": "eur"}))
    tried = kanhe(
        "hooks", "check", "m.toml", "--notice", "n.json", "--topic", "paid", "--json"
    ).json()
    assert tried["events"][0]["amount_minor"] == 150 and tried["mistakes"] == []
    other = kanhe("hooks", "check", "m.toml", "--notice", "n.json", "--topic", "other")
    assert other.code == 0 and "unknown" in other.out
    notice.write_text(json.dumps({"at": "soon", "by": "u", "sum": "1.50", "cur": "eur"}))
    bad = kanhe("hooks", "check", "m.toml", "--notice", "n.json", "--topic", "paid")
    assert bad.code == 1 and "at_ms" in bad.err
