"""What the HTTP interface asks of the application behind it; `kanhe.app` has it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from kanhe.core.errors import Problem
from kanhe.core.event import Asked
from kanhe.core.notice import Notice
from kanhe.core.time import Clock
from kanhe.judge.policy.life import Step
from kanhe.judge.policy.pack import Pack
from kanhe.judge.verdict.caps import Stop


class Waiting(Protocol):
    """An answer that exists in memory and may be sent once it is durable."""

    @property
    def answer(self) -> bytes:
        """The JSON to send."""

    @property
    def repeated(self) -> bool:
        """Whether the event had been answered before; then these are the same bytes."""

    @property
    def type(self) -> str:
        """The event type."""

    @property
    def outcome(self) -> str:
        """The outcome, or empty for an event that was only recorded."""


class Entry(Protocol):
    """One entry of a list."""

    @property
    def expires_ms(self) -> int:
        """0 without end, -1 if it was taken out of the pack's list."""

    @property
    def reason(self) -> str:
        """Why it is there."""

    @property
    def author(self) -> str:
        """Who put it there."""

    @property
    def added_ms(self) -> int:
        """Since when."""


class Lists(Protocol):
    """The lists of the policy pack and the entries of all tenants."""

    @property
    def specs(self) -> Mapping[str, Any]:
        """The lists by name."""

    def entries(self, list_name: str, tenant: str, /) -> Iterator[tuple[str, Entry]]:
        """The tenant's own entries, by value."""

    def spelled(self, list_name: str, value: str, /) -> str | None:
        """The value as events spell it; `None` if none can hold it."""

    def contains(self, list_name: str, tenant: str, value: str, at_ms: int, /) -> bool:
        """Whether the value stands in the list for this tenant at this moment."""


class HeldRule(Protocol):
    """A cap on refusals that is in effect."""

    @property
    def event_type(self) -> str:
        """About which events."""

    @property
    def rule(self) -> str:
        """Of which rule; empty for all together."""

    @property
    def outcome(self) -> str:
        """Of which outcome."""


class Drift(Protocol):
    """How one thing that is watched for drift stands."""

    @property
    def kind(self) -> str:
        """`number`, `rule` or `outcome`."""

    @property
    def type(self) -> str:
        """The event type, empty for a rule."""

    @property
    def name(self) -> str:
        """The feature or rule."""

    @property
    def state(self) -> str:
        """`stable`, `moderate`, `large` or `not_enough`."""

    @property
    def value(self) -> float | None:
        """A population stability index, or for a rule how many times as often it fires."""

    @property
    def since_day(self) -> int | None:
        """Since which day (since 1970), if it has drifted."""


class Stats(Protocol):
    """How the installation stands."""

    @property
    def seq(self) -> int:
        """The number of the last event."""

    @property
    def entities(self) -> int:
        """How many entities have state."""

    @property
    def state_bytes(self) -> int:
        """How much memory that takes."""

    @property
    def snapshot_seq(self) -> int:
        """Up to which event a snapshot was saved."""

    @property
    def policy(self) -> str:
        """The content hash of the policy pack in force."""

    @property
    def rules_fired(self) -> Mapping[str, int]:
        """How often each rule fired since the start."""

    @property
    def governor(self) -> Sequence[HeldRule]:
        """The caps that hold something just now."""

    @property
    def decisions_held(self) -> int:
        """How many decisions the governor softened since the start."""

    @property
    def log_size(self) -> int:
        """How many entries the published log has; the entry of row `n` is the `n`th."""

    @property
    def log_cosignatures(self) -> int:
        """How many witnesses cosigned the published checkpoint."""

    @property
    def log_cosignatures_required(self) -> int:
        """How many are required to."""

    @property
    def drift(self) -> Sequence[Drift]:
        """How what is watched for drift stood at the last look."""

    @property
    def score_ratios(self) -> Mapping[str, float]:
        """By model: how many frauds there were for each that its scores had said."""


class Someone(Protocol):
    """Who takes a step: a person, and the key they used."""

    @property
    def name(self) -> str:
        """The person's name, as the key has it."""

    @property
    def key(self) -> str:
        """The public handle of the key."""


class TakenStep(Protocol):
    """A pack that has taken a step."""

    @property
    def hash(self) -> str:
        """Its content hash."""


class PolicyDesk(Protocol):
    """The packs of the installation and the steps they take; see `kanhe.app.policies`.

    Steps raise `LifeError` if they cannot be taken, and are durable when they return.
    """

    def view(self) -> dict[str, Any]:
        """How all packs stand."""

    def show(self, reference: str, /) -> dict[str, Any]:
        """One pack with its steps."""

    def resolve(self, reference: str, /) -> str:
        """The content hash that its first digits stand for."""

    def propose(self, pack: Pack, who: Someone, why: str, /) -> TakenStep:
        """Take in a pack."""

    def take(
        self, step: Step, pack: str, who: Someone, why: str, facts: dict[str, str], /
    ) -> TakenStep:
        """Have a pack take a step."""

    def rollback(self, who: Someone, why: str, /) -> str:
        """Have the pack before come back."""


