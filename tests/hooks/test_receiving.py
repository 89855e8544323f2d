"""Receiving notices: durable before they are acknowledged, once for good, in the words of each provider."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from kanhe.app.hook_trial import try_source
from kanhe.app.hooks import HookDesk, HookError, open_receivers
from kanhe.app.opening import kanhe_in_memory, open_kanhe
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import PolicyErrors
from kanhe.protect.inbound.credentials import Credential
from kanhe.protect.inbound.evidence import Request
from kanhe.serve.api.server import prepare_server
from tests.api.listening import listening
from tests.hooks import requests as made
from tests.hooks.requests import CASES, Case


class Time:
    """A clock that tests move. It goes on by itself, so that changes by others are noticed."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.shift_ms = 0

    def __call__(self) -> int:
        passed = int((time.monotonic() - self.began) * 1_000)
        return made.NOW_MS + self.shift_ms + passed


class Running(NamedTuple):
    """A server with one source for each case, named like it, of the tenant `shop`."""

    engine: Any
    desk: HookDesk
    url: str
    clock: Time
    settings: Settings

    def post(self, name: str, request: Request, **more: Any) -> httpx.Response:
        """Send a request to a source."""
        headers = [*request.headers, *more.pop("headers", [])]
        return httpx.post(
            f"{self.url}/v1/hooks/{name}", content=request.body, headers=headers, timeout=20, **more
        )

    def rows(self) -> list[Any]:
        """What the journal holds."""
        return list(self.engine.journal.rows(0))

    def counted(self, source: str, outcome: str) -> float:
        """The metric of notices."""
        text = httpx.get(f"{self.url}/metrics").text
        name = f'kanhe_hook_notices_total{{outcome="{outcome}",source="{source}"}}'
        found = re.search(re.escape(name) + r" ([0-9.]+)", text)
        return float(found[1]) if found else 0.0


def running(engine: Any, settings: Settings, clock: Time) -> Iterator[Running]:
    """A server over an engine, until told to stop."""
    hooks = open_receivers(settings, builtin(), clock)
    server, sock = prepare_server(engine, None, settings, lambda: b"{}", hooks=hooks)
    desk = HookDesk(settings, clock)
    try:
        with listening(server, sock) as url:
            yield Running(engine, desk, url, clock, settings)
    finally:
        desk.close()
        hooks.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the tests of this module."""
    clock = Time()
    settings = Settings(
        data_dir=str(tmp_path_factory.mktemp("data")), port=0, require_keys=False,
        max_hook_bytes=20_000,
    )  # fmt: skip
    desk = HookDesk(settings, clock)
    for name, make in CASES.items():
        case = make()
        account = "2017091508741945" if name == "alipay" else ""
        desk.add(name, "shop", case.provider, case.credentials, account=account, rate_per_s=0.0)
    desk.close()
    yield from running(kanhe_in_memory(settings, clock), settings, clock)


ANSWERS = {
    "stripe": (200, b'{"received":true}'), "adyen": (200, b"[accepted]"),
    "shopify": (200, b'{"received":true}'), "woocommerce": (200, b'{"received":true}'),
    "wechat_pay": (204, b""), "alipay": (200, b"success"), "standard": (200, b'{"received":true}'),
    "standard-v1a": (200, b'{"received":true}'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_providers_hear_what_they_expect(served: Running, name: str) -> None:
    """Each provider is answered in its own words, when a notice is taken and when it is refused."""
    answer = served.post(name, CASES[name]().request)
    assert (answer.status_code, answer.content) == ANSWERS[name]
    refused = served.post(name, Request((), b"{}"))
    assert refused.status_code in (400, 401)
    told = [*refused.headers.raw, *answer.headers.raw, (refused.content, answer.content)]
    for credential in CASES[name]().credentials:
        assert not any(credential.value in part for pair in told for part in pair)
    assert refused.headers["kanhe-problem"].startswith("/problems/hook-not-")
    if name == "alipay":
        assert refused.content == b"failure"
    elif name == "wechat_pay":
        assert refused.json().keys() == {"code", "message"} and refused.json()["code"] == "FAIL"
    else:
        assert refused.json()["type"] == refused.headers["kanhe-problem"]


CHARGE = {
    "id": "evt_charge", "type": "charge.succeeded", "created": made.AT_S, "data": {"object": {
        "id": "ch_9", "amount": 100, "currency": "eur", "captured": True, "customer": "cus_9"}},
}  # fmt: skip


def stripe(**changed: Any) -> Case:
    return made.stripe(json.dumps({**CHARGE, **changed}).encode())


def test_a_notice_becomes_events_once(served: Running) -> None:
    """A notice that makes two events makes them once, however often it comes."""
    before = len(served.rows())
    first = served.post("stripe", stripe().request)
    assert first.headers["kanhe-hook"] == "taken"
    assert first.headers["kanhe-events"] == "payment.authorized, payment.captured"
    again = served.post("stripe", stripe().request)
    assert (again.status_code, again.headers["kanhe-hook"]) == (200, "repeated")
    rows = served.rows()[before:]
    assert [row.type for row in rows] == ["payment.authorized", "payment.captured"]
    assert {row.tenant for row in rows} == {"shop"}
    assert json.loads(rows[0].body)["id"] == "stripe:evt_charge:payment.authorized"


def test_what_can_be_stopped_no_more_may_still_be_judged(served: Running) -> None:
    """Where a mapping says so, the event of a notice is decided upon like any other."""
    order = {"id": 12, "created_at": "2026-01-01T00:00:00Z", "total_price": "10.00",
             "currency": "EUR", "line_items": []}  # fmt: skip
    answer = served.post("shopify", made.shopify(json.dumps(order).encode()).request)
    assert answer.headers["kanhe-events"] == "order.placed"
    row = served.rows()[-1]
    assert json.loads(row.answer)["outcome"] in ("allow", "review", "challenge", "deny")


def test_notices_that_mean_nothing_are_acknowledged(served: Running) -> None:
    """Unknown, set aside and pinged: each is acknowledged, counted, and leaves no event."""
    before = len(served.rows())
    for case, outcome in (
        (stripe(id="evt_u", type="invoice.paid"), "unknown"),
        (stripe(id="evt_s", type="payment_intent.created"), "set_aside"),
        (Case("woocommerce", Request((), b"webhook_id=1"), ()), "ping"),
    ):
        earlier = served.counted(case.provider, outcome)
        answer = served.post(case.provider, case.request)
        assert (answer.status_code, answer.headers["kanhe-hook"]) == (200, outcome)
        assert served.counted(case.provider, outcome) == earlier + 1
    assert len(served.rows()) == before


def test_what_is_not_understood_is_acknowledged_and_told(
    served: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A notice that does not fit its mapping, or whose event the registry refuses, does not come for
    ever; the log says what was wrong and never what stood there."""
    with caplog.at_level(logging.WARNING, "kanhe.serve"):
        for changed in ({"created": "Jane Doe"}, {"created": 4_000_000_000}):
            case = stripe(id=f"evt_{changed['created']}", **changed)
            answer = served.post("stripe", case.request)
            assert (answer.status_code, answer.headers["kanhe-hook"]) == (200, "not_understood")
    told = [record for record in caplog.records if record.message == "hook.not_understood"]
    assert len(told) == 2
    assert "at_ms" in told[0].__dict__["why"] and "future-event" in told[1].__dict__["why"]
    assert "Jane" not in caplog.text + str([record.__dict__ for record in told])


