"""Where the life of policy packs is asked about: in the data folder, or of the server that uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec

from kanhe.app import FolderInUse, Who, open_keys, open_policies
from kanhe.core.errors import KanheError, Problem, SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.judge.policy.life import LifeError
from kanhe.judge.policy.pack import Pack
from kanhe.serve.api.policy import STEPS
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.wording import words

_TIMEOUT_S = 60.0
_MOST_ANSWER = 64 << 20
TOKEN_ENV = "KANHE_TOKEN"


class RefusedError(KanheError):
    """A step was refused, here or by the server."""


class Desk(Protocol):
    """What can be asked about packs. Raises `RefusedError`, `StorageError`."""

    def view(self) -> dict[str, Any]:
        """How all packs stand."""

    def show(self, reference: str) -> dict[str, Any]:
        """One pack with its steps."""

    def propose(self, pack: Pack, why: str) -> dict[str, Any]:
        """Take in a pack."""

    def step(self, step: str, reference: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a pack take a step of `serve.api.policy.STEPS`."""

    def rollback(self, why: str) -> dict[str, Any]:
        """Have the pack before come back."""

    def release(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let a rule go."""


@contextmanager
def open_desk(settings: Settings, server: str, token_file: str) -> Iterator[Desk]:
    """The packs of the data folder; those of the server at `server`, or of the one that uses the folder."""
    token = _token(token_file)
    if server:
        yield _ServerDesk(server, token)
        return
    try:
        with open_policies(settings, now_ms) as policies:
            yield _LocalDesk(settings, policies, token)
            return
    except FolderInUse:
        pass
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    yield _ServerDesk(f"http://{host}:{settings.port}", token)


def _token(token_file: str) -> str:
    """The API key of whoever asks: from a file, or from the environment, never from the command line,
    where everybody on the machine could read it."""
    if not token_file:
        return os.environ.get(TOKEN_ENV, "").strip()
    try:
        return Path(token_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(words("life.token_file", file=token_file, cause=error)) from None


class _LocalDesk:
    """In this process, while nobody judges."""

    def __init__(self, settings: Settings, policies: Any, token: str) -> None:
        self._settings = settings
        self._policies = policies
        self._token = token

    def view(self) -> dict[str, Any]:
        """How all packs stand."""
        found: dict[str, Any] = self._policies.view()
        return found

    def show(self, reference: str) -> dict[str, Any]:
        """One pack with its steps."""
        found: dict[str, Any] = _tried(lambda: self._policies.show(reference))
        return found

    def propose(self, pack: Pack, why: str) -> dict[str, Any]:
        """Take in a pack."""
        who = self._who("policy:propose")
        _tried(lambda: self._policies.propose(pack, who, why))
        return self.show(pack.hash)

    def step(self, step: str, reference: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a pack take a step."""
        who = self._who(STEPS[step].scope)
        facts = dict(asked.get("facts", {}))
        if "share_permille" in asked:
            facts["share_permille"] = str(asked["share_permille"])
        hash = _tried(lambda: self._policies.resolve(reference))
        why = asked.get("why", "")
        _tried(lambda: self._policies.take(STEPS[step].step, hash, who, why, facts))
        return self.show(hash)

    def rollback(self, why: str) -> dict[str, Any]:
        """Have the pack before come back."""
        who = self._who("policy:approve")
        _tried(lambda: self._policies.rollback(who, why))
        return self.view()

    def release(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the governor holds is known where somebody judges."""
        self._who("policy:approve")
        raise RefusedError(words("life.release_needs_server"))

    def _who(self, scope: str) -> Who:
        """The person behind the token, if it may do this."""
        keys = open_keys(self._settings, now_ms)
        try:
            holder = keys.authenticate(self._token)
        finally:
            keys.close()
        if holder is None:
            raise RefusedError(words("life.who" if self._token else "life.no_token", env=TOKEN_ENV))
        if scope not in holder.scopes:
            raise RefusedError(words("life.scope", scope=scope, name=holder.name))
        return Who(holder.name, holder.id)


class _ServerDesk:
    """Over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def view(self) -> dict[str, Any]:
        """How all packs stand."""
        return self._ask("GET", "/v1/policy")

    def show(self, reference: str) -> dict[str, Any]:
        """One pack with its steps."""
        return self._ask("GET", f"/v1/policy/packs/{quote(reference, safe='')}")

    def propose(self, pack: Pack, why: str) -> dict[str, Any]:
        """Take in a pack."""
        return self._ask("POST", f"/v1/policy/packs?why={quote(why, safe='')}", pack.archive)

    def step(self, step: str, reference: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a pack take a step."""
        path = f"/v1/policy/packs/{quote(reference, safe='')}/{step}"
        return self._ask("POST", path, msgspec.json.encode(asked))

    def rollback(self, why: str) -> dict[str, Any]:
        """Have the pack before come back."""
        return self._ask("POST", "/v1/policy/rollback", msgspec.json.encode({"why": why}))

    def release(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let a rule go."""
        return self._ask("POST", "/v1/policy/release", msgspec.json.encode(asked))

    def _ask(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        parts = urlsplit(self._url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(words("life.bad_server", url=self._url))
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"connection": "close"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_S)
            try:
                connection.request(method, parts.path.rstrip("/") + path, body or None, headers)
                with connection.getresponse() as answer:
                    status, content = answer.status, answer.read(_MOST_ANSWER)
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise StorageError(words("life.no_server", url=self._url, cause=error)) from None
        if status >= 400:
            raise _problem(status, content)
        return _object(content)


def _tried(ask: Callable[[], Any]) -> Any:
    """What `ask` gives; a step that cannot be taken is told as the server would tell it."""
    try:
        return ask()
    except LifeError as error:
        raise RefusedError(str(error)) from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StorageError(words("life.odd_answer", cause=error)) from None


def _problem(status: int, content: bytes) -> KanheError:
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return StorageError(words("life.odd_answer", cause=f"status {status}"))
    lines = [problem.detail or problem.title]
    lines += [f"{e.field}: {e.got}" for e in problem.errors]
    kind = StorageError if status >= 500 else RefusedError
    return kind("\n".join(lines))
