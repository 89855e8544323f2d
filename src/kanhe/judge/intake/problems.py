"""Every problem the reader can answer with, by its slug: what it is called and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from kanhe.core.errors import FieldProblem, Refusal, refuse

ERRORS_MAX = 20
"""How many fields one problem names; further ones are only counted."""


class ProblemKind(NamedTuple):
    """A kind of problem, as the documentation explains it."""

    title: str
    status: int
    """The HTTP status it is sent with."""
    en: str
    zh: str


problem_catalogue: Mapping[str, ProblemKind] = MappingProxyType(
    {
        "body-too-large": ProblemKind(
            "The body is too large", 413,
            "An event is at most 64 KiB of JSON unless configured otherwise. Send what the type "
            "declares; keep documents and images elsewhere.",
            "单个事件默认不超过 64 KiB。只发送该类型声明的字段，文档与图片请另存他处。",
        ),
        "not-utf8": ProblemKind(
            "The body is not UTF-8", 400,
            "JSON is UTF-8 without exception (RFC 8259, 8.1). The detail says at which byte it "
            "breaks.",
            "JSON 必须使用 UTF-8 编码（RFC 8259 第 8.1 节）。detail 指出从第几个字节起出错。",
        ),
        "not-json": ProblemKind(
            "The body is not JSON", 400,
            "The text does not follow RFC 8259: cut short, a comma too many, NaN or Infinity, half "
            "of a surrogate pair, a byte order mark. The detail says where.",
            "内容不符合 RFC 8259：被截断、多了逗号、含 NaN 或 Infinity、代理对不完整、带字节序标记等。"
            "detail 指出位置。",
        ),
        "duplicate-key": ProblemKind(
            "A field is given twice", 400,
            "The same name stands twice in one object. Which of the two was meant cannot be known, "
            "so neither is taken.",
            "同一对象中字段重复出现。无法判断以哪个为准，故整体拒收。",
        ),
        "unknown-type": ProblemKind(
            "The event type is not known", 422,
            "`type` is missing or not in the registry. Built-in types are listed in the event "
            "reference; a shop's own are declared in its policy pack.",
            "type 缺失或未登记。内置类型见事件参考；自定义类型须在策略包中声明。",
        ),
        "missing-field": ProblemKind(
            "A required field is missing", 422,
            "The type needs this field. An explicit null counts as left out.",
            "该事件类型必须有此字段。显式的 null 视为未填。",
        ),
        "unknown-field": ProblemKind(
            "A field is not part of the type", 422,
            "Nothing is dropped silently: a field the type does not declare refuses the event. "
            "Correct the name, leave the field out, or declare it in the policy pack.",
            "不会静默丢弃任何内容：出现未声明的字段即拒收。请更正名称、去掉该字段，或在策略包中声明它。",
        ),
        "wrong-type": ProblemKind(
            "A value is of the wrong type", 422,
            "For example text where a whole number was expected. Numbers are never read out of "
            "text, and 1.0 is not a whole number.",
            "例如应为整数却收到文本。不会从文本中解析数字；1.0 也不算整数。",
        ),
        "wrong-value": ProblemKind(
            "A value is not one of those allowed", 422,
            "A country, currency or choice that does not exist, an address that is none, or a "
            "character that cannot be printed.",
            "国家、币种或选项不存在，网络地址或邮箱不成立，或含不可打印字符。",
        ),
        "out-of-range": ProblemKind(
            "A value is out of range", 422,
            "A number below or above its bounds, or a text that is empty. A time far in the past is "
            "mostly seconds sent where milliseconds are expected.",
            "数值超出上下限，或文本为空。时间过早多半是把秒当成了毫秒。",
        ),
        "too-long": ProblemKind(
            "A value is too long", 422,
            "Ids hold at most 128 characters, texts 256, prose 10,000, lists 200 entries.",
            "编号最长 128 个字符，文本 256，长文 10,000，列表最多 200 项。",
        ),
        "amount-without-currency": ProblemKind(
            "An amount has no currency", 422,
            "Every amount is in minor units of `currency` (ISO 4217); without it the number means "
            "nothing.",
            "所有金额都以 currency（ISO 4217）的最小单位计；缺少币种则金额无意义。",
        ),
        "future-event": ProblemKind(
            "The event lies in the future", 422,
            "`at_ms` is further ahead of Kanhe's clock than the tolerance. Check the sender's "
            "clock and that the time is in milliseconds UTC.",
            "at_ms 超前于系统时钟且超出容差。请检查发送方时钟，并确认单位为 UTC 毫秒。",
        ),
        "card-number": ProblemKind(
            "A card number was sent", 422,
            "`card` looks like the number printed on a card. Send a token instead: Kanhe must never "
            "hold card numbers, and neither should logs on the way.",
            "card 看起来是真实卡号。请改传令牌：系统不得保存卡号，传输途中的日志也不应出现卡号。",
        ),
        "restricted-type": ProblemKind(
            "The key may not send this type", 403,
            "This event type changes what is decided about others, and needs a key with the scope "
            "named in the detail.",
            "该类型的事件会影响对他人的判定，需要具有 detail 所述权限范围的密钥。",
        ),
        "wrong-tenant": ProblemKind(
            "The event is for another tenant", 403,
            "The shop an event belongs to follows from the key alone. Leave `tenant` out of the body.",
            "事件归属由密钥唯一确定，请勿在内容中填写 tenant。",
        ),
    }
)  # fmt: skip
"""Slug -> kind; the problem's `type` is `/problems/<slug>`."""


def refusal(slug: str, detail: str = "", *errors: FieldProblem) -> Refusal:
    """Build a refusal of a known kind; without a detail, it is made from the first error."""
    kind = problem_catalogue[slug]
    shown = errors[:ERRORS_MAX]
    if not detail and errors:
        detail = _in_words(errors[0])
        if len(errors) > 1:
            detail += f" ({len(errors) - 1} more)"
    return refuse(slug, kind.title, kind.status, detail, *shown)


def _in_words(error: FieldProblem) -> str:
    """`amount_minor: expected a whole number, got "19.99"`."""
    where = f"{error.field}: " if error.field else ""
    got = f", got {error.got}" if error.got else ""
    return f"{where}expected {error.expected}{got}"
