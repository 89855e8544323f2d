"""What pages load beside their text: scripts, the stylesheet, icons. Read once, kept by browsers for long.

The address of each file holds a hash of all of them, so that a new release is never shown with the
scripts of the old one, and modules may import each other by relative paths.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
STYLESHEET = "console.css"
"""All of `static/styles/*.css`, in the order of their names."""
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """The files of `folder`, in memory. Only what was found there at the start is ever answered."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files: dict[str, bytes] = {}
        styles = []
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.suffix not in _TYPES:
                continue
            name = path.relative_to(folder).as_posix()
            if path.parent == folder / "styles":
                styles.append(path.read_bytes())
            else:
                self._files[name] = path.read_bytes()
        self._files[STYLESHEET] = b"\n".join(styles)
        digest = hashlib.sha256()
        for name, content in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file. Raises `KeyError` for one that is not there."""
        if name not in self._files:
            raise KeyError(f"there is no static file {name}")
        return f"/static/{self.version}/{name}"

    async def answer(self, request: Request) -> Response:
        """A file; one of another release may be asked for by a page that is still open."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404)
        is_current = request.path_params["version"] == self.version
        return Response(
            content,
            headers={
                "content-type": _TYPES[Path(name).suffix],
                "cache-control": _FOR_EVER if is_current else "no-store",
            },
        )
