"""A mailbox for trying things out: takes every letter (RFC 5321) and lays it into a folder.

Listens on this machine only, and delivers to nobody.
"""

from __future__ import annotations

import socketserver
import threading
import time
from pathlib import Path

_MOST = 1 << 20


class _Session(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self) -> None:
        """One conversation."""
        self._say("220 mailbox")
        while line := self.rfile.readline(2048):
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.keep(self._letter())  # type: ignore[attr-defined]
                self._say("250 taken")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            elif verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                self._say("250 ok")
            else:
                self._say("502 not here")

    def _letter(self) -> bytes:
        whole = b""
        while (line := self.rfile.readline(2048)) not in (b".\r\n", b"") and len(whole) < _MOST:
            whole += line[1:] if line.startswith(b"..") else line
        return whole

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class Mailbox(socketserver.ThreadingTCPServer):
    """Letters arrive as `.eml` files, named by when."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.folder = folder
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Listen in a thread."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        ).start()
        self._running = True

    def stop(self) -> None:
        """Listen no more."""
        if getattr(self, "_running", False):
            self.shutdown()
        self.server_close()

    def keep(self, letter: bytes) -> None:
        """Lay a letter down, whole or not at all."""
        with self._lock:
            file = self.folder / f"{time.time_ns()}.eml"
            file.with_suffix(".new").write_bytes(letter)
            file.with_suffix(".new").replace(file)