def test_unknown_sources_are_like_unknown_paths(served: Running) -> None:
    """A source that is not there is answered like any path that is not, whatever was sent to it."""
    request = CASES["stripe"]().request
    answers = {
        (answer.status_code, answer.content)
        for answer in (
            served.post("nobody", request), served.post("nobody", Request((), b"")),
            served.post("%00", request), served.post("x" * 2_000, request),
            served.post("Stripe", request),
            httpx.post(f"{served.url}/v1/nothing"),
        )
    }  # fmt: skip
    assert len(answers) == 1 and answers.pop()[0] == 404
    assert httpx.get(f"{served.url}/v1/hooks/stripe").status_code == 405
    assert httpx.get(f"{served.url}/v1/hooks/nobody").status_code == 405


def test_bodies_have_limits(served: Running) -> None:
    """A body that is too large, encoded, or of another kind is refused before it is looked at."""
    large = Request(CASES["stripe"]().request.headers, b"x" * 20_001)
    assert served.post("stripe", large).status_code == 413
    assert served.post("alipay", large).content == b"failure"
    for header in ((b"content-encoding", b"gzip"), (b"content-type", b"text/html")):
        answer = served.post("stripe", CASES["stripe"]().request, headers=[header])
        assert answer.status_code == 415
    assert served.post("stripe", stripe(id="evt_chunked").request, headers=[
        (b"content-type", b"application/json; charset=utf-8")]).status_code == 200  # fmt: skip


def test_headers_that_stand_twice_are_refused(served: Running) -> None:
    """Over the wire too, a second signature header is not joined to the first."""
    request = CASES["shopify"]().request
    answer = served.post("shopify", request, headers=[request.headers[0]])
    assert answer.status_code == 401 and "more than once" in answer.json()["detail"]


