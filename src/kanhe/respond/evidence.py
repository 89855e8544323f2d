"""Files that people add to a case: what may come in, under which name, and where it lies.

(1) What a file is, its content says (magic bytes); its name and what the browser called it count for
    nothing. Only kinds that no browser runs are taken: pictures, PDF, plain text, mail, archives not.
(2) It lies under the hash of its content, outside of everything that is served: no part of a path
    ever comes from outside.
(3) It is handed out as an attachment, never shown in the page, with `nosniff` and a policy that lets
    it run nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

from kanhe.core.errors import KanheError

SIZE_MAX = 10 << 20
"""How many bytes a file may have."""
MOST_FILES = 50
"""How many files a case may have."""
NAME_MAX = 120
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUFFIX: Mapping[str, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
}
"""What is taken, and the ending its name gets."""
TYPES = tuple(_SUFFIX)
# Windows keeps these names for devices, whatever ends them.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_MARKUP = re.compile(rb"(?i)<\s*(!doctype|html|script|svg|iframe|body|head|\?xml)")

Wrong = Literal["empty", "too_large", "wrong_type", "too_many"]


class EvidenceError(KanheError):
    """A file that is not taken."""

    def __init__(self, wrong: Wrong, text: str) -> None:
        super().__init__(text)
        self.wrong = wrong


class Evidence(msgspec.Struct, frozen=True):
    """A file that may be kept."""

    name: str
    media_type: str
    size: int
    digest: str
    """SHA-256 of its content, 64 hex digits."""


def accepted(name: str, content: bytes) -> Evidence:
    """The file as it is kept. Raises `EvidenceError` for what is empty, too large, or of another kind."""
    if not content:
        raise EvidenceError("empty", "the file is empty")
    if len(content) > SIZE_MAX:
        raise EvidenceError("too_large", f"a file has at most {SIZE_MAX >> 20} MiB")
    media_type = kind_of(content)
    if media_type is None:
        raise EvidenceError("wrong_type", f"not one of {', '.join(TYPES)}")
    digest = hashlib.sha256(content).hexdigest()
    return Evidence(clean_name(name, media_type), media_type, len(content), digest)


def kind_of(content: bytes) -> str | None:
    """Step (1): the media type by content; `None` for anything that is not taken."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    return "text/plain" if _is_plain(content) else None


def _is_plain(content: bytes) -> bool:
    """Text that no program takes for a page: UTF-8, no controls, no markup at its head."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if _MARKUP.search(content[:1024]):
        return False
    return not any(ord(sign) < 32 and sign not in "\n\r\t\f" for sign in text)


def clean_name(name: str, media_type: str) -> str:
    """A name that is only a name, on every system, with the ending of what the file is."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(
        sign if sign.isalnum() or sign in " ._-()" else "_"
        for sign in last
        if not unicodedata.category(sign).startswith("C")
    )
    stem = kept.rpartition(".")[0] if "." in kept else kept
    stem = re.sub(r"[ .]+$", "", stem.lstrip(" .-"))[:NAME_MAX]
    if not stem or _DEVICES.fullmatch(stem):
        stem = f"file_{stem}" if stem else "file"
    return stem + _SUFFIX[media_type]


def place_of(digest: str) -> tuple[str, str]:
    """Step (2): folder and file below the folder of evidence. Raises `ValueError` for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not the SHA-256 of a file")
    return digest[:2], digest


def headers_of(evidence: Evidence) -> dict[str, str]:
    """Step (3): with what it is handed out (RFC 6266 for the name)."""
    plain = evidence.name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "content-type": "application/octet-stream"
        if evidence.media_type == "text/plain"
        else evidence.media_type,
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(evidence.name, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, no-store",
        "cross-origin-resource-policy": "same-origin",
    }
