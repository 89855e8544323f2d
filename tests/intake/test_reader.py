"""What the reader accepts, what it refuses, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kanhe.core.errors import Problem, Refusal
from kanhe.core.event import Arrival
from kanhe.judge.intake.problems import ERRORS_MAX, problem_catalogue
from kanhe.judge.intake.reader import Reader, read_lines
from kanhe.judge.intake.registry import builtin
from tests.intake.events import NOW_MS, SCOPES, escaped

READER = Reader(builtin())
GOOD: dict[str, Any] = {
    "id": "e1", "type": "payment.attempted", "at_ms": NOW_MS, "user": "u1", "device": "d1",
    "ip": "203.0.113.7", "card": "tok_9", "merchant": "m1", "order": "o1", "amount_minor": 1999,
    "currency": "EUR", "ip_country": "DE", "card_country": "DE",
}  # fmt: skip


def _read(raw: bytes | dict[str, Any], **changed: Any) -> Arrival:
    if isinstance(raw, dict):
        event = {k: v for k, v in {**raw, **changed}.items() if v is not ...}
        raw = json.dumps(event).encode()
    return READER.read("shop", raw, NOW_MS)


def _problem(raw: bytes | dict[str, Any], **changed: Any) -> Problem:
    with pytest.raises(Refusal) as caught:
        _read(raw, **changed)
    return caught.value.problem


def test_a_good_event_arrives_whole() -> None:
    """Every field is on the event; what was left out is None; the body is canonical."""
    arrival = _read(GOOD)
    assert arrival.tenant == "shop"
    assert arrival.received_ms == NOW_MS
    assert arrival.event.type == "payment.attempted"
    assert {k: v for k, v in GOOD.items() if k != "type"} == {
        name: value
        for name in arrival.event.__struct_fields__
        if (value := getattr(arrival.event, name)) is not None
    }
    assert arrival.body.startswith(b'{"type":"payment.attempted","id":"e1","at_ms":')
    assert b" " not in arrival.body


def test_order_and_spaces_do_not_matter() -> None:
    """The same event in another order, with spaces and nulls, has the same canonical body."""
    shuffled = dict(reversed(GOOD.items())) | {"email": None, "lat": None}
    assert _read(shuffled).body == _read(GOOD).body
    assert _read(json.dumps(GOOD, indent=3).encode() + b"\n").body == _read(GOOD).body


@pytest.mark.parametrize(
    ("slug", "field", "expected", "changed"),
    [
        ("missing-field", "id", "an id of 1 to 128 characters", {"id": ...}),
        ("missing-field", "at_ms", "milliseconds since 1970", {"at_ms": None}),
        ("missing-field", "", "at least one of user, device", {
            "user": ..., "device": ..., "ip": ..., "card": ..., "merchant": ..., "order": ...}),
        ("unknown-field", "useer", "did you mean user?", {"useer": "u1"}),
        ("unknown-field", "rating", "other types have it", {"rating": 5}),
        ("unknown-field", "tenant", "a field of payment.attempted", {"tenant": "shop"}),
        ("wrong-type", "amount_minor", "a whole number from 0", {"amount_minor": "19.99"}),
        ("wrong-type", "amount_minor", "a whole number from 0", {"amount_minor": 19.99}),
        ("wrong-type", "amount_minor", "a whole number from 0", {"amount_minor": 1999.0}),
        ("wrong-type", "amount_minor", "a whole number from 0", {"amount_minor": True}),
        ("wrong-type", "user", "an id", {"user": 7}),
        ("wrong-type", "user", "an id", {"user": {"id": "u1"}}),
        ("wrong-type", "is_guest", "true or false", {"is_guest": 1}),
        ("wrong-type", "is_guest", "true or false", {"is_guest": "true"}),
        ("wrong-type", "products", "a list of at most 200 ids", {"products": "p1"}),
        ("wrong-type", "products", "a list of at most 200 ids", {"products": [1]}),
        ("wrong-type", "lat", "degrees from -90 to 90", {"lat": "52"}),
        ("out-of-range", "amount_minor", "from 0 to 1000000000000", {"amount_minor": -1}),
        ("out-of-range", "amount_minor", "from 0 to", {"amount_minor": 10**12 + 1}),
        ("out-of-range", "amount_minor", "from 0 to", {"amount_minor": 10**400}),
        ("out-of-range", "attempt_no", "from 1 to 10000", {"attempt_no": 0}),
        ("out-of-range", "lat", "degrees from -90 to 90", {"lat": 90.1}),
        ("out-of-range", "lon", "degrees from -180 to 180", {"lon": -1e300}),
        ("out-of-range", "user", "of 1 to 128 characters", {"user": ""}),
        ("out-of-range", "at_ms", "this looks like seconds", {"at_ms": NOW_MS // 1000}),
        ("out-of-range", "at_ms", "this looks like microseconds", {"at_ms": NOW_MS * 1000}),
        ("too-long", "id", "of 1 to 128 characters", {"id": "x" * 129}),
        ("too-long", "user", "of 1 to 128 characters", {"user": "勘" * 129}),
        ("too-long", "email", "of 1 to 254 characters", {"email": "x" * 250 + "@a.bc"}),
        ("too-long", "user_agent", "of 1 to 256 characters", {"user_agent": "x" * 257}),
        ("too-long", "products", "at most 200 ids", {"products": ["p"] * 201}),
        ("wrong-value", "card_country", "ISO 3166-1", {"card_country": "de"}),
        ("wrong-value", "currency", "ISO 4217", {"currency": "EURO"}),
        ("wrong-value", "cvv_result", "one of match, no_match", {"cvv_result": "yes"}),
        ("wrong-value", "ip", "an IPv4 or IPv6 address", {"ip": "203.0.113.256"}),
        ("wrong-value", "ip", "an IPv4 or IPv6 address", {"ip": "203.0.113.07"}),
        ("wrong-value", "ip", "an IPv4 or IPv6 address", {"ip": "fe80::1%eth0"}),
        ("wrong-value", "ip", "an IPv4 or IPv6 address", {"ip": "203.0.113.7:443"}),
        ("wrong-value", "email", "an @ inside", {"email": "mei"}),
        ("wrong-value", "email", "an @ inside", {"email": "a@b@"}),
        ("wrong-value", "email", "an @ inside", {"email": "@c"}),
        ("wrong-value", "user", "can all be printed", {"user": "u\x001"}),
        ("wrong-value", "user", "can all be printed", {"user": "u\x7f"}),
        ("wrong-value", "user", "can all be printed", {"user": "a\u202eb"}),
        ("wrong-value", "user", "can all be printed", {"user": "a\u200bb"}),
        ("wrong-value", "user_agent", "can all be printed", {"user_agent": "a\nb"}),
        ("wrong-value", "products", "can all be printed", {"products": ["p\t"]}),
        ("amount-without-currency", "currency", "amount_minor is in", {"currency": ...}),
        ("amount-without-currency", "currency", "amount_minor is in", {"currency": None}),
        ("future-event", "at_ms", f"no later than {NOW_MS + 300_000}", {"at_ms": NOW_MS + 300_001}),
        ("unknown-type", "type", "the name of an event type", {"type": ...}),
        ("unknown-type", "type", "the name of an event type", {"type": 5}),
        ("unknown-type", "type", "mean payment.attempted?", {"type": "payment.atempted"}),
        ("wrong-tenant", "tenant", "no such field", {"tenant": "other"}),
    ],
)  # fmt: skip
def test_each_mistake_is_named(
    slug: str, field: str, expected: str, changed: dict[str, Any]
) -> None:
    """A mistake gives its own problem, the field, and what was expected, however JSON is spelled."""
    for ascii_only in (True, False):
        event = {k: v for k, v in {**GOOD, **changed}.items() if v is not ...}
        raw = json.dumps(event, ensure_ascii=ascii_only, separators=(",", ":")).encode()
        problem = _problem(raw)
        assert problem.type == f"/problems/{slug}"
        assert problem.status == problem_catalogue[slug].status
        assert problem.title == problem_catalogue[slug].title
        assert problem.errors[0].field == field
        assert expected in problem.errors[0].expected
        assert len(problem.errors[0].got) <= 80


@pytest.mark.parametrize(
    ("slug", "detail", "raw"),
    [
        ("not-utf8", "byte 9 (0xff)", b'{"user":"\xff"}'),
        ("not-utf8", "byte 0 (0xff)", '{"id":"1"}'.encode("utf-16")),
        ("not-utf8", "byte 2", b'{"\xc3("'),
        ("not-json", "the body is empty", b""),
        ("not-json", "the body is empty", b" \n"),
        ("not-json", "byte order mark", b'\xef\xbb\xbf{"id":"1"}'),
        ("not-json", "NaN", b'{"id":"1","lat":NaN}'),
        ("not-json", "Infinity", b'{"id":"1","lat":-Infinity}'),
        ("not-json", "line 1, column 7", b'{"id":"1'),
        ("not-json", "line 1", b'{"id":"1"'),
        ("not-json", "line 1", b'{"id":"1",}'),
        ("not-json", "line 1", b"{'id':'1'}"),
        ("not-json", "line 1", b'{"id":"1"}{"id":"2"}'),
        ("not-json", "line 1", b'{"id":"a\x00b"}'),
        ("not-json", "line 1", b'{"id":01}'),
        ("not-json", "half of a surrogate pair", b'{"id":"\\ud83d"}'),
        ("not-json", "half of a surrogate pair", b'{"id":"\\ude00\\ud83d"}'),
        ("not-json", "half of a surrogate pair", b'{"\\ud83d":"x"}'),
        ("not-json", "half of a surrogate pair", b'{"products":["\\ud83d"]}'),
        ("not-json", "nested too deeply", b"[" * 60_000),
        ("not-json", "nested too deeply", b'{"a":' * 10_000),
        ("wrong-type", "one JSON object", b"[]"),
        ("wrong-type", "one JSON object", b'"text"'),
        ("wrong-type", "one JSON object", b"17"),
        ("wrong-type", "one JSON object", b"null"),
        ("unknown-type", "the name of an event type", b"{}"),
    ],
)
def test_what_is_not_json_says_where(slug: str, detail: str, raw: bytes) -> None:
    """Broken text is refused with what is wrong and the place."""
    problem = _problem(raw)
    assert problem.type == f"/problems/{slug}"
    assert detail in problem.detail
    assert problem.errors


def test_too_large_a_body_is_not_read() -> None:
    """A body above the limit is refused by its size; one at the limit is read."""
    reader = Reader(builtin(), max_body_bytes=200)
    raw = json.dumps({"id": "1", "type": "account.login", "at_ms": NOW_MS, "user": "u"}).encode()
    assert reader.read("shop", raw.ljust(200), NOW_MS).event.id == "1"
    with pytest.raises(Refusal) as caught:
        reader.read("shop", raw.ljust(201), NOW_MS)
    assert caught.value.problem.type == "/problems/body-too-large"
    assert caught.value.problem.status == 413
    assert "201" in caught.value.problem.errors[0].got


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005",
     "４１１１１１１１１１１１１１１１", "4111.1111.1111.1111", "6222021234567890128"],
)  # fmt: skip
def test_card_numbers_are_refused_and_never_repeated(number: str) -> None:
    """What passes for a card number is refused, and no answer repeats it."""
    problem = _problem(GOOD, card=number)
    assert problem.type == "/problems/card-number"
    assert number not in repr(problem)
    assert number not in repr(_problem(GOOD, ip=number, card=...))
    assert number not in repr(_problem(GOOD, amount_minor=number))


def test_a_card_number_sent_as_a_number_is_not_repeated() -> None:
    """A card number without quotes is of the wrong type, and is masked in the answer."""
    problem = _problem(GOOD, card=4111111111111111)
    assert problem.type == "/problems/wrong-type"
    assert "4111" not in repr(problem)


@pytest.mark.parametrize("token", ["4111111111111112", "tok_4111111111111111", "12345", "9" * 20])
def test_tokens_are_accepted(token: str) -> None:
    """Tokens pass, even of digits, as long as they cannot be card numbers."""
    assert _read(GOOD, card=token).body


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::1"),
    ],
)
def test_one_address_has_one_spelling(sent: str, kept: str) -> None:
    """Spellings of one address count as one address, so that respelling does not evade a limit."""
    for _ in range(2):
        arrival = _read(GOOD, ip=sent)
        assert arrival.event.ip == kept  # type: ignore[attr-defined]  # made from the registry
        assert READER.reread("shop", arrival.body, NOW_MS) == arrival


@pytest.mark.parametrize(
    "extra",
    [
        '"user":"u2"', '"user":"u1"', '"\\u0075ser":"u2"', '"us\\u0065r" : "u2"',
        f'{escaped("user")}:"u2"', '"user"  :null', '"type":"payment.attempted"', '"email":null,"email":null',
        '"lat":1e-5,"lat":1,"lon":1e-5', '"user":":"', '"user":":\\":"', '"user":"u\\u003a"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : ")])
@pytest.mark.parametrize("first", [True, False])
def test_duplicates_cannot_be_smuggled(
    extra: str, separators: tuple[str, str], first: bool
) -> None:
    """A name that stands twice is refused, whatever the escapes, spaces, order or values."""
    good = json.dumps(GOOD, separators=separators)
    raw = "{" + extra + "," + good[1:] if first else good[:-1] + "," + extra + "}"
    problem = _problem(raw.encode())
    assert problem.type == "/problems/duplicate-key"
    assert problem.errors[0].field in extra.encode().decode("unicode_escape")


def test_all_mistakes_are_listed() -> None:
    """Several mistakes come in one answer; the title is that of the gravest."""
    problem = _problem(GOOD, currency=..., card_country="xx", useer=1, at_ms=NOW_MS + 10**9)
    assert problem.type == "/problems/amount-without-currency"
    assert {error.field for error in problem.errors} == {
        "currency",
        "card_country",
        "useer",
        "at_ms",
    }
    assert "3 more" in problem.detail


def test_a_flood_of_mistakes_is_cut() -> None:
    """At most twenty mistakes are spelled out, and long names are cut, however many come."""
    problem = _problem(GOOD, **{f"{i}{'x' * 200}": i for i in range(200)})
    assert len(problem.errors) == ERRORS_MAX
    assert all(len(error.field) <= 80 for error in problem.errors)
    assert "199 more" in problem.detail


def test_suggestions_are_rationed() -> None:
    """Looking for near names takes long, so that a hostile body gets it for three names only."""
    problem = _problem(GOOD, **{f"user{i}": 1 for i in range(10)})
    assert sum("did you mean" in error.expected for error in problem.errors) == 3


def test_the_edge_of_the_future() -> None:
    """An event exactly at the tolerance is accepted; old events are, too."""
    assert _read(GOOD, at_ms=NOW_MS + 300_000).event.at_ms == NOW_MS + 300_000
    assert _read(GOOD, at_ms=1_290_000_000_000).event.at_ms == 1_290_000_000_000


def test_rereading_does_not_look_at_the_clock() -> None:
    """What was once accepted is read again from the journal, whatever the clock says by then."""
    arrival = _read(GOOD)
    assert READER.reread("shop", arrival.body, 0).event == arrival.event


def test_rereading_under_another_registry_says_what_is_missing() -> None:
    """If a shop's own type is gone from the pack, its old events are refused by name."""
    with pytest.raises(Refusal, match="the name of an event type"):
        READER.reread("shop", b'{"type":"shop.gone","id":"1","at_ms":1767225600000}', 0)


