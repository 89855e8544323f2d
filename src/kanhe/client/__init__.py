"""The client of a shop: asks Kanhe for decisions, tells it of events, goes on when it is away.

Stands alone: it needs httpx and msgspec, and nothing else of Kanhe. An event walks through `checking`
(checked), `deciding` (asked for, within its time), `queue` (kept, where there is no answer or none is
needed) and `sending` (delivered in the background).
"""

from kanhe.client import events
from kanhe.client.decision import Action, Decision, Fallback, Outcome, Reason, Text
from kanhe.client.errors import (
    ClientError,
    Closed,
    ConfigError,
    FieldProblem,
    InvalidEvent,
    Problem,
    Refused,
    Unreachable,
)
from kanhe.client.queue import RefusedEvent
from kanhe.client.stats import Stats
from kanhe.client.sync import Kanhe
from kanhe.client.tasks import AsyncKanhe

__all__ = [
    "Action",
    "AsyncKanhe",
    "ClientError",
    "Closed",
    "ConfigError",
    "Decision",
    "Fallback",
    "FieldProblem",
    "InvalidEvent",
    "Kanhe",
    "Outcome",
    "Problem",
    "Reason",
    "Refused",
    "RefusedEvent",
    "Stats",
    "Text",
    "Unreachable",
    "events",
]
