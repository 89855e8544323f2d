"""What the command line says to people, in English and in Chinese, by keys of `phrases`.

The language is that of `--lang`, else `KANHE_LANG`, else the locale (`LC_ALL`, `LC_MESSAGES`,
`LANG`); anything that is not Chinese is answered in English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from kanhe.serve.cli.phrases import CATALOGUE

Language = Literal["en", "zh_CN"]

_language: Language = "en"
_LANGUAGES = ("en", "en_us", "en_gb", "zh", "zh_cn", "zh_hans", "zh_sg")


def language_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language asked for by options or environment."""
    asked = lang_option(arguments)[0]
    if asked is not None:
        return _named(asked)
    for variable in ("KANHE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(variable):
            return _named(environ[variable])
    return "en"


def lang_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """What `--lang` says, wherever it stands before `--`, and the arguments without it."""
    said: str | None = None
    rest: list[str] = []
    words_left = iter(arguments)
    for word in words_left:
        if word == "--":
            rest.append(word)
            break
        if word.startswith("--lang="):
            said = word.partition("=")[2]
        elif word == "--lang":
            said = next(words_left, "")
        else:
            rest.append(word)
    return said, [*rest, *words_left]


def is_language(text: str) -> bool:
    """Whether `--lang` may say this."""
    return text.lower().replace("-", "_").partition(".")[0] in _LANGUAGES


def _named(text: str) -> Language:
    return "zh_CN" if text.lower().startswith("zh") else "en"


def use_language(language: Language) -> None:
    """Say everything that follows in this language."""
    global _language
    _language = language


def chinese() -> bool:
    """Whether Chinese is spoken."""
    return _language == "zh_CN"


def words(key: str, **values: object) -> str:
    """The text under this key with its values filled in; whole numbers get thousands separators."""
    text = CATALOGUE[key][1 if chinese() else 0]
    shown = {
        name: f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in values.items()
    }
    return text.format(**shown)


def either(en: str, zh: str) -> str:
    """The text of the language spoken, where both come from elsewhere (rules, event types)."""
    return zh if chinese() and zh else en
