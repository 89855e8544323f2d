"""What a letter with a code says: what is confirmed by it, before the code ("what you see is what you
sign"), and what to do if it was not asked for. And the port that hands letters over.

The subject is made of our texts only; what a shop wrote (its name, the payee, the order) stands in
the bodies, on one line each, escaped where they are HTML.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple, Protocol

from kanhe.core.currencies import EXPONENT
from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.protect.access.step_up.binding import Binding
from kanhe.protect.access.step_up.codes import spaced
from kanhe.protect.access.step_up.records import Language

_MOST_TEXT = 200


class Letter(NamedTuple):
    """A letter, ready to be handed over."""

    to_mail: str
    from_name: str
    subject: str
    plain: str
    html: str
    id: str
    """What names it among all letters of the installation."""


class NotSent(KanheError):
    """The letter was not taken; the text says why, and quotes neither code nor address."""


class Sender(Protocol):
    """Whoever hands letters over."""

    def send(self, letter: Letter) -> None:
        """Hand it over; the next server has it when this returns. Raises `NotSent`."""


_PAYMENT_SUBJECT = Text("Your code to confirm a payment", "您的付款验证码")
_FACTORS_SUBJECT = Text(
    "Your code to change how you confirm payments", "您的验证码：更改付款验证方式"
)
_LOGIN_SUBJECT = Text("Your code to sign in", "您的登录验证码")
_ENROL_SUBJECT = Text("Your code to confirm this address", "您的验证码：确认邮箱地址")
_PAYMENT = Text(
    "This code confirms the payment of {amount} to {payee}, order {order}.",
    "此验证码用于确认向 {payee} 支付 {amount}（订单号 {order}）。",
)
_FACTORS = Text(
    "This code confirms a change to how you confirm payments at {shop}.",
    "此验证码用于更改您在 {shop} 的付款验证方式。",
)
_LOGIN = Text(
    "This code signs you in at {shop}. Whoever has it is let into your account.",
    "此验证码用于登录 {shop}。他人获得此验证码即可进入您的账号。",
)
_ENROL = Text(
    "With this code {shop} will be able to send codes for your payments to this address.",
    "验证后，{shop} 将通过此邮箱向您发送付款验证码。",
)
_CODE = Text("Code: {code}", "验证码：{code}")
_UNTIL = Text(
    "It is good for {minutes} minutes, and once. Check amount and payee before you type it in; if"
    " they are not what you are about to pay, do not use it. Nobody from {shop} will ever ask you"
    " for it.",
    "{minutes} 分钟内有效，仅可使用一次。输入前请核对金额和收款方，如与您的付款不符，请勿使用。"
    "{shop} 的工作人员不会向您索要验证码。",
)
_UNTIL_PLAIN = Text(
    "It is good for {minutes} minutes, and once. If you did not ask for it, do not use it, and"
    " change your password. Nobody from {shop} will ever ask you for it.",
    "{minutes} 分钟内有效，仅可使用一次。如非您本人操作，请勿使用，并尽快修改密码。"
    "{shop} 的工作人员不会向您索要验证码。",
)


def payment_letter(
    to: str, shop: str, binding: Binding, code: str, minutes: int, language: Language, id: str
) -> Letter:
    """The letter that confirms what `binding` says."""
    if binding.purpose == "login":
        return _letter(
            to, shop, (_LOGIN_SUBJECT, _LOGIN, _UNTIL_PLAIN), code, minutes, language, id
        )
    if binding.purpose == "factors":
        return _letter(to, shop, (_FACTORS_SUBJECT, _FACTORS, _UNTIL_PLAIN), code, minutes, language, id)  # fmt: skip
    return _letter(
        to, shop, (_PAYMENT_SUBJECT, _PAYMENT, _UNTIL), code, minutes, language, id,
        amount=amount_text(binding.amount_minor, binding.currency), payee=binding.payee,
        order=binding.order,
    )  # fmt: skip


def enrolment_letter(
    to: str, shop: str, code: str, minutes: int, language: Language, id: str
) -> Letter:
    """The letter that shows that somebody reads what is sent to this address."""
    return _letter(to, shop, (_ENROL_SUBJECT, _ENROL, _UNTIL_PLAIN), code, minutes, language, id)


def amount_text(amount_minor: int, currency: str) -> str:
    """An amount as the buyer reads it: `49.90 EUR`."""
    places = EXPONENT.get(currency, 0)
    digits = f"{amount_minor:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]} {currency}" if places else f"{digits} {currency}"


def _letter(
    to: str, shop: str, texts: tuple[Text, Text, Text], code: str, minutes: int,
    language: Language, id: str, **words: str,
) -> Letter:  # fmt: skip
    said = {
        "shop": _one_line(shop), "minutes": str(minutes),
        **{name: _one_line(word) for name, word in words.items()},
    }  # fmt: skip

    def say(text: Text, **more: str) -> str:
        return (text.zh if language == "zh_CN" else text.en).format(**said, **more)

    subject, what, until = texts
    lines = [say(what), say(_CODE, code=spaced(code)), say(until)]
    first, shown, last = (escape(line) for line in lines)
    tag = "zh-CN" if language == "zh_CN" else "en"
    html = (
        f'<!doctype html><html lang="{tag}"><meta charset="utf-8"><p>{first}</p>'
        f"<p><strong>{shown}</strong></p><p>{last}</p></html>"
    )
    return Letter(to, _one_line(shop), say(subject), "\n\n".join(lines) + "\n", html, id)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MOST_TEXT]
