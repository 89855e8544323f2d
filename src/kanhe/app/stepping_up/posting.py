"""Letters with codes, by way of the mail server of the installation."""

from __future__ import annotations

from collections.abc import Callable

from kanhe.protect.access.step_up.letters import Letter, NotSent
from kanhe.stores.smtp.post import PostError, Written


class PostSender:
    """Hands letters over to a mail server. Implements `protect.access.step_up.letters.Sender`."""

    def __init__(self, send: Callable[[Written], None], sender: str) -> None:
        self._send = send
        self._host = sender.rpartition("@")[2] or "kanhe.invalid"

    def send(self, letter: Letter) -> None:
        """Hand it over. Raises `NotSent`, which quotes neither address nor code."""
        written = Written(
            "", letter.to_mail, letter.subject, letter.plain, letter.html,
            f"{letter.id}@{self._host}", letter.from_name,
        )  # fmt: skip
        try:
            self._send(written)
        except PostError as error:
            raise NotSent("refused for good" if error.for_good else "try again later") from error
