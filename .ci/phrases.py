"""Bring the texts of the console's pages into their catalogues: `make phrases`.

Every text that templates and modules say in English is looked for in all catalogues of a language. What
is new is added, without a translation, to the catalogue of its area; what nobody says any more is
dropped. Ends with 1 while something lacks a translation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kanhe"
CONSOLE = SOURCE / "serve" / "console"
CATALOGUES = CONSOLE / "locale" / "zh_CN" / "LC_MESSAGES"
LANGUAGE = "zh_CN"

AREAS = {
    "access": "access account doorway first reveal roles sessions settings sign_in staff",
    "cases": "case case_words cases queue respond",
    "looking": "analytics audit decision clearing decisions entities entity live looking naming search wall",
    "outgoing": "api_keys keys outgoing webhooks",
    "rules": "drafts lists packs rules",
}
"""Catalogue: the folders of templates and the modules whose texts it holds; all else is `frame`."""
_AREA_OF = {name: area for area, names in AREAS.items() for name in names.split()}
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
# No dates and no names: two people who add a text each should not meet in the header.
_HEADER = b"""# The console of Kanhe in Simplified Chinese.
msgid ""
msgstr ""
"Language: zh_CN\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_JINJA = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}


class Phrase(NamedTuple):
    """A text, or a pair of texts for one and many, and where it is said first."""

    id: str | tuple[str, str]
    place: Path
    line: int

    @property
    def area(self) -> str:
        """The catalogue it belongs in."""
        for base in (CONSOLE / "templates", CONSOLE / "pages", SOURCE):
            if self.place.is_relative_to(base):
                inside = self.place.relative_to(base).with_suffix("")
                for part in inside.parts:
                    if part in _AREA_OF:
                        return _AREA_OF[part]
        return "frame"


def said() -> dict[object, Phrase]:
    """Every text of the console, by what catalogues call it."""
    found: dict[object, Phrase] = {}
    for place in _sources():
        method = "jinja2" if place.suffix == ".html" else "python"
        for line, message, _, _ in extract_from_file(
            method, str(place), keywords=_KEYWORDS, options=_JINJA if method == "jinja2" else {}
        ):
            pair = (message[0], message[1]) if isinstance(message, tuple) else message
            key = pair[0] if isinstance(pair, tuple) else pair
            if key:
                found.setdefault(key, Phrase(pair, place, line))
    return found


def catalogue(path: Path) -> Catalog:
    """A catalogue as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE, abort_invalid=True)


def known() -> dict[str, Catalog]:
    """All catalogues by their area."""
    return {path.stem: catalogue(path) for path in sorted(CATALOGUES.glob("*.po"))}


def main() -> int:
    """Bring them up to date."""
    phrases, catalogues = said(), known()
    there = {
        message.id[0] if isinstance(message.id, tuple) else message.id
        for one in catalogues.values()
        for message in one
    }
    for key, phrase in phrases.items():
        if key not in there:
            one = catalogues.setdefault(phrase.area, _new())
            one.add(phrase.id)
    lacking = 0
    for area, one in catalogues.items():
        kept = _new()
        for message in one:
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            if key in phrases:
                kept.add(phrases[key].id, message.string)
                if not all(
                    message.string if isinstance(message.string, tuple) else [message.string]
                ):
                    lacking += 1
                    place = phrases[key].place.relative_to(ROOT)
                    print(f"{area}.po lacks: {key!r} ({place}:{phrases[key].line})")
        with (CATALOGUES / f"{area}.po").open("wb") as file:
            file.write(_HEADER)
            write_po(file, kept, width=100, no_location=True, omit_header=True)
    print(f"{len(phrases)} texts, {lacking} without Chinese")
    return 1 if lacking else 0


def _sources() -> Iterator[Path]:
    yield from sorted((CONSOLE / "templates").rglob("*.html"))
    for folder in (CONSOLE, SOURCE / "protect", SOURCE / "respond"):
        if folder.exists():
            yield from sorted(path for path in folder.rglob("*.py"))


def _new() -> Catalog:
    return Catalog(locale=LANGUAGE, charset="utf-8", fuzzy=False)


if __name__ == "__main__":
    sys.exit(main())
