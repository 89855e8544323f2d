"""What letters to staff say, in the language of whom they are for.

What others wrote (names, titles) goes into the bodies only, escaped where they are HTML; subjects are
made of these texts and of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from kanhe.core.actor import Language
from kanhe.core.decision import Text

_LINES = {
    "case.assigned": Text("{by} handed you case {case}.", "{by} 将案件 {case} 分派给了您。"),
    "case.mentioned": Text(
        "{by} mentioned you in case {case}.", "{by} 在案件 {case} 的备注中提到了您。"
    ),
    "case.escalated": Text("Case {case} was escalated to you.", "案件 {case} 已升级，待您处置。"),
    "staff.invited": Text(
        "You were invited to the desk. This link opens once:",
        "您已受邀加入风控台。以下链接仅可使用一次：",
    ),
}
_SUBJECTS = {
    "case.assigned": Text("Case {case} is yours", "案件 {case} 已分派给您"),
    "case.mentioned": Text("You were mentioned in case {case}", "案件 {case} 的备注提到了您"),
    "case.escalated": Text("Case {case} was escalated", "案件 {case} 已升级"),
    "staff.invited": Text("Your way into the desk", "风控台邀请"),
}
_MANY = Text("{count} things need you", "您有 {count} 条新通知")
_GREETING = Text("Hello {name},", "{name}，您好：")
_MORE = Text("and {count} more.", "另有 {count} 条。")
_SOMEBODY = Text("Kanhe", "系统")
_WHY = Text(
    "You get this because you work at this desk. Choose what you are written to about: {url}",
    "您收到此邮件，是因为您是该风控台的成员。可在此设置邮件通知：{url}",
)
_SHOWN = 30
_MOST_NAME = 100


class Told(NamedTuple):
    """One thing to tell."""

    topic: str
    case: int
    by: str
    """The name of whoever did it, empty for nobody."""
    link: str


class Body(NamedTuple):
    """The texts of a letter."""

    subject: str
    plain: str
    html: str


def write(name: str, language: Language, told: Sequence[Told], preferences_url: str) -> Body:
    """One letter about all of these."""

    def say(text: Text, **values: object) -> str:
        return (text.zh if language == "zh_CN" else text.en).format(**values)

    first = told[0]
    subject = (
        say(_SUBJECTS[first.topic], case=first.case)
        if len(told) == 1
        else say(_MANY, count=len(told))
    )
    lines = [
        (say(_LINES[one.topic], case=one.case, by=_one_line(one.by) or say(_SOMEBODY)), one.link)
        for one in told[:_SHOWN]
    ]
    greeting = say(_GREETING, name=_one_line(name))
    more = say(_MORE, count=len(told) - _SHOWN) if len(told) > _SHOWN else ""
    why = say(_WHY, url=preferences_url)
    plain = "\n\n".join(
        part for part in (greeting, *(f"{text}\n{link}" for text, link in lines), more, why) if part
    )
    items = "".join(
        f'<li>{escape(text)}<br><a href="{escape(link)}">{escape(link)}</a></li>'
        for text, link in lines
    )
    html = (
        f'<!doctype html><html lang="{language.replace("_", "-")}"><meta charset="utf-8">'
        f"<p>{escape(greeting)}</p><ul>{items}</ul>"
        + (f"<p>{escape(more)}</p>" if more else "")
        + f"<p><small>{escape(why)}</small></p></html>"
    )
    return Body(subject, plain + "\n", html)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MOST_NAME]