def test_old_notices_are_refused(served: Running) -> None:
    """A captured notice is worth nothing after five minutes where the provider signs the time."""
    served.clock.shift_ms += 400_000
    try:
        for name in ("stripe", "wechat_pay", "standard"):
            assert served.post(name, CASES[name]().request).status_code == 401
    finally:
        served.clock.shift_ms -= 400_000


def test_sources_of_others_take_nothing(served: Running) -> None:
    """A notice that is signed for one source is refused by another, and what another tenant's source
    takes is that tenant's."""
    other = Credential("secret", b"whsec_another_secret_of_another_shop")
    served.desk.add("stripe-b", "other", "stripe", [other])
    time.sleep(0.3)
    assert served.post("stripe-b", stripe(id="evt_b").request).status_code == 401
    served.desk.rotate("stripe-b", [Credential("secret", made.STRIPE_SECRET)], 0)
    time.sleep(0.3)
    assert served.post("stripe-b", stripe(id="evt_b").request).status_code == 200
    assert served.rows()[-1].tenant == "other"
    assert served.post("stripe", stripe(id="evt_b").request).headers["kanhe-hook"] == "taken"


def test_secrets_rotate_with_overlap_and_sources_go(served: Running) -> None:
    """Beside a new secret the one before it counts for its overlap; a removed source is gone at once."""
    old, new = Credential("secret", made.STRIPE_SECRET), Credential("secret", b"whsec_the_new_one")
    served.desk.add("rotating", "shop", "stripe", [old])
    source = served.desk.rotate("rotating", [new], 60_000)
    assert [one.value for one in source.credentials] == [new.value, old.value]
    time.sleep(0.3)
    assert served.post("rotating", stripe(id="evt_r1").request).status_code == 200
    served.clock.shift_ms += 61_000
    try:
        assert served.post("rotating", stripe(id="evt_r2").request).status_code == 401
    finally:
        served.clock.shift_ms -= 61_000
    served.desk.remove("rotating")
    time.sleep(0.3)
    assert served.post("rotating", stripe(id="evt_r3").request).status_code == 404


def test_a_source_has_a_rate(served: Running) -> None:
    """Beyond its rate a source is told when to come again; whoever is not authentic uses nothing up."""
    served.desk.add(
        "slow", "shop", "stripe", [Credential("secret", made.STRIPE_SECRET)], rate_per_s=0.1
    )
    woo = Credential("secret", made.SHOP_SECRET)
    served.desk.add("slow-woo", "shop", "woocommerce", [woo], rate_per_s=0.1)
    time.sleep(0.3)
    for _ in range(5):
        assert served.post("slow", CASES["shopify"]().request).status_code == 401
        assert served.post("slow-woo", Request((), b"webhook_id=1")).status_code == 200
    assert served.post("slow-woo", CASES["woocommerce"]().request).status_code == 200
    assert served.post("slow", stripe(id="evt_1").request).status_code == 200
    refused = served.post("slow", stripe(id="evt_2").request)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1


