"""An input's value as a sentence: "7 different cards for this device in 24 hours; usually 1".

The words come from the declaration: what is counted, for whom, over how long. What is usual is the
median of the training window, which the model brings along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from kanhe.core.decision import Text
from kanhe.core.event import ENTITY_KINDS
from kanhe.judge.features.derived import DerivedSpec
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.language.scope import AMOUNT_BASE
from kanhe.judge.rules.reasons import Language, shown_amount, shown_duration, shown_percent

Sentence = Callable[[float], Text]
"""Says a value, and what is usual; NaN is a missing value."""

Form = Callable[[float], tuple[str, str]]
"""Writes a value that is known, in English and in Chinese."""

EXPRESSION_MAX = 80
"""How many characters of an expression or a condition are shown."""

_ENTITIES: Mapping[str, tuple[str, str, str]] = {
    "user": ("account", "accounts", "账号"),
    "device": ("device", "devices", "设备"),
    "ip": ("IP address", "IP addresses", "IP 地址"),
    "card": ("card", "cards", "银行卡"),
    "email": ("e-mail address", "e-mail addresses", "邮箱"),
    "phone": ("phone number", "phone numbers", "手机号"),
    "address": ("address", "addresses", "地址"),
    "merchant": ("merchant", "merchants", "商家"),
    "product": ("product", "products", "商品"),
    "order": ("order", "orders", "订单"),
    "parcel": ("parcel", "parcels", "包裹"),
    "courier": ("courier", "couriers", "配送方"),
    "staff": ("employee", "employees", "员工"),
    "session": ("session", "sessions", "会话"),
}
"""One, several, and in Chinese; every kind of entity has its words."""
assert _ENTITIES.keys() == set(ENTITY_KINDS)

_NOUNS: Mapping[str, tuple[str, str]] = {
    "count": ("number of {types}", "{types} 的次数"),
    "sum": ("sum of {field} over {types}", "{types} 的 {field} 合计"),
    "mean": ("mean {field} over {types}", "{types} 的 {field} 均值"),
    "std": ("spread of {field} over {types}", "{types} 的 {field} 标准差"),
    "min": ("least {field} over {types}", "{types} 的 {field} 最小值"),
    "max": ("greatest {field} over {types}", "{types} 的 {field} 最大值"),
    "distinct": ("number of different {several}", "不同{kind}的个数"),
    "share": ("share of {types} with {of}", "{types} 中满足 {of} 的占比"),
    "label_rate": ("share of {types} known to be fraud", "{types} 中已确认欺诈的占比"),
    "last": ("{field} of the latest earlier {types}", "此前最近一次 {types} 的 {field}"),
    "since_last": ("time since the latest earlier {types}", "距上一次 {types} 的时间"),
    "first_seen": ("time of the first {types}", "首次 {types} 的时间"),
    "age": ("time since the first {types}", "距首次 {types} 的时间"),
    "speed": ("speed since the latest earlier {types}, in km/h", "距上一次 {types} 的移动速度（公里/小时）"),
}  # fmt: skip
_MONEY = frozenset({"sum", "mean", "std", "min", "max", "last"})
_DURATIONS = frozenset({"since_last", "age"})
_SHARES = frozenset({"share", "label_rate"})


def sentences_of(
    features: Sequence[FeatureSpec], derived: Sequence[DerivedSpec], base: str
) -> Callable[[str, float | None], Sentence]:
    """What says a value, by the name of a feature or a derived number and what is usual (`None`
    where that is not known); `base` is the base currency."""
    by_name = {spec.name: spec for spec in features}
    made = {spec.name: spec for spec in derived}

    def sentence(name: str, usual: float | None) -> Sentence:
        if name in by_name:
            return _of_feature(by_name[name], base, usual)
        return _of_derived(made[name], usual)

    return sentence


def noun_and_form(spec: FeatureSpec, base: str) -> tuple[Text, Callable[[float], Text]]:
    """What a feature is, and how a value of it is shown (NaN: unknown); `base` is the base currency."""
    form = _form(spec, base)

    def shown(value: float) -> Text:
        return Text("–", "–") if value != value else Text(*form(value))

    return Text(_noun(spec, "en"), _noun(spec, "zh")), shown


def _of_derived(spec: DerivedSpec, usual: float | None) -> Sentence:
    """A derived number is called by its own name, and shown with its expression."""
    expression = _short(spec.expression.text)
    nouns = f"{spec.name} ({expression})", f"{spec.name}（{expression}）"
    return _plain(nouns, _alike(_number), usual)


def _of_feature(spec: FeatureSpec, base: str, usual: float | None) -> Sentence:
    plain = _plain((_noun(spec, "en"), _noun(spec, "zh")), _form(spec, base), usual)
    if spec.function not in ("count", "distinct"):
        return plain
    (whose_en, whose_zh), (more_en, more_zh) = _whose(spec), _more(spec)
    en, zh, unit = _counted(spec)
    before_zh, after_zh = zh.split("{count}")
    tail_en, tail_zh = _tails(_alike(_number), usual, unit)
    end_en = f"{en} for {whose_en}{more_en}{tail_en}"
    begin_zh, end_zh = _beside(f"{whose_zh}{more_zh}", before_zh), f"{after_zh}{tail_zh}"

    def counted(value: float) -> Text:
        if value != value:
            return plain(value)
        said = _number(value)
        return Text(f"{said} {end_en}", f"{begin_zh}{said} {unit}{end_zh}")

    return counted


def _counted(spec: FeatureSpec) -> tuple[str, str, str]:
    """What a count or a number of different values counts: in English, in Chinese, its unit."""
    types_en, types_zh = " or ".join(spec.types), " 或 ".join(spec.types)
    if spec.function == "count":
        return f"× {types_en}", f"{types_zh} {{count}}", "次"
    _, several, kind = _ENTITIES.get(
        spec.field or "", ("", f"values of {spec.field}", f" {spec.field} 值")
    )
    return f"different {several}", f"出现 {{count}}不同的{kind}", "个"


def _plain(nouns: tuple[str, str], form: Form, usual: float | None) -> Sentence:
    """`what: value; usually so much`."""
    noun_en, noun_zh = nouns
    tail_en, tail_zh = _tails(form, usual)

    def said(value: float) -> Text:
        if value != value:
            return Text(f"{noun_en}: unknown{tail_en}", f"{noun_zh}：未知{tail_zh}")
        en, zh = form(value)
        return Text(f"{noun_en}: {en}{tail_en}", f"{noun_zh}：{zh}{tail_zh}")

    return said


def _tails(form: Form, usual: float | None, unit: str = "") -> tuple[str, str]:
    """What is usual, at the end of a sentence; `unit` is the Chinese measure word, if it has one."""
    if usual is None:
        return "", ""
    en, zh = form(usual)
    return f"; usually {en}", f"；通常为 {zh}" + (f" {unit}" if unit else "")


def _noun(spec: FeatureSpec, language: Language) -> str:
    """What the feature is, without its value."""
    chinese = language == "zh"
    _, several, kind = _ENTITIES.get(
        spec.field or "", ("", f"values of {spec.field}", f" {spec.field} 值")
    )
    noun = _NOUNS[spec.function][chinese].format(
        types=(" 或 " if chinese else " or ").join(spec.types),
        field=spec.field,
        several=several,
        kind=kind,
        of=_short(spec.of.text) if spec.of else "",
    )
    whose, more = _whose(spec)[chinese], _more(spec)[chinese]
    return _beside(f"{whose}{more}", noun) if chinese else f"{noun} for {whose}{more}"


def _whose(spec: FeatureSpec) -> tuple[str, str]:
    names = [_ENTITIES[kind] for kind in spec.by]
    return "this " + " and ".join(n[0] for n in names), _beside(
        "该", "与".join(n[2] for n in names)
    )


def _more(spec: FeatureSpec) -> tuple[str, str]:
    """Over how long, how long ago, and on which condition."""
    en, zh = "", ""
    if spec.over_ms:
        seconds = spec.over_ms // 1000
        en += f" in {shown_duration(seconds, 'en')}"
        zh += f" {shown_duration(seconds, 'zh')}内"
    if spec.delay_ms:
        seconds = spec.delay_ms // 1000
        en += f", up to {shown_duration(seconds, 'en')} ago"
        zh += f"（截至 {shown_duration(seconds, 'zh')}前）"
    if spec.where is not None:
        en += f" where {_short(spec.where.text)}"
        zh += f"（{_short(spec.where.text)}）"
    return en, zh


def _form(spec: FeatureSpec, base: str) -> Form:
    """How a value of the feature is shown."""
    if spec.function in _DURATIONS:
        return lambda value: (shown_duration(value, "en"), shown_duration(value, "zh"))
    if spec.function in _SHARES:
        return lambda value: (shown_percent(value, "en"), shown_percent(value, "zh"))
    if spec.function == "first_seen":
        return _alike(_date)
    if spec.field == AMOUNT_BASE and spec.function in _MONEY:
        return _alike(lambda value: shown_amount(round(value), base))
    return _alike(_number)


def _alike(form: Callable[[float], str]) -> Form:
    """What is written the same in both languages, and so written once."""

    def both(value: float) -> tuple[str, str]:
        said = form(value)
        return said, said

    return both


def _number(value: float | None) -> str:
    """A number as people read it: whole ones plain, others with three digits that count."""
    if value is None or math.isnan(value):
        return "–"
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


def _date(at_ms: float) -> str:
    """The day of a time, in UTC."""
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms):%Y-%m-%d}"
    except OverflowError:
        return _number(at_ms)


def _beside(before: str, after: str) -> str:
    """Two pieces of Chinese text: a space stands between a character and a Latin word."""
    apart = after[:1].isascii() and not before.endswith(("）", " "))
    return f"{before} {after}" if apart else before + after


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXPRESSION_MAX else text[: EXPRESSION_MAX - 1] + "…"
