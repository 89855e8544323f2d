"""The languages of the console: English is written in the code, Chinese in catalogues beside it.

Each area of the console has its own catalogue (`locale/zh_CN/LC_MESSAGES/<area>.po`), so that those who
work on different pages do not meet in one file. They are read together when first needed; nothing has
to be compiled. `gettext` and `ngettext` speak the language of the request that is being answered.
"""

from __future__ import annotations

import gettext as _machinery
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import get_args

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from kanhe.core.actor import Language
from kanhe.core.decision import Text

LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALE = Path(__file__).parent / "locale"
HTML_LANG: dict[Language, str] = {"en": "en", "zh_CN": "zh-CN"}
_speaking: ContextVar[Language] = ContextVar("speaking", default="en")
_WISH = re.compile(
    r"\s*([A-Za-z*]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?"
)
_MOST_WISHES = 20


def catalogues(language: Language) -> list[Path]:
    """The catalogues of a language, one per area."""
    return sorted((LOCALE / language / "LC_MESSAGES").glob("*.po"))


@cache
def translations(language: Language) -> _machinery.NullTranslations:
    """All texts in a language."""
    files = catalogues(language)
    if not files:
        return _machinery.NullTranslations()
    whole = Catalog(locale=language)
    for path in files:
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if message.id:
                    whole[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return _machinery.GNUTranslations(compiled)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak this language until the end of the block."""
    before = _speaking.set(language)
    try:
        yield
    finally:
        _speaking.reset(before)


def spoken() -> Language:
    """The language of the request that is being answered."""
    return _speaking.get()


def in_words(text: Text) -> str:
    """A text that comes in both languages, in the one spoken."""
    return text.zh if spoken() == "zh_CN" else text.en


def gettext(text: str) -> str:
    """A text in the language spoken."""
    return translations(spoken()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The text for this count, in the language spoken."""
    return translations(spoken()).ngettext(one, many, count)


def N_(text: str) -> str:  # noqa: N802 (the name by which texts are found that are looked up later)
    """Marks a text for the catalogues where it is not said yet."""
    return text


def wished(accept_language: str) -> Language:
    """The language a browser asks for (RFC 9110, 12.5.4) as far as it is spoken here."""
    best: tuple[float, Language] = (0.0, "en")
    for wish in accept_language.split(",")[:_MOST_WISHES]:
        match = _WISH.fullmatch(wish)
        if match is None:
            continue
        tag, weight = match[1].lower(), float(match[2] or 1)
        language: Language | None = None
        if tag == "zh" or tag.startswith("zh-"):
            language = "zh_CN"
        elif tag == "en" or tag.startswith("en-"):
            language = "en"
        if language is not None and weight > best[0]:
            best = (weight, language)
    return best[1]
