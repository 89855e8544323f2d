"""The reference of events in Markdown, written from the registry, in English and Chinese."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from kanhe.judge.intake.cloudevents import TRANSPORT
from kanhe.judge.intake.declarations import (
    ALWAYS,
    IDS_MAX,
    PROSE_MAX,
    TEXT_MAX,
    EventType,
    FieldSpec,
)
from kanhe.judge.intake.registry import Registry

_HEAD = """\
# Events · 事件

<!-- Written by kanhe.judge.intake.reference from the registry; a test compares. Do not edit. -->

An event is one flat JSON object in UTF-8. `type` says what happened, `id` is the sender's own (sending
it again is a harmless retry), `at_ms` says when, in milliseconds UTC. All other fields depend on the
type. An explicit `null` means that the field was left out. Amounts are whole numbers in minor units of
`currency` (1999 is 19.99 EUR, but 1999 JPY). The shop an event belongs to follows from the key it is
sent with. Nothing is repaired or dropped: an event is accepted whole, or refused with a
[reason](problems.md) that names the field.

事件是一个扁平的 UTF-8 JSON 对象。`type` 表示发生了什么，`id` 由发送方编号（重复发送视为重试，不会重复计数），
`at_ms` 表示发生时间（UTC 毫秒）。其余字段取决于类型。显式的 `null` 等同于未填。金额为整数，以 `currency`
的最小单位计（1999 表示 19.99 欧元，但表示 1999 日元）。事件归属由发送所用的密钥决定。系统不修补、不丢弃：
要么整条接受，要么指明字段和[原因](problems.md)后拒收。

```json
{"id": "e1", "type": "account.login", "at_ms": 1767225600000, "user": "u1", "ip": "203.0.113.7"}
```
"""

_KINDS = f"""\
## Kinds of field · 字段类别

| kind | accepts | 取值 |
| --- | --- | --- |
| `id` | 1 to 128 printable characters (email: 254) | 1–128 个可打印字符（邮箱 254） |
| `text` | 1 to {TEXT_MAX} characters on one line | 1–{TEXT_MAX} 个字符，单行 |
| `prose` | 1 to {PROSE_MAX} characters; read by people and models, not usable as a key | 1–{PROSE_MAX} 个字符；供人和模型阅读，不能作为键 |
| `int` | a whole number within the bounds given | 给定范围内的整数 |
| `bool` | `true` or `false` | `true` 或 `false` |
| `country` | ISO 3166-1 alpha-2, such as `CN` | ISO 3166-1 两位代码，如 `CN` |
| `currency` | ISO 4217, such as `CNY` | ISO 4217 代码，如 `CNY` |
| `money` | 0 to 1000000000000 in minor units of `currency` | 0 至 1000000000000，以 `currency` 的最小单位计 |
| `time` | milliseconds since 1970-01-01 UTC, not before 2000 | 自 1970-01-01 UTC 起的毫秒数，不早于 2000 年 |
| `choice` | one of the values listed | 所列取值之一 |
| `ids` | a list of at most {IDS_MAX} ids | 最多 {IDS_MAX} 个编号的列表 |
| `degrees` | a number within the bounds given | 给定范围内的数值 |
"""

_ENVELOPE = f"""\
## CloudEvents

A body with `specversion` `1.0` is read as [CloudEvents 1.0](https://cloudevents.io) in structured
JSON mode: `id`, `type` and `time` become `id`, `type` and `at_ms`, and `data` holds the other
fields. `source`, `subject` and `dataschema` are not part of the event, so that `id` must be unique
within the shop, not only within its source. Other attributes are refused, except those that say how
a message travelled: {", ".join(f"`{name}`" for name in sorted(TRANSPORT))}.

含 `specversion` 且值为 `1.0` 的内容按 CloudEvents 1.0 结构化 JSON 读取：`id`、`type`、`time` 对应 `id`、`type`、
`at_ms`，其余字段放在 `data` 中。`source`、`subject`、`dataschema` 不属于事件本身，因此 `id` 须在整家店内唯一，
而不只是在其来源内唯一。除上述仅描述传输过程的属性外，其他属性一律拒收。
"""

_OWN = """\
## A shop's own · 自定义类型与字段

The policy pack may hold a file `events.kanhe`. Fields keep one meaning everywhere; types can use all
built-in fields; existing types can be given more optional fields.

策略包可包含 `events.kanhe` 文件。字段含义全局一致；自定义类型可使用全部内置字段；现有类型也可增加可选字段。

```python
field("loyalty_tier", kind="choice", choices=["silver", "gold"],
      en="The buyer's tier in the loyalty programme.", zh="买家的会员等级。")
event("shop.gift_sent", requires=["user", "recipient"], may=["loyalty_tier", "amount_minor", "currency"],
      en="A buyer sent a gift card.", zh="买家赠送了礼品卡。",
      example={"user": "u-1", "recipient": "u-2", "amount_minor": 5000, "currency": "EUR"})
extend("order.placed", may=["loyalty_tier"])
```
"""


def describe_markdown(registry: Registry) -> str:
    """The content of `docs/events.md`: every type, every field, and how to add to them."""
    parts = [_HEAD, _types(registry), *map(_type, registry.types.values()), _KINDS]
    parts += [_fields(registry), _ENVELOPE, _OWN]
    return "\n".join(parts)


def _types(registry: Registry) -> str:
    rows = (
        (f"[`{name}`](#{name.replace('.', '')})", made.en, made.zh)
        for name, made in registry.types.items()
    )
    return "## Types · 事件类型\n\n" + _table(("type", "what happened", "含义"), rows)


def _type(made: EventType) -> str:
    always = [spec.name for spec in ALWAYS]
    lines = [f"### {made.name}", "", made.en, "", made.zh, ""]
    lines.append(f"- required · 必填: {_names([*always, *made.requires])}")
    lines.append(f"- entities · 实体: {_names(made.entities)}")
    others = [name for name in made.may if name not in made.entities]
    lines.append(f"- optional · 可选: {_names(others)}")
    if not made.anonymous and not any(name in made.requires for name in made.entities):
        lines.append("- at least one entity · 至少填写一个实体")
    if made.restricted:
        lines.append(f"- key scope needed · 所需密钥权限: `{made.restricted}`")
    example = json.dumps(made.example, ensure_ascii=False)
    return "\n".join([*lines, "", "```json", example, "```", ""])


def _fields(registry: Registry) -> str:
    rows = (
        (f"`{spec.name}`", _kind(spec), _allowed(spec), spec.en, spec.zh)
        for spec in registry.fields.values()
    )
    head = ("field", "kind", "unit, bounds, values", "meaning", "含义")
    return "## Fields · 字段\n\n" + _table(head, rows)


def _kind(spec: FieldSpec) -> str:
    return f"{spec.kind}, entity" if spec.is_entity else spec.kind


def _allowed(spec: FieldSpec) -> str:
    """Unit, bounds or choices."""
    if spec.kind == "choice":
        return _names(spec.choices)
    if spec.kind in ("int", "degrees"):
        return f"{spec.least} … {spec.greatest} {spec.unit}".strip()
    return spec.unit


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    def lines() -> Iterator[str]:
        yield _row(head)
        yield _row(tuple("---" for _ in head))
        yield from map(_row, rows)

    return "\n".join(lines()) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
