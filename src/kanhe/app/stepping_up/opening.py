"""An installation's step-up, opened when somebody first asks for it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kanhe.app.stepping_up.shops import read_shops
from kanhe.core.settings import Settings
from kanhe.core.time import Clock

if TYPE_CHECKING:
    from kanhe.app.stepping_up.asking import Asking
    from kanhe.app.stepping_up.enrolling import Enrolling
    from kanhe.app.stepping_up.room import Room
    from kanhe.stores.smtp.post import Written
    from kanhe.stores.sqlite.buyers import Undelivered

BUYERS_FILE = "buyers.db"
_AT_ONCE = 64
_SWEEP_MS = 60_000


class StepUps:
    """Factors and step-ups of an installation. `buyers.db` is made when it is first used, and what
    only it needs is loaded then: judging neither waits for it nor carries it.

    Raises `SettingsError` at once if what is set up for shops or mail is not as it should be.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        # What is wrong with the settings is said at the start, not to the first buyer.
        self._shops = read_shops(settings.step_up_shops)
        self._settings = settings
        self._clock = clock
        self._folder = Path(settings.data_dir)
        self._lock = threading.Lock()
        self._room: Room | None = None
        self._send = _sender(settings)
        self._swept_ms = 0

    @property
    def asking(self) -> Asking:
        """Asking buyers."""
        from kanhe.app.stepping_up.asking import Asking

        return Asking(self.room)

    @property
    def enrolling(self) -> Enrolling:
        """Their factors."""
        from kanhe.app.stepping_up.enrolling import Enrolling

        return Enrolling(self.room)

    @property
    def room(self) -> Room:
        """What it is done with. Raises `StorageError`."""
        with self._lock:
            if self._room is None:
                self._room = self._opened()
            return self._room

    @property
    def is_used(self) -> bool:
        """Whether anything was ever kept here."""
        return (self._folder / BUYERS_FILE).exists()

    def forget(self, tenant: str, names: Iterable[tuple[str, str]]) -> int:
        """Destroy what is kept of somebody who is named like this (kind of entity and id); gives how many
        factors and step-ups there were. Events that still waited for the journal go with them."""
        if not self.is_used:
            return 0
        room = self.room
        gone = 0
        with room.store.writing() as writing:
            for kind, id in names:
                address = room.address_place(tenant, id) if kind == "email" else b""
                gone += writing.forget(tenant, kind, id, address)
        room.store.cut()
        return gone

    def waiting(self) -> Sequence[Undelivered]:
        """The oldest events that wait for the journal; none where nothing was ever used."""
        with self._lock:
            if self._room is None and not self.is_used:
                return ()
        self._sweep()
        return self.room.store.undelivered(_AT_ONCE)

    def _sweep(self) -> None:
        """Now and then take away what is over, also where nobody is asked any more."""
        now = self._clock()
        if abs(now - self._swept_ms) < _SWEEP_MS:
            return
        self._swept_ms = now
        room = self.room
        with room.store.writing() as writing:
            room.sweep(writing)

    def delivered(self, numbers: Sequence[int], refused: Sequence[tuple[int, str]]) -> None:
        """The journal has these, and will never have those. Raises `StorageError`."""
        with self.room.store.writing() as writing:
            writing.told(numbers)
            for number, problem in refused:
                writing.put_aside(number, problem)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._room is not None:
                self._room.store.close()
                self._room = None

    def _opened(self) -> Room:
        from kanhe.app.opening import data_folder
        from kanhe.app.stepping_up.posting import PostSender
        from kanhe.app.stepping_up.room import Room, buyers_key
        from kanhe.stores.sqlite.buyers import SqliteBuyers

        folder = data_folder(self._settings)
        key = buyers_key(folder, secrets.token_bytes)
        store = SqliteBuyers(folder / BUYERS_FILE)
        sender = None if self._send is None else PostSender(self._send, self._settings.mail_from)
        return Room(store, key, self._clock, secrets.token_bytes, self._shops, sender)


def _sender(settings: Settings) -> Callable[[Written], None] | None:
    """How letters leave; `None` where no mail server is set up. Raises `SettingsError`."""
    if not settings.mail_host:
        return None
    # Imported here: without a mail server nobody needs it.
    from kanhe.app.posting import post_of

    post = post_of(settings)
    return None if post is None else post.send
