"""`kanhe backtest`: what a policy would have caught, missed and refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.judge.rules.reasons import MISSING, shown_amount
from kanhe.learn.backtest import Blocks, Report, measure
from kanhe.learn.backtest.figures import Result
from kanhe.learn.intervals import Share, Sum
from kanhe.serve.cli.evidence import AskedPast, Evidence, choice_of, gather, show_account
from kanhe.serve.cli.terminal import (
    OK,
    REFUSED,
    complain,
    print_json,
    print_table,
    say,
    shown_time,
    tell,
)
from kanhe.serve.cli.wording import either, words

_MONEY = ("fraud", "saved", "missed", "refused", "held", "challenged")
_MOST_EXAMPLES = 10


def backtest(
    settings: Settings,
    asked: AskedPast,
    blocks: str,
    examples: int,
    page: Path | None,
    as_json: bool,
) -> int:
    """Measure and report. Returns 1 if nothing could be measured."""
    drawn = choice_of("--blocks", blocks, get_args(Blocks))
    if page is not None:
        check_writable(page)
    evidence = gather(settings, asked)
    if evidence.judged is None:
        return complain(words("backtest.nothing", folder=settings.data_dir), REFUSED)
    report = measure(evidence.judged, evidence.assumed, blocks=drawn, examples=examples)
    if page is not None:
        _write_page(page, report)
    if as_json:
        content = {"report": report, "files": evidence.account}
        print_json({name: found for name, found in content.items() if found is not None})
    else:
        _show(report, evidence)
    return OK if report.truth.measured else REFUSED


def check_writable(page: Path) -> None:
    """Whoever waits for minutes should not learn only then that nothing can be written."""
    if page.is_dir() or not page.parent.is_dir():
        raise SettingsError(f"--html {page} cannot be written: its folder must exist already")


def _write_page(page: Path, report: Report) -> None:
    from kanhe.serve.cli.reports import backtest_page

    try:
        page.write_text(backtest_page(report), "utf-8")
    except OSError as error:
        raise SettingsError(f"--html {page} cannot be written: {error.strerror}") from None
    tell(words("backtest.written", path=page))


def _show(report: Report, evidence: Evidence) -> None:
    """For people: what was measured, then outcomes, money, rules, and who would have been hit."""
    say(words("backtest.title", name=report.name, version=report.version) + f"  {report.policy}")
    if evidence.account is not None:
        show_account(evidence.account)
    for line in told_about(report):
        say(line)
    if not report.truth.measured:
        return
    _show_result(report.now, words("backtest.reached"), report.base)
    if report.then is not None:
        _show_result(report.then, words("backtest.reached_then"), report.base)
    rows = [
        (words(f"money.{name}"), shown_amount(total.minor, report.base), interval(total, report.base))
        for name in _MONEY
        for total in [getattr(report.now.money, name)]
    ]  # fmt: skip
    columns = [words(f"col.{c}") for c in ("what", "money", "interval")]
    print_table(columns, rows, title=words("backtest.money"), right=(1, 2))
    alerts = report.alerts
    say(words("backtest.alerts", mean=alerts.mean, median=alerts.median, busiest=alerts.busiest))
    _show_rules(report)
    _show_buyers(report)


def told_about(report: Report) -> Iterator[str]:
    """What was measured and what stands in the way, in sentences."""
    truth = report.truth
    if truth.decided:
        yield words(
            "backtest.span", events=truth.decided, first=shown_time(report.first_ms),
            last=shown_time(report.last_ms), known=shown_time(report.known_by_ms),
        )  # fmt: skip
    if truth.measured:
        honest = truth.labelled_honest + truth.assumed_honest
        yield words(
            "backtest.measured", measured=truth.measured, types=", ".join(report.types),
            fraud=truth.fraud, honest=honest, assumed=truth.assumed_honest,
            unknown=truth.measured - truth.fraud - honest,
        )  # fmt: skip
    others = sum(truth.other_types.values())
    if truth.young or others:
        delay = f"{report.assumed.delay_ms / 86_400_000:g} d"
        yield words("backtest.left_out", young=truth.young, others=others, delay=delay)
    if truth.stopped_then:
        yield words("backtest.stopped_then", count=truth.stopped_then)
    for note in report.notes:
        yield words(f"note.{note}", count=truth.fraud)
    for name in ("unconverted", "recorded", "erased"):
        if count := getattr(report, name):
            yield words(f"note.{name}", count=count)
    if report.unknown_types:
        types = ", ".join(f"{name} ({n:,})" for name, n in report.unknown_types.items())
        yield words("note.unknown_types", types=types)


def _show_result(result: Result, title: str, base: str) -> None:
    columns = [words(f"col.{c}") for c in ("outcome", "events_now", "fraud", "honest", "unknown",
                                           "precision", "recall", "false_positives", "honest_money")]  # fmt: skip
    rows = [
        (words(f"step.{r.outcome}"), r.events, r.fraud, r.honest, r.unknown, percent(r.precision),
         percent(r.recall), percent(r.false_positives), shown_amount(r.honest_money.minor, base))
        for r in result.reached
    ]  # fmt: skip
    print_table(columns, rows, title=title, right=range(1, 9))


def _show_rules(report: Report) -> None:
    columns = [words(f"col.{c}") for c in ("rule", "events_now", "per_day", "fraud", "honest",
                                           "precision", "recall", "decisive", "saved", "refused")]  # fmt: skip
    ranked = sorted(report.rules, key=lambda r: (-r.decisive, -r.events, r.rule))
    rows = [
        (r.rule, r.events, f"{r.per_day:.1f}", r.fraud, r.honest, percent(r.precision),
         percent(r.recall), r.decisive, shown_amount(r.saved.minor, report.base),
         shown_amount(r.refused.minor, report.base))
        for r in ranked
    ]  # fmt: skip
    print_table(columns, rows, title=words("backtest.rules"), right=range(1, 10), whole=(0,),
                caption=words("backtest.rules_caption"))  # fmt: skip
    if report.pairs:
        columns = [words(f"col.{c}") for c in ("one", "other", "together", "of_one", "of_other")]
        pairs = [
            (p.one, p.other, p.together, f"{p.of_one:.0%}", f"{p.of_other:.0%}")
            for p in report.pairs
        ]
        print_table(columns, pairs, title=words("backtest.pairs"), right=(2, 3, 4), whole=(0, 1))


def _show_buyers(report: Report) -> None:
    columns = [words(f"col.{c}") for c in ("outcome", "buyers", "share", "events_now", "money")]
    rows = [
        (words(f"step.{hit.outcome}"), hit.buyers.count, percent(hit.buyers), hit.events,
         shown_amount(hit.money.minor, report.base))
        for hit in report.hits
    ]  # fmt: skip
    print_table(columns, rows, title=words("backtest.hits"), right=(1, 2, 3, 4))
    if not report.examples:
        return
    columns = [words(f"col.{c}") for c in ("buyer", "event", "money", "outcome", "why")]
    told = [
        (f"{e.buyer_kind} {e.buyer}", e.event_id, shown_amount(e.amount_minor, report.base),
         words(f"outcome.{e.outcome}"),
         "\n".join(f"{r.rule}: {either(r.text.en, r.text.zh)}" for r in e.reasons))
        for e in report.examples[:_MOST_EXAMPLES]
    ]  # fmt: skip
    print_table(columns, told, title=words("backtest.examples"), right=(2,), whole=(0, 1))


def percent(share: Share) -> str:
    """A share with its interval: `42.0% (38.1–46.0)`."""
    if share.value is None or share.low is None or share.high is None:
        return MISSING
    digits = 2 if share.high < 0.01 else 1
    low, high = f"{share.low * 100:.{digits}f}", f"{share.high * 100:.{digits}f}"
    return f"{share.value * 100:.{digits}f}% ({low}–{high})"


def interval(total: Sum, base: str) -> str:
    """The interval of a sum of money."""
    if total.low is None or total.high is None:
        return MISSING
    return f"{shown_amount(total.low, base)} – {shown_amount(total.high, base)}"
