"""Asking the process that judges, over its HTTP interface, for any tenant and on behalf of a person.

Used where the console sends events, reads and changes lists, leads policy packs and asks how the
judge stands. Safe to use from several threads. What may be sent twice without harm (events and list
entries have ids, and reading changes nothing) is tried again once when the connection broke; a step
of a policy pack is not, unless it certainly never arrived.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec

from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError, Problem, Refusal, StorageError
from kanhe.protect.desk_pass import OnBehalf, can_name, write_pass
from kanhe.stores.files.desk_link import DeskLink, read_link

MOST_LINES = 500
"""Events sent at once: few enough that a batch is answered within a moment."""
_TIMEOUT = httpx.Timeout(10.0, connect=2.0)
_LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=30.0)
PLATFORM = "platform"
"""The tenant named where a route belongs to none."""


_LATER = frozenset(
    {
        "batch-too-large", "body-too-slow", "internal", "not-authenticated", "overloaded",
        "rate-exceeded", "storage-unavailable",
    }
)  # fmt: skip
"""Problems that say nothing about the event: the same may be taken the next time."""


class JudgeDownError(KanheError):
    """The judging process cannot be reached or cannot answer now: the same may work later."""

    def __init__(self, text: str, *, fault: bool = False) -> None:
        super().__init__(text)
        self.fault = fault
        """Whether it answered, and failed over what it was asked: perhaps it always will."""


class Taken(NamedTuple):
    """What became of one event of a batch."""

    problem: Problem | None
    """Why it was refused for good; `None` if the journal has it."""


class JudgeLink:
    """The judging process of the installation in `folder`.

    Every method raises `JudgeDownError` if it cannot be asked now, and `Refusal` with the judge's own
    problem if it says no.
    """

    def __init__(self, folder: Path, transport: httpx.BaseTransport | None = None) -> None:
        self._folder = folder
        self._link: DeskLink | None = None
        # Proxies of the environment are for going out; this stays on the machine.
        self._client = httpx.Client(
            timeout=_TIMEOUT, limits=_LIMITS, trust_env=False, transport=transport
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    # Events

    def record(self, tenant: str, events: Sequence[bytes]) -> list[Taken]:
        """Have these events taken in, in order; at most `MOST_LINES`. Gives what became of each.

        An event whose id the journal has already is taken, too. If the batch breaks off on the way,
        `JudgeDownError`: all of them may be sent again.
        """
        return self._batch("/v1/events:batch", tenant, events)

    def decide(self, tenant: str, events: Sequence[bytes]) -> list[Taken]:
        """The same, and each of them judged."""
        return self._batch("/v1/decisions:batch", tenant, events)

    def decide_one(self, tenant: str, event: bytes) -> bytes:
        """Have one event judged by itself; gives the decision as the judge answers it."""
        return self._ask("POST", "/v1/decisions", OnBehalf(tenant), event)

    def _batch(self, path: str, tenant: str, events: Sequence[bytes]) -> list[Taken]:
        if not 0 < len(events) <= MOST_LINES or any(b"\n" in event for event in events):
            raise ValueError(f"1 to {MOST_LINES} events without line breaks")
        if not can_name(tenant):
            # No pass opens for it, now or later: whoever waits behind it must not wait for that.
            detail = "A tenant has 1 to 128 characters without controls."
            raise Refusal(Problem("/problems/request-invalid", "No such tenant", 400, detail))
        content = self._ask("POST", path, OnBehalf(tenant), b"\n".join(events) + b"\n")
        lines = content.splitlines()
        taken = [_taken(line) for line in lines[: len(events)]]
        for number, one in enumerate(taken, 1):
            if one.problem is not None and _is_for_later(one.problem):
                # The last words of a batch that could not go on: this line and those after it.
                raise _later(one.problem, f" at event {number}")
        if len(lines) != len(events):
            raise JudgeDownError(f"the judge answered {len(lines)} of {len(events)} events")
        return taken

    # Lists

    def lists(self, tenant: str) -> list[dict[str, Any]]:
        """The lists of the policy pack in force."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/lists", OnBehalf(tenant))["lists"]
        return found

    def entries(self, tenant: str, name: str, after: str = "") -> dict[str, Any]:
        """The tenant's own entries of a list, a page of a thousand: `entries`, `next_after`."""
        path = f"/v1/lists/{_part(name)}?after={_part(after)}"
        return self._json("GET", path, OnBehalf(tenant))

    def add_entry(
        self,
        actor: Actor,
        tenant: str,
        name: str,
        value: str,
        *,
        note: str = "",
        expires_ms: int | None = None,
    ) -> None:
        """Put a value on a list, in this person's name; durable when it returns."""
        entry: dict[str, Any] = {"value": value, "note": note, "id": _new_id()}
        if expires_ms is not None:
            entry["expires_ms"] = expires_ms
        path = f"/v1/lists/{_part(name)}/entries"
        self._ask("POST", path, _behalf(actor, tenant), msgspec.json.encode(entry))

    def remove_entry(self, actor: Actor, tenant: str, name: str, value: str) -> None:
        """Take a value off a list, in this person's name."""
        path = f"/v1/lists/{_part(name)}/entries/{_part(value)}"
        # Sent again it would find nothing to remove, and say so of what it has done.
        self._ask("DELETE", path, _behalf(actor, tenant), once=True)

    # Policy packs

    def policies(self) -> dict[str, Any]:
        """How all packs stand, and what the governor holds."""
        return self._json("GET", "/v1/policy", OnBehalf(PLATFORM))

    def policy(self, reference: str) -> dict[str, Any]:
        """One pack with its steps."""
        return self._json("GET", f"/v1/policy/packs/{_part(reference)}", OnBehalf(PLATFORM))

    def propose(self, actor: Actor, archive: bytes, why: str) -> dict[str, Any]:
        """Propose a pack: its files as a plain tar."""
        path = f"/v1/policy/packs?why={_part(why)}"
        return self._json("POST", path, _behalf(actor), archive, once=True)

    def step(
        self, actor: Actor, reference: str, step: str, asked: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Have a pack take a step: `backtested`, `shadow`, `share`, `approve`, `activate`, `withdraw`."""
        path = f"/v1/policy/packs/{_part(reference)}/{_part(step)}"
        return self._json("POST", path, _behalf(actor), _body(asked or {}), once=True)

    def rollback(self, actor: Actor, why: str) -> dict[str, Any]:
        """Have the pack before come back."""
        return self._json(
            "POST", "/v1/policy/rollback", _behalf(actor), _body({"why": why}), once=True
        )

    def release(self, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Let a rule go that the governor holds: `rule`, `event_type`, `outcome`, `minutes`, `why`."""
        return self._json("POST", "/v1/policy/release", _behalf(actor), _body(asked), once=True)

    # How it stands

    def ready(self) -> bool:
        """Whether an event would be taken now."""
        try:
            self._ask("GET", "/readyz", OnBehalf(PLATFORM))
        except (JudgeDownError, Refusal):
            return False
        return True

    def metrics(self) -> str:
        """Its metrics in the Prometheus text format."""
        return self._ask("GET", "/metrics", OnBehalf(PLATFORM)).decode("utf-8")

    def get(self, path: str, tenant: str = PLATFORM) -> bytes:
        """What a `GET` of any other path of `/v1` answers, such as a decision or a receipt."""
        return self._ask("GET", path, OnBehalf(tenant))

    # The way there

    def _json(
        self, method: str, path: str, behalf: OnBehalf, body: bytes = b"", *, once: bool = False
    ) -> dict[str, Any]:
        content = self._ask(method, path, behalf, body, once=once)
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JudgeDownError(f"the judge's answer cannot be read: {error}") from None

    def _ask(
        self, method: str, path: str, behalf: OnBehalf, body: bytes = b"", *, once: bool = False
    ) -> bytes:
        """Ask; (1) with the link known, and (2) once more with the one in the file if the judge was
        started anew meanwhile, or if the connection broke and asking twice does no harm."""
        try:
            answer = self._send(self._known(), method, path, behalf, body)  # (1)
        except httpx.ConnectError:
            answer = None
        except httpx.HTTPError as error:
            if once:
                raise _down(error) from None
            answer = None
        if answer is None or answer.status_code == 401:
            self._link = None
            try:
                answer = self._send(self._known(), method, path, behalf, body)  # (2)
            except httpx.HTTPError as error:
                raise _down(error) from None
        return _content(answer)

    def _send(
        self, link: DeskLink, method: str, path: str, behalf: OnBehalf, body: bytes
    ) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {write_pass(link.secret, behalf)}",
            "content-type": "application/octet-stream" if body else "application/json",
        }
        return self._client.request(method, link.url + path, content=body or None, headers=headers)

    def _known(self) -> DeskLink:
        if self._link is None:
            try:
                self._link = read_link(self._folder)
            except StorageError as error:
                raise JudgeDownError(str(error)) from error
        if self._link is None:
            raise JudgeDownError("nothing judges in this installation now: start `kanhe serve`")
        return self._link