def test_restricted_types_need_their_scope() -> None:
    """Lists can be changed by keys with the scope alone; others learn which scope it is."""
    raw = json.dumps({**builtin().types["list.entry_added"].example, "at_ms": NOW_MS}).encode()
    assert READER.read("shop", raw, NOW_MS, SCOPES).event.type == "list.entry_added"
    with pytest.raises(Refusal) as caught:
        READER.read("shop", raw, NOW_MS, frozenset({"decide"}))
    assert caught.value.problem.type == "/problems/restricted-type"
    assert caught.value.problem.status == 403
    assert "lists" in caught.value.problem.detail


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "one\ntwo\tthree"},
        {"text": "说得好，\u3000很快到了 👩‍👩‍👧"},
        {"language": "zh\u3000CN"},
    ],
)
def test_people_may_write_as_they_do(changed: dict[str, Any]) -> None:
    """Line breaks in prose, wide spaces and joined emoji are text, not control characters."""
    review = {"id": "1", "type": "review.posted", "at_ms": NOW_MS, "user": "买家1", "rating": 5}
    arrival = _read(review, **changed)
    assert json.loads(arrival.body) == {**review, **changed}


def test_amounts_may_be_left_out_with_their_currency() -> None:
    """Where amounts are optional, their currency is needed exactly when one is given."""
    parcel = {"id": "1", "type": "parcel.delivered", "at_ms": NOW_MS, "parcel": "SF1"}
    assert _read(parcel).body
    assert _read(parcel, amount_minor=0, currency="CNY").body
    assert _problem(parcel, amount_minor=0).type == "/problems/amount-without-currency"


