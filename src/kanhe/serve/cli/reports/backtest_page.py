"""The page of a backtest."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kanhe.judge.rules.reasons import MISSING, shown_amount
from kanhe.judge.verdict.decide import SCORE_MAX
from kanhe.learn.backtest import Report
from kanhe.learn.backtest.figures import Day, Reached
from kanhe.learn.backtest.overall import BAND
from kanhe.learn.intervals import Share, Sum
from kanhe.serve.cli.backtesting import percent, told_about
from kanhe.serve.cli.reports.plots import Plot, Rows, columns, marked, two_sided
from kanhe.serve.cli.terminal import shown_time
from kanhe.serve.cli.wording import chinese, either, words

_MOST_BARS = 92
_MOST_RULES = 200
_RULES_PLOTTED = 15
_REVIEW = 1
"""The place of "denied or held" in `Result.reached` and `Report.hits`."""


class Tile(NamedTuple):
    """One figure of the headline."""

    value: str
    label: str
    range: str
    tone: str


def backtest_page(report: Report) -> str:
    """The whole page, in the language in use."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = lambda minor: shown_amount(minor, report.base)
    environment.filters["percent"] = _percent
    environment.filters["moment"] = shown_time
    environment.filters["interval"] = lambda total: _range_of(total, report.base)
    environment.filters["text"] = lambda text: either(text.en, text.zh)
    environment.globals.update(words=words, missing=MISSING)
    ranked = sorted(report.rules, key=lambda r: (-r.decisive, -r.events, r.rule))
    return environment.get_template("backtest.html").render(
        lang="zh-CN" if chinese() else "en",
        report=report,
        told=list(told_about(report)),
        warned=bool(report.notes),
        tiles=_tiles(report),
        days=_days_plot(report),
        days_title=_days_title(report),
        scores=_scores_plot(report),
        rules_plot=_rules_plot(report),
        rules=ranked[:_MOST_RULES],
        rules_count=len(ranked),
        money=("fraud", "saved", "missed", "refused", "held", "challenged"),
    )


def _tiles(report: Report) -> list[Tile]:
    """The six figures that people ask for first."""
    if not report.truth.measured:
        return []
    stops: Reached = report.now.reached[_REVIEW]
    money, hit = report.now.money, report.hits[_REVIEW]
    return [
        _share_tile(stops.precision, "precision", "plain"),
        _share_tile(stops.recall, "recall", "good"),
        Tile(shown_amount(money.saved.minor, report.base), words("page.saved"),
             _told_range(_range_of(money.saved, report.base)), "good"),
        Tile(shown_amount(money.refused.minor, report.base), words("page.refused"),
             _told_range(_range_of(money.refused, report.base)), "bad"),
        Tile(f"{report.alerts.mean:,.1f}", words("page.alerts"),
             words("page.busiest", count=report.alerts.busiest), "plain"),
        _share_tile(hit.buyers, "hit", "bad"),
    ]  # fmt: skip


def _share_tile(share: Share, key: str, tone: str) -> Tile:
    value, bounds = _percent(share)
    low, _, high = bounds.partition("–")
    told = _told_range((f"{low}%", f"{high}%") if bounds else None)
    return Tile(value, words(f"page.{key}"), told, tone)


def _percent(share: Share) -> tuple[str, str]:
    """A share and its interval, which is empty where there is none."""
    value, _, bounds = percent(share).partition(" ")
    return value, bounds.strip("()")


def _told_range(bounds: tuple[str, str] | None) -> str:
    return words("page.interval", low=bounds[0], high=bounds[1]) if bounds else ""


def _range_of(total: Sum, base: str) -> tuple[str, str] | None:
    if total.low is None or total.high is None:
        return None
    return shown_amount(total.low, base), shown_amount(total.high, base)


def _binned(days: tuple[Day, ...]) -> int:
    """How many days one bar stands for."""
    return -(-len(days) // _MOST_BARS)


def _days_title(report: Report) -> str:
    binned = _binned(report.days)
    return words("page.days_binned", days=binned) if binned > 1 else words("page.days")


def _days_plot(report: Report) -> Plot | None:
    """Alerts a day; where there are many days, the mean of several."""
    days, binned = report.days, _binned(report.days)
    if not days:
        return None
    parts = [days[n : n + binned] for n in range(0, len(days), binned)]
    means = [[sum(day.alerts for day in part) / len(part)] for part in parts]
    every = -(-len(parts) // 8)
    return columns(
        means, ("alert",),
        [[f"{part[0].day}: {mean:,.1f}"] for part, (mean,) in zip(parts, means, strict=True)],
        [(n, part[0].day) for n, part in enumerate(parts) if n % every == 0 and n + every / 2 <= len(parts)],
    )  # fmt: skip


def _scores_plot(report: Report) -> Plot | None:
    """How scores of fraud and of honest events lie, each as a share of its own kind."""
    fraud = sum(band.fraud for band in report.bands)
    honest = sum(band.honest for band in report.bands)
    if not fraud and not honest:
        return None
    used = [n for n, band in enumerate(report.bands) if band.fraud or band.honest]
    marks = report.marks
    # As far as there is anything to see, the thresholds included.
    last = min(max(used[-1], marks.deny // BAND) + 2, SCORE_MAX // BAND + 1)
    bands = report.bands[:last]
    groups = [[b.fraud / max(1, fraud), b.honest / max(1, honest)] for b in bands]
    titles = [
        [f"{b.low}–{b.low + BAND - 1}: {count:,}" for count in (b.fraud, b.honest)] for b in bands
    ]
    every = max(1, -(-len(bands) // 8))
    plot = columns(
        groups, ("fraud", "honest"), titles,
        [(n, f"{b.low}") for n, b in enumerate(bands) if n % every == 0], logarithmic=True,
    )  # fmt: skip
    return marked(plot, [
        (mark / (len(bands) * BAND), words(f"outcome.{name}"))
        for name, mark in (("challenge", marks.challenge), ("review", marks.review), ("deny", marks.deny))
        if mark < len(bands) * BAND
    ])  # fmt: skip


def _rules_plot(report: Report) -> Rows | None:
    """What the weightiest rules save and refuse by themselves."""
    weighty = [rule for rule in report.rules if rule.saved.minor or rule.refused.minor]
    weighty.sort(key=lambda rule: (-max(rule.saved.minor, rule.refused.minor), rule.rule))
    if not weighty:
        return None
    return two_sided([
        (rule.rule, rule.refused.minor, shown_amount(rule.refused.minor, report.base),
         rule.saved.minor, shown_amount(rule.saved.minor, report.base))
        for rule in weighty[:_RULES_PLOTTED]
    ])  # fmt: skip
