"""The script as it is served by the middlewares: named by what is in it, and kept by browsers a day."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from kanhe.connect.device.seen import SCRIPT_TYPE, Devices

_KEPT = "public, max-age=86400"


class Served(NamedTuple):
    """An answer with the script, or that a browser has it already."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def serve_script(devices: Devices, method: str, if_none_match: str | None) -> Served:
    """Answer a request for the script."""
    if method not in ("GET", "HEAD"):
        return Served(405, (("allow", "GET, HEAD"), ("content-length", "0")), b"")
    tag = f'"{hashlib.sha256(devices.script).hexdigest()[:16]}"'
    always = (("etag", tag), ("cache-control", _KEPT))
    if if_none_match is not None and tag in if_none_match:
        return Served(304, always, b"")
    headers = (
        *always,
        ("content-type", SCRIPT_TYPE),
        ("content-length", str(len(devices.script))),
        ("x-content-type-options", "nosniff"),
    )
    return Served(200, headers, b"" if method == "HEAD" else devices.script)
