"""CloudEvents 1.0 in structured JSON mode: the envelope other systems send events in.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and formats/json-format.md
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from kanhe.core.errors import FieldProblem, Refusal
from kanhe.judge.intake.problems import refusal
from kanhe.judge.intake.strict import parse_exactly, quoted, quoted_text

ATTRIBUTES = frozenset(
    {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema",
     "data", "data_base64"}
)  # fmt: skip
"""The attributes of the standard itself."""
TRANSPORT = frozenset(
    {"traceparent", "tracestate", "partitionkey", "sequence", "sequencetype", "sampledrate"}
)
"""Documented extensions that say how a message travelled and nothing about what happened."""

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def unwrap(envelope: dict[str, Any]) -> dict[str, Any]:
    """Turn an envelope into the flat fields of an event; raises `Refusal`.

    `id`, `type` and `time` become `id`, `type` and `at_ms`; `data` holds the other fields. It may
    repeat those three only with the same values. `source`, `subject` and `dataschema` are for
    routing and are not part of the event. Without `time`, `data` must hold `at_ms`. Attributes
    outside the standard are refused, except those of `TRANSPORT`.
    """
    _check_attributes(envelope)
    event: dict[str, Any] = {"id": envelope["id"], "type": envelope["type"]}
    if envelope.get("time") is not None:
        event["at_ms"] = _milliseconds(envelope["time"])
    for name, value in _fields(envelope).items():
        if name in event and value is not None and event[name] != value:
            raise _wrong(f"data.{name}", f"the same as in the envelope, {event[name]}", value)
        event.setdefault(name, value)
    return event


def _check_attributes(envelope: dict[str, Any]) -> None:
    """Refuse another version, missing or empty attributes, and unknown extensions."""
    if envelope["specversion"] != "1.0":
        raise _wrong("specversion", '"1.0"', envelope["specversion"])
    missing = [name for name in ("id", "source", "type") if envelope.get(name) is None]
    if missing:
        problems = (FieldProblem(name, "an attribute CloudEvents requires") for name in missing)
        raise refusal("missing-field", "", *problems)
    unknown = [name for name in envelope if name not in ATTRIBUTES and name not in TRANSPORT]
    if unknown:
        expected = "a standard CloudEvents attribute; fields of the event belong into data"
        problems = (FieldProblem(quoted_text(name), expected) for name in unknown)
        raise refusal("unknown-field", "", *problems)
    for name in ("source", "subject", "dataschema"):
        value = envelope.get(name)
        if value is not None and not (isinstance(value, str) and value):
            raise _wrong(name, "a text that is not empty", value)
    content = envelope.get("datacontenttype")
    if content is not None and not (isinstance(content, str) and _JSON_TYPE.fullmatch(content)):
        raise _wrong("datacontenttype", "application/json", content)


def _fields(envelope: dict[str, Any]) -> dict[str, Any]:
    """The object in `data`, or in `data_base64` decoded."""
    data, encoded = envelope.get("data"), envelope.get("data_base64")
    if data is not None and encoded is not None:
        raise _wrong("data_base64", "either data or data_base64, not both", encoded)
    if encoded is not None:
        try:
            return parse_exactly(base64.b64decode(encoded, validate=True))
        except (binascii.Error, TypeError, ValueError):
            raise _wrong("data_base64", "base64 of a JSON object", encoded) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _wrong("data", "a JSON object with the fields of the event", data, "wrong-type")
    return data


def _milliseconds(text: object) -> int:
    """Read RFC 3339; a fraction of a millisecond is cut off, a leap second is the next second."""
    match = _TIME.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if match is None:
        raise _wrong("time", "an RFC 3339 time such as 2026-01-01T00:00:00Z", text)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    leap = 1 if second == 60 else 0
    east = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    try:
        at = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
        if east > timedelta(hours=23, minutes=59) or int(match[10] or 0) > 59:
            raise ValueError("offset")
        at = at + timedelta(seconds=leap) + (east if match[8] == "-" else -east)
    except (ValueError, OverflowError):
        raise _wrong("time", "a time that exists", text) from None
    fraction = int((match[7] or "0").ljust(3, "0")[:3])
    return (at - _EPOCH) // _MILLISECOND + fraction


def _wrong(field: str, expected: str, got: object, slug: str = "wrong-value") -> Refusal:
    return refusal(slug, "", FieldProblem(field, expected, quoted(got)))