def test_nothing_is_acknowledged_that_is_not_durable(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the journal cannot be written, no provider hears yes, and its next try is the same event."""

    def broken() -> None:
        raise StorageError("the disk is full")

    case = stripe(id="evt_full")
    with monkeypatch.context() as patch:
        patch.setattr(served.engine, "commit", broken)
        for name, request in (("stripe", case.request), ("alipay", made.alipay(
                trade_no="full", notify_id="full").request)):  # fmt: skip
            answer = served.post(name, request)
            assert answer.status_code == 503 and b"success" not in answer.content
    served.engine.recover()
    assert served.post("stripe", case.request).status_code == 200


def test_every_source_can_be_tried(served: Running) -> None:
    """A sample that is signed as the provider would is taken, and the key of a trial does not stay."""
    for name in CASES:
        before = served.desk.get(name).credentials
        trial = try_source(served.desk, name, served.url, served.clock)
        assert trial.ok and trial.events, (name, trial)
        assert served.desk.get(name).credentials == before
    with pytest.raises(HookError, match="nobody answers"):
        try_source(served.desk, "stripe", "http://127.0.0.1:9", served.clock)


def test_a_notice_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """What was acknowledged is there after a restart, and a redelivery is still the same events."""
    clock = Time()
    settings = Settings(data_dir=str(tmp_path), port=0, require_keys=False)
    desk = HookDesk(settings, clock)
    desk.add("stripe", "shop", "stripe", [Credential("secret", made.STRIPE_SECRET)])
    desk.close()
    outcomes = []
    for _ in range(2):
        with open_kanhe(settings, clock) as engine:
            for server in running(engine, settings, clock):
                outcomes.append(server.post("stripe", stripe().request).headers["kanhe-hook"])
                assert len(server.rows()) == 2
    assert outcomes == ["taken", "repeated"]


MINE = """\
name = "mine"
provider = "standard"
en = "mine"
zh = "mine"
[[event]]
type = "review.posted"
when = [{ path = "type", is = "review" }]
[event.fields]
at_ms = { path = "at", as = "time", unit = "ms" }
user = { path = "by" }
rating = { path = "stars", as = "integer" }
"""


def test_a_shop_brings_its_own_mapping(tmp_path: Path) -> None:
    """A mapping of one's own takes its place by name; with mistakes or missing, nothing is served."""
    (tmp_path / "hooks").mkdir()
    clock = Time()
    settings = Settings(data_dir=str(tmp_path / "d"), port=0, require_keys=False,
                        hooks_dir=str(tmp_path / "hooks"))  # fmt: skip
    desk = HookDesk(settings, clock)
    key = [Credential("secret", made.WEBHOOK_KEY)]
    desk.add("own", "shop", "standard", key, mapping="mine")
    with pytest.raises(HookError, match="asks for the mapping mine"):
        open_receivers(settings, builtin(), clock)
    (tmp_path / "hooks" / "mine.toml").write_text(MINE.replace("rating", "ratings"))
    with pytest.raises(PolicyErrors, match=r"mine\.toml:11:1: review\.posted has no field ratings"):
        open_receivers(settings, builtin(), clock)
    (tmp_path / "hooks" / "mine.toml").write_text(MINE)
    body = json.dumps({"type": "review", "at": made.NOW_MS, "by": "u-1", "stars": 5}).encode()
    for server in running(kanhe_in_memory(settings, clock), settings, clock):
        assert server.post("own", made.standard(body).request).headers["kanhe-hook"] == "taken"
        assert json.loads(server.rows()[-1].body)["rating"] == 5
        desk.add("later", "shop", "standard", key, mapping="unheard-of")
        time.sleep(0.3)
        answer = server.post("later", made.standard(body).request)
        assert answer.status_code == 503 and answer.json()["type"].endswith("hook-mapping-missing")
    desk.close()


def refuse(desk: HookDesk, *words: Any, match: str, **more: Any) -> None:
    with pytest.raises(HookError, match=match):
        desk.add(*words, **more)


def test_what_cannot_be_a_source(tmp_path: Path) -> None:
    """Names, tenants, providers and keys that cannot be are refused with what to do; names are unique
    in an installation, and what is kept in the file does not tell the secret."""
    settings = Settings(data_dir=str(tmp_path))
    desk = HookDesk(settings, Time())
    key: Sequence[Credential] = [Credential("secret", made.STRIPE_SECRET)]
    pem = Credential("public_key", b"PEM")
    desk.add("stripe", "a", "stripe", key)
    refuse(desk, "stripe", "b", "stripe", key, match="already")
    for name in ("", "Stripe", "a b", "-a", "a-", "a" * 65, "ä", "a/b", "a\n"):
        refuse(desk, name, "a", "stripe", key, match="a source is called by")
    refuse(desk, "x", "a\n", "stripe", key, match="tenant")
    refuse(desk, "x", "a", "paypal", key, match="there is no provider")
    refuse(desk, "x", "a", "alipay", [pem], match="--account")
    refuse(desk, "x", "a", "stripe", [], match="needs a secret")
    refuse(desk, "x", "a", "stripe", [*key, pem], match="has no public key")
    refuse(desk, "x", "a", "wechat_pay", key, match="needs a secret and public key|public key")
    refuse(desk, "x", "a", "wechat_pay", [*key, pem], match="serial")
    refuse(desk, "x", "a", "standard", [], match="secret or public key")
    refuse(desk, "x", "a", "stripe", [*key] * 17, match="at most 16")
    refuse(desk, "x", "a", "stripe", key, rate_per_s=-1.0, match="rate")
    with pytest.raises(HookError, match="no source"):
        desk.remove("nobody")
    desk.close()
    for file in tmp_path.iterdir():
        assert made.STRIPE_SECRET not in file.read_bytes()


def test_a_row_that_was_changed_opens_nothing(tmp_path: Path) -> None:
    """Secrets are bound to their source: a row that is given another tenant or name in the file is
    refused, and so is one whose installation lost its key."""
    import sqlite3

    settings = Settings(data_dir=str(tmp_path))
    desk = HookDesk(settings, Time())
    desk.add("stripe", "a", "stripe", [Credential("secret", made.STRIPE_SECRET)])
    desk.close()
    with sqlite3.connect(tmp_path / "keys.db") as database:
        database.execute("UPDATE hook_sources SET tenant = 'b'")
    database.close()
    desk = HookDesk(settings, Time())
    with pytest.raises(StorageError, match="cannot be opened"):
        desk.get("stripe")
    desk.close()
