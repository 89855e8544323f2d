"""`kanhe policy tune`: thresholds by what mistakes cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from kanhe.core.currencies import EXPONENT
from kanhe.core.errors import SettingsError
from kanhe.core.money import AMOUNT_MAX_MINOR
from kanhe.core.settings import Settings
from kanhe.judge.rules.reasons import shown_amount
from kanhe.learn.tuning import Costs, Tuning, tune
from kanhe.learn.tuning.choosing import LEAST_DAYS, LEAST_FRAUD, Month, Part
from kanhe.serve.cli.evidence import AskedPast, gather, show_account
from kanhe.serve.cli.terminal import (
    OK,
    REFUSED,
    complain,
    print_json,
    print_table,
    say,
    shown_time,
)
from kanhe.serve.cli.wording import words

_AMOUNT = "amount"


class AskedCosts(NamedTuple):
    """The options, as they were given; money as text in the pack's base currency."""

    loss_per_fraud: str
    review_cost: str
    refusal_loss: str
    reviews_per_day: int | None
    challenge_stops: float
    challenge_loses: float
    later_share: float


def propose(settings: Settings, past: AskedPast, asked: AskedCosts, as_json: bool) -> int:
    """Propose and report. Returns 1 if there are not enough labels for a proposal."""
    evidence = gather(settings, past, lambda pack: _costs(asked, pack.rates.base))
    if evidence.judged is None:
        return complain(words("backtest.nothing", folder=settings.data_dir), REFUSED)
    costs = _costs(asked, evidence.judged.pack.rates.base)
    found = tune(evidence.judged, costs, evidence.assumed, later_share=asked.later_share)
    if as_json:
        content = {"tuning": found, "files": evidence.account}
        print_json({name: part for name, part in content.items() if part is not None})
    else:
        say(words("tune.title", name=found.name, version=found.version) + f"  {found.policy}")
        if evidence.account is not None:
            show_account(evidence.account)
        _show(found)
    return OK if found.proposed else REFUSED


def _costs(asked: AskedCosts, base: str) -> Costs:
    """The costs in minor units; raises `SettingsError` for what is no money or no share."""
    for option, share in (
        ("--challenge-stops", asked.challenge_stops),
        ("--challenge-loses", asked.challenge_loses),
    ):
        if not 0 <= share <= 1:
            raise SettingsError(f"{option} is a share from 0 to 1, not {share}")
    if not 0.1 <= asked.later_share <= 0.9:
        raise SettingsError(f"--later-share is a share from 0.1 to 0.9, not {asked.later_share}")
    return Costs(
        review_minor=_minor("--review-cost", asked.review_cost, base),
        refusal_minor=_minor("--refusal-loss", asked.refusal_loss, base),
        fraud_minor=(
            None
            if asked.loss_per_fraud == _AMOUNT
            else _minor("--loss-per-fraud", asked.loss_per_fraud, base)
        ),
        reviews_per_day=asked.reviews_per_day,
        challenge_stops=asked.challenge_stops,
        challenge_loses=asked.challenge_loses,
    )


def _minor(option: str, text: str, base: str) -> int:
    """Money as people write it, in minor units."""
    digits, minor = EXPONENT[base], Decimal(0)
    try:
        minor = Decimal(text).scaleb(digits)
        whole = int(minor) if minor.is_finite() and abs(minor) <= AMOUNT_MAX_MINOR else None
    except ArithmeticError:
        whole = None
    if whole is None or whole != minor or whole < 0:
        raise SettingsError(
            f"{option} {text[:40]!r} is no amount of {base}: write a number with at most {digits}"
            " decimal places"
        )
    return whole


def _show(found: Tuning) -> None:
    """For people: on which days, at what cost, how sure, and what to write into the pack."""
    earlier, later = found.earlier, found.later
    if found.lacking:
        say(words("tune.not_enough"))
        for line in _lacking(found):
            say(f"  - {line}")
        return
    assert earlier is not None and later is not None
    say(
        words(
            "tune.parts", days=earlier.days, first=_day(earlier), fraud=earlier.fraud,
            honest=earlier.honest, later_days=later.days, later=_day(later),
            later_fraud=later.fraud, later_honest=later.honest, tried=found.tried,
        )
    )  # fmt: skip
    if found.amountless:
        say(words("tune.amountless", count=found.amountless))
    _show_costs(found, later)
    saving, spread = found.saving, found.spread
    assert saving is not None and spread is not None and found.likely is not None
    if found.verdict != "same":
        say(
            words(
                "tune.saving", money=shown_amount(saving.minor, found.base),
                low=shown_amount(saving.low, found.base), high=shown_amount(saving.high, found.base),
                likely=found.likely,
            )
        )  # fmt: skip
    say(words(f"tune.{found.verdict}"))
    low, high = spread.low, spread.high
    say(
        words(
            "tune.spread", c_low=low.challenge, c_high=high.challenge, r_low=low.review,
            r_high=high.review, d_low=low.deny, d_high=high.deny,
        )
    )  # fmt: skip
    if found.verdict != "same":
        say(f"\n{words('tune.snippet')}\n\n{found.snippet}")


def _show_costs(found: Tuning, later: Part) -> None:
    present, proposed = found.cost_present, found.cost_proposed
    assert present is not None and proposed is not None and found.proposed is not None
    months = present, proposed
    rows: list[tuple[object, ...]] = [
        (words(f"tune.row.{name}"), getattr(found.present, name), getattr(found.proposed, name))
        for name in ("challenge", "review", "deny")
    ]
    for name in ("fraud", "reviews", "refusals", "challenges"):
        costs = [shown_amount(getattr(month, f"{name}_minor"), found.base) for month in months]
        rows.append((words(f"tune.row.{name}"), *costs))
    rows.append(
        (words("tune.row.total"), *(shown_amount(m.total.minor, found.base) for m in months))
    )
    rows.append((words("tune.row.interval"), *(_range(month, found.base) for month in months)))
    rows.append((words("tune.row.per_day"), *(f"{month.reviews_per_day:,.1f}" for month in months)))
    if found.costs.reviews_per_day is not None:
        over = words("tune.row.over", days=later.days)
        rows.append((over, *(month.days_over for month in months)))
    columns = [words(f"col.{c}") for c in ("what", "present", "proposed")]
    print_table(columns, rows, title=words("tune.table"), right=(1, 2))


def _range(month: Month, base: str) -> str:
    return f"{shown_amount(month.total.low, base)} – {shown_amount(month.total.high, base)}"


def _day(part: Part) -> str:
    return shown_time(part.first_ms)[:10]


def _lacking(found: Tuning) -> Iterator[str]:
    earlier, later = found.earlier, found.later
    for name in found.lacking:
        yield words(
            f"tune.lacking.{name}", days=LEAST_DAYS, least=LEAST_FRAUD,
            fraud=earlier.fraud if earlier else 0, later_fraud=later.fraud if later else 0,
            honest=earlier.honest if earlier else 0, later_honest=later.honest if later else 0,
        )  # fmt: skip
