"""A shop's own fields and types, declared as text."""

from __future__ import annotations

import json

import pytest

from kanhe.judge.intake.custom import read_custom
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.reference import describe_markdown
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import PolicyError, PolicyErrors, Source
from tests.intake.events import NOW_MS

TEXT = """\
extend("order.placed", may=["loyalty_tier"])  # before the field it uses: order does not matter
event("shop.gift_sent", requires=["user", "recipient"], may=["loyalty_tier", "gift_points"],
      en="A gift was sent.", zh="送出了礼物。",
      example={"user": "u-1", "recipient": "u-2", "gift_points": 5})
field("loyalty_tier", kind="choice", choices=["silver", "gold"], en="The tier.", zh="等级。")
field("gift_points", kind="int", unit="points", minimum=-10, maximum=10, en="Points.", zh="积分。")
"""


def _errors(text: str) -> list[PolicyError]:
    with pytest.raises(PolicyErrors) as caught:
        read_custom(Source("events.kanhe", text), builtin())
    return list(caught.value.errors)


def test_own_types_are_read_like_built_in_ones() -> None:
    """Declared fields and types are in force: good events arrive, bad ones are refused."""
    registry = read_custom(Source("events.kanhe", TEXT), builtin())
    reader = Reader(registry)
    example = registry.types["shop.gift_sent"].example
    arrival = reader.read("shop", json.dumps(example).encode(), NOW_MS)
    assert json.loads(arrival.body) == example
    order = {**builtin().types["order.placed"].example, "loyalty_tier": "gold", "at_ms": NOW_MS}
    assert reader.read("shop", json.dumps(order).encode(), NOW_MS).event.loyalty_tier == "gold"  # type: ignore[attr-defined]  # declared above
    for changed in ({"gift_points": 11}, {"loyalty_tier": "iron"}, {"recipient": None}):
        with pytest.raises(Exception, match="expected"):
            reader.read("shop", json.dumps({**example, **changed}).encode(), NOW_MS)


def test_own_types_are_in_the_reference() -> None:
    """The reference of a registry names what the shop has added."""
    text = describe_markdown(read_custom(Source("events.kanhe", TEXT), builtin()))
    assert "### shop.gift_sent" in text
    assert "| `gift_points` | int | -10 … 10 points | Points. | 积分。 |" in text


_FIELD = 'field("tier", kind="int", en="A.", zh="一。")\n'
_EVENT = 'event("shop.x", requires=["user"], en="A.", zh="一。", example={"user": "u"})\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('fild("a")', 1, "unknown declaration fild"),
        ('tier = field("a")', 1, "in quotes"),
        ('field("tier", kind="number", en="A.", zh="一。")', 1, "unknown kind number"),
        ('field("tier", kind="int", en="A.")', 1, "zh="),
        ('field("user", kind="id", en="A.", zh="一。")', 1, "already declared"),
        ('field("tier", kind="int", minimum=1.5, en="A.", zh="一。")', 1, "whole number"),
        (_FIELD + _FIELD, 2, "already declared"),
        (_EVENT + _EVENT, 2, "already declared"),
        (_EVENT.replace('["user"]', '["usr"]'), 1, "did you mean user?"),
        (_EVENT.replace("shop.x", "shop"), 1, "two lower-case words"),
        (_EVENT.replace('{"user": "u"}', "{}"), 1, "the example is not valid: user: expected"),
        (_EVENT.replace('"u"', '"u", "type": "a.b"'), 1, "of another type"),
        (_EVENT.replace('"u"', '"u", "rating": 5'), 1, "rating: expected"),
        ('extend("order.place", may=["rating"])', 1, "unknown event type order.place"),
        ('\nextend("order.placed", may=["coupon"])', 2, "already has coupon"),
        ('extend("order.placed", may=["nothing_like_it"])', 1, "unknown field"),
        ('extend("order.placed", may=[])', 1, "empty"),
    ],
)
def test_mistakes_point_at_their_place(text: str, line: int, message: str) -> None:
    """A wrong declaration is refused with its line, and what to do."""
    error = _errors(text)[0]
    assert error.line == line
    assert message in str(error)
    assert str(error).startswith(f"events.kanhe:{line}:")


def test_all_mistakes_are_found_at_once() -> None:
    """Several wrong declarations are reported together, in the order of the text."""
    text = 'extend("x.y", may=["rating"])\nfield("Bad", kind="int", en="A.", zh="一。")\nnope()\n'
    assert [error.line for error in _errors(text)] == [1, 2, 3]
