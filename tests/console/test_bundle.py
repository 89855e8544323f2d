"""What the console takes from others is known to the byte."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

CONSOLE = Path(__file__).parents[2] / "src" / "kanhe" / "serve" / "console"
BUNDLE = CONSOLE / "bundle"
STATIC = CONSOLE / "static"
ROOT = Path(__file__).parents[2]


def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BUNDLE / "manifest.json").read_text("utf-8"))
    return found


def test_what_is_served_is_what_was_put_together() -> None:
    """Every vendored file has the hash that `make console-bundle` wrote down, and none is beside them."""
    files = _manifest()["files"]
    for name, told in files.items():
        path = ROOT / name if name.startswith("tests/") else STATIC / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"], name
    vendored = {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").rglob("*")}
    assert vendored == {name for name in files if name.startswith("vendor/")}


def test_every_library_has_version_licence_and_source() -> None:
    """The manifest says of each library what the lock file says, and its licence is beside it."""
    lock = json.loads((BUNDLE / "package-lock.json").read_text("utf-8"))["packages"]
    package = json.loads((BUNDLE / "package.json").read_text("utf-8"))
    wanted = {**package["dependencies"], **package["devDependencies"]}
    libraries = _manifest()["libraries"]
    assert set(libraries) == set(wanted)
    for name, told in libraries.items():
        assert told["version"] == wanted[name] == lock[f"node_modules/{name}"]["version"]
        assert told["integrity"] == lock[f"node_modules/{name}"]["integrity"]
        assert told["license"] in ("MIT", "BSD-0-Clause", "0BSD", "MPL-2.0")
        assert told["source"].startswith("https://github.com/")
        where = BUNDLE / "licences" if told["for"] == "console" else ROOT / "tests/browser/vendor"
        assert (where / f"{name}.txt").stat().st_size > 200


def test_our_own_part_of_the_bundle_is_the_one_beside_it() -> None:
    """`trust.js` was put together as it stands: whoever edits it runs `make console-bundle`."""
    assert (
        (STATIC / "vendor" / "htmx.js")
        .read_text("utf-8")
        .endswith((BUNDLE / "trust.js").read_text("utf-8"))
    )


def test_nothing_is_inline() -> None:
    """No template holds a script, a style or a handler that a strict policy would have to allow."""
    found = []
    for path in (CONSOLE / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        found += [
            f"{path.name}: {m}"
            for m in re.findall(r"\sstyle\s*=|<style|\son[a-z]+=[\"']|hx-on|javascript:", text)
        ]
        found += [f"{path.name}: {m}" for m in re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", text)]
        found += [f"{path.name}: {m}" for m in re.findall(r"\|\s*safe\b|Markup\(|autoescape", text)]
    assert found == []


def test_scripts_never_make_markup_of_text() -> None:
    """Our own modules use no sink that Trusted Types would have to guard."""
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(['\"]"
    )
    found = [
        f"{path.name}: {match}"
        for path in (STATIC / "js").rglob("*.js")
        for match in sinks.findall(path.read_text("utf-8"))
    ]
    assert found == []