def test_types_that_may_name_nobody() -> None:
    """A finding about a machine names no entity, and is accepted."""
    finding = {"source": "scan", "severity": "low", "title": "Old TLS"}
    assert _read({"id": "1", "type": "finding.reported", "at_ms": NOW_MS, **finding}).body


def test_lines_are_accepted_and_refused_one_by_one() -> None:
    """In a batch each bad line is reported by number, blank lines count, good ones go through."""
    good = json.dumps(GOOD).encode()
    lines = [good + b"\r\n", b"\n", b'{"id":', good, b"\xff", b"  ", b"x" * 70_000]
    found = list(read_lines(READER, "shop", lines, NOW_MS))
    assert [number for number, _ in found] == [1, 3, 4, 5, 7]
    kinds = [result.type if isinstance(result, Problem) else "" for _, result in found]
    assert kinds == [
        "", "/problems/not-json", "", "/problems/not-utf8", "/problems/body-too-large",
    ]  # fmt: skip
    assert [r.line for _, r in found if isinstance(r, Problem)] == [3, 5, 7]


def test_every_problem_is_explained_in_both_languages() -> None:
    """The catalogue of problems has a title, a status and both explanations for each slug."""
    for slug, kind in problem_catalogue.items():
        assert kind.title
        assert kind.status in (400, 403, 413, 422), slug
        assert kind.en.endswith(".")
        assert kind.zh.endswith("。")


@pytest.mark.parametrize("email", ['"a@b"@example.com', "mei@例子.中国", "o'neil+tag@example.com"])
def test_addresses_that_shops_take_are_taken(email: str) -> None:
    """Whoever has one that is merely unusual is not past the rules for it (RFC 5321, 4.1.2)."""
    login = {"id": "1", "type": "account.login", "at_ms": NOW_MS, "user": "u-1"}
    assert json.loads(_read(login, email=email).body)["email"] == email
