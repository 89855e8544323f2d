"""The classes of the client say what the registry says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.client import InvalidEvent, events
from kanhe.client.checking import outgoing
from kanhe.client.event import Event, KnownEvent
from kanhe.judge.intake.client_code import client_modules
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin

ROOT = Path(__file__).parents[2]
NOW_MS = 1_798_761_600_000
TYPES = builtin().types


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_classes_are_fresh() -> None:
    """Each module is what the registry makes of it now, and there is no other; `make docs` writes them."""
    folder = _generator().EVENTS
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}
    assert there == dict(client_modules(builtin())), "run make docs"


def test_every_type_has_its_class() -> None:
    """The classes are those of the registry, by the names of its types."""
    assert list(events.BY_TYPE) == list(TYPES)
    assert all(getattr(events, kind.__name__) is kind for kind in events.BY_TYPE.values())


@pytest.mark.parametrize("name", TYPES)
def test_the_registrys_example_is_made_and_read(name: str) -> None:
    """The example of a type can be made with its class, and Kanhe reads from it what it says."""
    example = dict(TYPES[name].example)
    kind = events.BY_TYPE[example.pop("type")]
    sent = outgoing(kind(**example))
    assert json.loads(sent.body) == TYPES[name].example
    assert (sent.event_id, sent.type) == (example["id"], name)
    Reader(builtin()).read("shop", sent.body, NOW_MS, frozenset({TYPES[name].restricted}))


@pytest.mark.parametrize("name", TYPES)
def test_a_class_has_the_fields_of_its_type(name: str) -> None:
    """Required and optional fields are those of the registry, and each is explained."""
    fields = {field.name: field for field in msgspec.structs.fields(events.BY_TYPE[name])}
    specs = builtin().fields_of(name)
    assert set(fields) == set(specs)
    required = {one for one, field in fields.items() if field.required}
    assert required == set(builtin().required_of(name)) - {"id", "at_ms"}
    doc = events.BY_TYPE[name].__doc__ or ""
    assert TYPES[name].en in doc
    assert TYPES[name].zh in doc


_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"amount_minor": "49.90"}, "amount_minor"),
    ({"amount_minor": -1}, "amount_minor"),
    ({"amount_minor": 10**30}, "amount_minor"),
    ({"amount_minor": 1.5}, "amount_minor"),
    ({"currency": "eur"}, "currency"),
    ({"currency": None}, "currency"),
    ({"channel": "carrier pigeon"}, "channel"),
    ({"user": ""}, "user"),
    ({"user": "u" * 129}, "user"),
    ({"id": ""}, "id"),
    ({"id": 7}, "id"),
    ({"at_ms": 1_767_225_600}, "at_ms"),
    ({"products": "p-1"}, "products"),
    ({"products": ["p"] * 201}, "products"),
    ({"user": object()}, "JSON"),
    ({"user": "\ud800"}, "JSON"),
]


@pytest.mark.parametrize(("wrong", "named"), _WRONG, ids=lambda value: str(value)[:30])
def test_what_cannot_be_right_is_found_before_it_is_sent(wrong: dict[str, Any], named: str) -> None:
    """A value that Kanhe would refuse is refused at once, by the name of its field."""
    made = events.PaymentAttempted(**{"amount_minor": 4990, "currency": "EUR", **wrong})
    with pytest.raises(InvalidEvent, match=named):
        outgoing(made)


def test_a_field_that_does_not_exist_cannot_be_given() -> None:
    """A typing mistake in a name is an error of Python's own."""
    with pytest.raises(TypeError, match="amuont_minor"):
        events.PaymentAttempted(amuont_minor=1, amount_minor=1, currency="EUR")  # type: ignore[call-arg]


def test_ids_are_fresh_and_times_are_now() -> None:
    """An event made without id and time gets its own id, and the present."""
    one, other = (events.AccountLogin(user="u-1") for _ in range(2))
    assert one.id != other.id
    assert one.at_ms > NOW_MS - 10 * 365 * 86_400_000


def test_an_event_of_the_shops_own_is_sent_flat() -> None:
    """Fields of an own type stand beside id and time."""
    sent = outgoing(Event(type="shop.gift_sent", id="g-1", at_ms=NOW_MS, fields={"user": "u-1"}))
    assert json.loads(sent.body) == {
        "type": "shop.gift_sent", "id": "g-1", "at_ms": NOW_MS, "user": "u-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Gift"}, {"type": "gift"}, {"type": ""}, {"type": "shop.gift_sent\n"},
        {"id": ""}, {"id": "x" * 129}, {"at_ms": 1.5}, {"at_ms": 1}, {"fields": {"id": "other"}},
        {"fields": {"type": "other.type"}}, {"fields": {"at_ms": 1}}, {"fields": {"a": {1, 2}, "b": object()}},
        {"fields": {"note": "x" * 2_000_000}},
    ],
    ids=lambda wrong: str(wrong)[:40],
)  # fmt: skip
def test_an_own_event_keeps_to_what_every_event_is(wrong: dict[str, Any]) -> None:
    """A name, an id or a time that no event can have is found before it is sent."""
    with pytest.raises(InvalidEvent):
        outgoing(Event(**{"type": "shop.gift_sent", "id": "g-1", "at_ms": NOW_MS, **wrong}))


def test_only_events_are_sent() -> None:
    """A dict is no event, and the message says what is."""
    with pytest.raises(InvalidEvent, match="PaymentAttempted"):
        outgoing({"type": "account.login"})  # type: ignore[arg-type]


_AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
from kanhe.client import Kanhe, events

kanhe = Kanhe("http://127.0.0.1:1", fallback={"*": "allow"}, close_timeout=0)
together = threading.Barrier(16)

def first(number):
    together.wait()
    for kind in (events.PaymentAttempted, events.OrderPlaced):
        kanhe.record(kind(user="u", order="o", amount_minor=1, currency="EUR"))
    kanhe.stats

threads = [threading.Thread(target=first, args=(number,)) for number in range(16)]
for one in threads: one.start()
for one in threads: one.join()
print(kanhe.pending)
"""


def test_the_first_events_of_a_process_may_come_at_once() -> None:
    """Sixteen threads that begin with the same kinds of event at the same moment do no harm."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=True
    )
    assert done.stdout == "32\n"


@given(st.text(min_size=1, max_size=128), st.integers(0, 10**12))
def test_whatever_text_is_given_arrives_as_it_was(user: str, amount: int) -> None:
    """Any text that is Unicode comes back from the bytes unchanged, or is refused; nothing is repaired."""
    event = events.PaymentAttempted(amount_minor=amount, currency="EUR", user=user)
    try:
        body = outgoing(event).body
    except InvalidEvent:
        assert any(0xD800 <= ord(one) <= 0xDFFF for one in user)
        return
    assert json.loads(body)["user"] == user


def test_the_root_is_no_event() -> None:
    """The root of the classes has no type, so it cannot be sent by mistake."""
    assert KnownEvent.__struct_config__.tag == "KnownEvent"
    with pytest.raises(InvalidEvent):
        outgoing(KnownEvent())
