"""Telling the shop what banks do later, signed as Standard Webhooks are, until it answers 2xx."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time

import httpx

from .book import Book, Notice


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """`v1` of Standard Webhooks: HMAC-SHA-256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Teller(threading.Thread):
    """Delivers notices while the gateway runs; what is not delivered waits in the book."""

    def __init__(self, book: Book, url: str, secret: str, every_s: float = 0.3) -> None:
        super().__init__(name="notices", daemon=True)
        self._book, self._url, self._secret, self._every_s = book, url, secret, every_s
        self._ending = threading.Event()

    def run(self) -> None:
        """Look for what is due until told to stop."""
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self._ending.wait(self._every_s):
                for notice in self._book.due():
                    self._book.told(notice, taken=self._deliver(client, notice))

    def stop(self) -> None:
        """End, and wait for the end."""
        self._ending.set()
        self.join(10)

    def _deliver(self, client: httpx.Client, notice: Notice) -> bool:
        body, timestamp = notice.body.encode(), str(int(time.time()))
        headers = {
            "content-type": "application/json", "webhook-id": notice.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, notice.id, timestamp, body),
        }  # fmt: skip
        try:
            return client.post(self._url, content=body, headers=headers).is_success
        except httpx.HTTPError:
            return False
