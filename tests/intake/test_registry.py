"""The registry refuses declarations that contradict themselves, and never changes once made."""

from __future__ import annotations

import msgspec
import pytest

from kanhe.core.event import Event
from kanhe.judge.intake.declarations import EventType, FieldKind, FieldSpec
from kanhe.judge.intake.registry import Registry, RegistryError, builtin


def _field(name: str = "tier", kind: FieldKind = "id", **more: object) -> FieldSpec:
    spec = FieldSpec(name, kind, "", "A tier.", "等级。")
    return msgspec.structs.replace(spec, **more)


def _type(name: str = "shop.gift_sent", **more: object) -> EventType:
    made = EventType(name, ("user",), ("tier",), "A gift.", "礼物。", {})
    return msgspec.structs.replace(made, **more)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (_field("Tier"), "a name is lower-case"),
        (_field("1tier"), "a name is lower-case"),
        (_field("class"), "a name is lower-case"),
        (_field("tenant"), "means something else"),
        (_field("amount_base"), "means something else"),
        (_field("user"), "already declared"),
        (_field("at_ms", "time"), "already declared"),
        (_field(kind="colour"), "unknown kind colour"),
        (_field(kind="choice"), "choices belong"),
        (_field(choices=("a",)), "choices belong"),
        (_field(kind="choice", choices=("a", "a")), "choices must differ"),
        (_field(kind="choice", choices=("a b",)), "each choice is"),
        (_field(kind="choice", choices=('"',)), "each choice is"),
        (_field(minimum=1), "mean nothing"),
        (_field(kind="int", minimum=2, maximum=1), "minimum is above"),
        (_field(kind="int", maximum=10**13), "bounds must lie within"),
        (_field(kind="money", minimum=-1), "bounds must lie within"),
        (_field(kind="degrees"), "degrees need"),
        (_field(zh=" "), "Chinese"),
    ],
)
def test_wrong_fields_are_refused(spec: FieldSpec, message: str) -> None:
    """A field whose declaration makes no sense is refused with the reason."""
    with pytest.raises(RegistryError, match=message):
        builtin().extended(fields=[spec])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (_type("gift"), "two lower-case words"),
        (_type("shop.Gift"), "two lower-case words"),
        (_type("shop." + "x" * 80), "two lower-case words"),
        (_type("order.placed"), "already declared"),
        (_type(may=("teir",)), "unknown field teir; did you mean tier?"),
        (_type(may=("user",)), "stands twice"),
        (_type(may=("at_ms",)), "every type has at_ms"),
        (_type(may=("amount_minor",)), "currency must be a field"),
        (_type(en=""), "English"),
    ],
)
def test_wrong_types_are_refused(made: EventType, message: str) -> None:
    """A type that contradicts the registry is refused with the reason."""
    with pytest.raises(RegistryError, match=message):
        builtin().extended(fields=[_field()], types=[made])


def test_additions_to_unknown_types_are_refused() -> None:
    """A type to be extended must exist; a near name is suggested."""
    with pytest.raises(RegistryError, match=r"did you mean order\.placed"):
        builtin().extended(additions={"order.place": ["rating"]})


def test_additions_cannot_repeat() -> None:
    """A field the type already has cannot be added again."""
    with pytest.raises(RegistryError, match="already has coupon"):
        builtin().extended(additions={"order.placed": ["coupon"]})


def test_extension_leaves_the_original_alone() -> None:
    """Extending makes a new registry; classes of unchanged types are the same objects."""
    before = builtin()
    after = before.extended([_field()], [_type()], {"order.placed": ["tier"]})
    assert "shop.gift_sent" not in before.types
    assert "tier" not in before.fields_of("order.placed")
    assert "tier" in after.fields_of("order.placed")
    assert after.struct("review.posted") is before.struct("review.posted")
    assert after.struct("order.placed") is not before.struct("order.placed")
    assert list(after.types)[-1] == "shop.gift_sent"


def test_classes_follow_the_registry() -> None:
    """A class has one attribute per field, in the registry's order, and knows its type."""
    for name in builtin().types:
        made = builtin().struct(name)
        assert issubclass(made, Event)
        assert made.type == name
        assert made.__struct_fields__ == tuple(builtin().fields_of(name))


def test_views_cannot_be_written_to() -> None:
    """What the registry hands out does not let anybody change it."""
    with pytest.raises(TypeError):
        builtin().types["x.y"] = _type()  # type: ignore[index]  # that is the point
    builtin().fields_of("order.placed").clear()
    assert "id" in builtin().fields_of("order.placed")


def test_a_registry_can_start_from_nothing() -> None:
    """The built-in catalogue is not special: any fields and types make a registry."""
    made = Registry([_field("user"), _field()], [_type()])
    assert (
        made.struct("shop.gift_sent")(id="1", at_ms=1, user="u", tier=None).type == "shop.gift_sent"
    )