def _content(answer: httpx.Response) -> bytes:
    """The body of a good answer, else the problem it tells."""
    if answer.status_code < 300:
        return answer.content
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem("/problems/internal", "An odd answer", answer.status_code)
    raise _later(problem) if _is_for_later(problem) else Refusal(problem)


def _is_for_later(problem: Problem) -> bool:
    return problem.status >= 500 or problem.type.removeprefix("/problems/") in _LATER


def _later(problem: Problem, where: str = "") -> JudgeDownError:
    fault = problem.type in ("/problems/internal", "/problems/batch-too-large")
    told = problem.detail or problem.title
    return JudgeDownError(f"the judge could not go on{where}: {told}", fault=fault)


def _taken(line: bytes) -> Taken:
    try:
        told = msgspec.json.decode(line, type=dict[str, Any])
        if str(told.get("type", "")).startswith("/problems/") and "status" in told:
            return Taken(msgspec.convert(told, Problem))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JudgeDownError(f"the judge's answer cannot be read: {error}") from None
    return Taken(None)


def _down(error: httpx.HTTPError) -> JudgeDownError:
    return JudgeDownError(f"the judge cannot be reached: {str(error) or type(error).__name__}")


def _behalf(actor: Actor, tenant: str = "") -> OnBehalf:
    return OnBehalf(tenant or actor.tenant or PLATFORM, actor.staff, " ".join(actor.name.split()))


def _body(asked: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(dict(asked))


def _part(text: str) -> str:
    return quote(text, safe="")


def _new_id() -> str:
    return f"desk-{uuid.uuid4()}"
