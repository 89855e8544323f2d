"""Which passwords are accepted: NIST SP 800-63B-4, section 3.1.1.

Length and unlikeliness are asked for, and nothing else: no mixture of kinds of characters, no change
after so many days, no hint, no question. What is compared is the password as Unicode's NFKC writes
it, so that the same keys give the same password on every keyboard, also where digits come out wide.
"""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError

LEAST_ALONE = 15
"""Characters at least where the password is all that is asked for."""
LEAST_WITH_SECOND = 8
"""Characters at least where a second factor is asked for too."""
MOST = 256
"""Characters at most: far above the 64 that must be accepted, and a bound on the work."""

Blocked = Callable[[str], bool]
"""Whether a password, as `folded` writes it, is among the common and breached ones."""

_LIST = Path(__file__).with_name("common_passwords.txt.xz")
_PARTS = re.compile(r"[^\W_]+")
_CONTEXT_LEAST = 3
"""Shorter names stand in passwords by chance."""
_LONGEST_PERIOD = 4


class PasswordRefused(KanheError):
    """A password is not accepted; `texts` are the reasons, in both languages."""

    def __init__(self, texts: tuple[Text, ...]) -> None:
        super().__init__("; ".join(text.en for text in texts))
        self.texts = texts


def prepared(password: str) -> str:
    """The password as it is hashed: NFKC, with every kind of space as a plain one (RFC 8265, 4.2)."""
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFKC", spaced)


def folded(password: str) -> str:
    """The password as it is looked up: without regard to capitals."""
    return prepared(password).casefold()


def check_password(
    password: str, *, second_factor: bool, context: Iterable[str], blocked: Blocked
) -> str:
    """The prepared password. Raises `PasswordRefused` with everything that speaks against it.

    `context` are words that somebody who knows the person would try: their name, their mail address,
    the name of the service.
    """
    ready = prepared(password)
    least = LEAST_WITH_SECOND if second_factor else LEAST_ALONE
    found = []
    if len(ready) < least:
        found.append(
            Text(f"use at least {least} characters; several words are easy to remember",
                 f"密码至少 {least} 个字符；可用几个词组成，便于记忆")
        )  # fmt: skip
    if len(ready) > MOST:
        found.append(Text(f"use at most {MOST} characters", f"密码最多 {MOST} 个字符"))
    elif any(unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") for c in ready):
        found.append(
            Text("it holds characters that not every keyboard can type", "密码包含无法输入的字符")
        )
    elif not found:
        found += _unlikely_enough(ready, least, context, blocked)
    if found:
        raise PasswordRefused(tuple(found))
    return ready


def _unlikely_enough(
    ready: str, least: int, context: Iterable[str], blocked: Blocked
) -> list[Text]:
    """What somebody would guess among the first thousands."""
    low = ready.casefold()
    found = []
    if blocked(low) or _repeats_blocked(low, blocked):
        found.append(
            Text("this password is among those that were stolen elsewhere and are tried first; choose another",
                 "该密码出现在已泄露的常用密码中，极易被猜中，请换一个")
        )  # fmt: skip
    elif _is_pattern(low):
        found.append(
            Text("it is one pattern over and over, or a row of the keyboard",
                 "密码只是简单重复或连续的字符，容易被猜中")
        )  # fmt: skip
    elif len(_without(low, context)) < min(4, least):
        found.append(
            Text("it is made of names that others know, such as yours",
                 "密码主要由他人知道的名称组成（例如姓名、邮箱或系统名称）")
        )  # fmt: skip
    return found


def _repeats_blocked(low: str, blocked: Blocked) -> bool:
    """Whether it is a common password written twice or more."""
    for times in (2, 3):
        piece, rest = low[: len(low) // times], len(low) % times
        if not rest and piece * times == low and len(piece) >= LEAST_WITH_SECOND and blocked(piece):
            return True
    return False


_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _is_pattern(low: str) -> bool:
    for period in range(1, _LONGEST_PERIOD + 1):
        if len(low) > period and all(c == low[index % period] for index, c in enumerate(low)):
            return True
    rows = [r for row in _ROWS for r in (row, row[::-1])]
    pieces, at = 0, 0
    while at < len(low):
        length = max(
            (n for r in rows for n in range(1, len(low) - at + 1) if low[at : at + n] in r),
            default=1,
        )
        pieces, at = pieces + 1, at + length
    # Two rows of eight keys, such as qwertyuiasdfghjk, are still a pattern.
    return pieces <= max(1, len(low) // 7)


def _without(low: str, context: Iterable[str]) -> str:
    """What is left when the words that others know are taken out, and all that is no letter or digit."""
    words = {
        word
        for text in context
        for parts in [_PARTS.findall(folded(text))]
        for word in [folded(text), "".join(parts), *parts]
        if len(word) >= _CONTEXT_LEAST or not word.isascii()
    }
    for word in sorted(words, key=len, reverse=True):
        low = low.replace(word, "")
    left = "".join(c for c in low if unicodedata.category(c)[0] in "LMN" or not c.isascii())
    # Years and counts behind a name are the first thing tried.
    return left if not left.isdigit() or len(left) > 6 else ""


@cache
def _common() -> bytes:
    return lzma.decompress(_LIST.read_bytes())


def is_common(low: str) -> bool:
    """Whether a password, as `folded` writes it, is among the hundred thousand that come with Kanhe.

    They are those of eight characters or more that were found most often among ten million stolen
    ones, with some that people who write Chinese choose. `docs/access.md` tells their source.
    """
    return "\n" not in low and f"\n{low}\n".encode("utf-8", "surrogatepass") in _common()
