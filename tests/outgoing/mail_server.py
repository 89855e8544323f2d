"""A mail server of the tests, on this machine."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from email.message import EmailMessage


class TinyServer:
    """A mail server that takes letters, or says no."""

    def __init__(self, refuse: bytes = b"") -> None:
        self.refuse = refuse
        self.heard: list[bytes] = []
        self.letters: list[EmailMessage] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as lines:
                self._speak(lines)

    def _speak(self, lines: object) -> None:
        from typing import IO, cast

        file = cast("IO[bytes]", lines)

        def say(text: bytes) -> None:
            file.write(text + b"\r\n")
            file.flush()

        say(b"220 here")
        while line := file.readline():
            self.heard.append(line)
            word = line[:4].upper()
            if word == b"EHLO":
                say(b"250 here")
            elif word == b"RCPT" and self.refuse:
                say(self.refuse)
            elif word == b"DATA":
                say(b"354 go")
                content = b""
                while (part := file.readline()) != b".\r\n":
                    content += part
                parsed = email.message_from_bytes(content, policy=email.policy.default)
                assert isinstance(parsed, EmailMessage)
                self.letters.append(parsed)
                say(b"250 taken")
            elif word == b"QUIT":
                say(b"221 bye")
                return
            else:
                say(b"250 fine")

    def close(self) -> None:
        """No more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