class Engine(Protocol):
    """The application: takes groups of events, makes durable what it took, reads back."""

    @property
    def policies(self) -> PolicyDesk:
        """The life of the policy packs."""

    def release_rule(
        self, rule: str, event_type: str, stop: Stop, /, *, minutes: int, by: str, why: str
    ) -> bool:
        """Let a rule go that the governor holds; False if it holds none such."""

    def take(self, asked: Sequence[Asked], /) -> Sequence[Waiting | Exception]:
        """Judge or record the events in memory, in order, as one group.

        In place of each event that was not taken stands why: a `Refusal`, a `StorageError`, or a
        fault of the program. Never raises for one event.
        """

    def commit(self) -> None:
        """Make everything gathered so far durable; `StorageError` means none of it happened."""

    def read(self, tenant: str, decision: str, /) -> bytes | None:
        """The decision of this tenant as it was answered, or `None`."""

    def receipt(self, tenant: str, decision: str, with_event: bool, /) -> bytes | None:
        """The receipt of this tenant's decision, a proof file; `with_event` also opens the event.

        `None` if there is no such decision, empty while the log does not hold it yet. Raises
        `StorageError` if journal or log cannot be read.
        """

    def log_file(self, path: str, /) -> bytes | None:
        """A published file of the log: `checkpoint`, or a path that `tiles.parse_path` accepts.

        `None` if there is none. Raises `StorageError` if it cannot be read.
        """

    def tend(self) -> None:
        """Do what is due beside the events: notes, erasures.

        Called about once a second, and never between `take` and `commit`. After a `StorageError`
        the next call tries again.
        """

    def lists(self) -> Lists:
        """The lists as they stand now."""

    def stats(self) -> Stats:
        """Numbers for the metrics."""


class HookAnswer(Protocol):
    """What a provider is answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def media_type(self) -> str:
        """Of the body; empty without one."""

    @property
    def body(self) -> bytes:
        """The body."""


class HookProvider(Protocol):
    """How a provider wants to be answered."""

    @property
    def accepted(self) -> HookAnswer:
        """That its notice was taken."""

    @property
    def most_bytes(self) -> int:
        """The largest body, 0 if there is no other limit than that of the server."""

    def answer_refusal(self, problem: Problem, /) -> HookAnswer:
        """That it was not."""


class HookEvent(Protocol):
    """An event that a notice becomes."""

    @property
    def type(self) -> str:
        """Its type."""


class HookUnderstood(Protocol):
    """What a notice means."""

    @property
    def events(self) -> Sequence[HookEvent]:
        """What it becomes."""

    @property
    def aside(self) -> str:
        """Empty, or the kind under which it was set aside."""

    @property
    def mistakes(self) -> Sequence[str]:
        """What was not as its mapping declares."""

    @property
    def left_out(self) -> Sequence[str]:
        """Values that were left out because of that."""


class HookReceiver(Protocol):
    """A source of notices; see `kanhe.app.hooks`."""

    @property
    def name(self) -> str:
        """What it is called by."""

    @property
    def rate_per_s(self) -> float:
        """Notices per second in the long run; 0 means without limit."""

    @property
    def provider(self) -> HookProvider:
        """Whose notices they are."""

    @property
    def ready(self) -> bool:
        """Whether its mapping is known."""

    def notices(
        self, headers: Sequence[tuple[bytes, bytes]], body: bytes, now_ms: int, /
    ) -> Sequence[Notice]:
        """The notices in an authentic request; raises a refusal for any other."""

    def understand(self, notice: Notice, now_ms: int, /) -> HookUnderstood:
        """What one of them means."""

    def asked(self, understood: Any, /) -> Sequence[Asked]:
        """The events to take in because of it."""


class Hooks(Protocol):
    """The sources of notices."""

    @property
    def clock(self) -> Clock:
        """The time that notices are held against."""

    def find(self, name: str, /) -> HookReceiver | None:
        """The source that is called so. Raises `StorageError`."""


class KeyHolder(Protocol):
    """What is known of an API key (never its secret)."""

    @property
    def id(self) -> str:
        """The public handle of the key."""

    @property
    def tenant(self) -> str:
        """Whose key it is."""

    @property
    def name(self) -> str:
        """What the key is called: for the life of a policy, the person who holds it."""

    @property
    def scopes(self) -> frozenset[str]:
        """What it may do."""

    @property
    def rate_per_s(self) -> float:
        """Events per second it may send in the long run; 0 means no limit."""

    @property
    def burst(self) -> int:
        """Events it may send at once."""


class Keys(Protocol):
    """Where API keys are looked up."""

    def authenticate(self, token: str, /) -> KeyHolder | None:
        """The holder of this token; `None` if it is unknown, revoked or expired."""
