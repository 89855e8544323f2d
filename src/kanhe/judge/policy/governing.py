"""`[governor]` of `pack.toml`: the caps on what rules may refuse."""

from __future__ import annotations

from decimal import Decimal

from kanhe.core.time import DAY_MS, MINUTE_MS, DurationError, duration_ms
from kanhe.judge.language.source import NAME
from kanhe.judge.policy.document import Table
from kanhe.judge.verdict.caps import MILLION, MINUTES_MAX, STOPS, Caps, GovernorTable, Stop

_COUNT_MAX = 10**9
_MONEY_MAX = 10**15
_COOL_MAX_MIN = 7 * 24 * 60
_ROLLBACK_MAX_MS = 90 * DAY_MS
_FINEST_SHARE = Decimal(1) / MILLION


def read_governor(table: Table) -> GovernorTable:
    """Read the caps; what is left out has its default, and single rules have those of all rules."""
    standard = GovernorTable()
    window = _minutes(table, "window", standard.window_min, MINUTES_MAX)
    cool = _minutes(table, "cool", standard.cool_min, _COOL_MAX_MIN)
    rollback = _duration(table, "rollback_within", 0, _ROLLBACK_MAX_MS)
    rule = _both(table.table("rule"), standard.rule)
    overall = _both(table.table("overall"), standard.overall)
    named = table.table("rules")
    rules: dict[str, dict[Stop, Caps]] = {}
    for id in named.content:
        if not NAME.fullmatch(id):
            named.note(id, f"{id[:80]!r} cannot be the id of a rule")
        else:
            rules[id] = _both(named.table(id), rule)
    table.end()
    return GovernorTable(
        window_min=window, cool_min=cool, rollback_within_ms=rollback, rule=rule, overall=overall,
        rules=rules,
    )  # fmt: skip


def _both(table: Table, standard: dict[Stop, Caps]) -> dict[Stop, Caps]:
    """The caps on denials and on challenges."""
    found = {stop: _caps(table.table(stop), standard[stop]) for stop in STOPS}
    table.end()
    return found


def _caps(table: Table, standard: Caps) -> Caps:
    caps = Caps(
        per_minute=table.number("per_minute", standard.per_minute, 0, _COUNT_MAX),
        share_ppm=_share(table, standard.share_ppm),
        least=table.number("least", standard.least, 1, _COUNT_MAX),
        money_per_hour_minor=table.number(
            "money_per_hour_minor", standard.money_per_hour_minor, 0, _MONEY_MAX
        ),
    )
    table.end()
    return caps


def _share(table: Table, standard_ppm: int) -> int:
    """A part of one, as millionths; TOML's decimals are read exactly."""
    table.read.add("share")
    value = table.content.get("share")
    if value is None:
        return standard_ppm
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    number = Decimal(value) if is_number else Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= 1 or 0 < number < _FINEST_SHARE:
        table.note("share", "share is a number from 0 (no cap) to 1", "for example share = 0.1")
        return standard_ppm
    return int(number * MILLION)


def _minutes(table: Table, key: str, standard: int, most: int) -> int:
    found_ms = _duration(table, key, standard * MINUTE_MS, most * MINUTE_MS)
    if found_ms % MINUTE_MS or found_ms == 0:
        table.note(key, f"{key} is whole minutes", f'for example {key} = "10m"')
        return standard
    return found_ms // MINUTE_MS


def _duration(table: Table, key: str, standard_ms: int, most_ms: int) -> int:
    text = table.text(key, "", most=20)
    if not text:
        return standard_ms
    try:
        found_ms = duration_ms(text)
    except DurationError as error:
        table.note(key, str(error))
        return standard_ms
    if found_ms > most_ms:
        table.note(key, f"{key} is at most {most_ms // MINUTE_MS}m")
        return standard_ms
    return found_ms
