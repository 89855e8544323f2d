"""Which case comes first: the one by which most is likely to be lost.

The priority of a case is an amount of money, in minor units of the base currency: what its alerts are
expected to lose, and an allowance for what money does not say (how severe it is, that somebody
complained). So it can be explained in one line, and two cases compared by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

ALLOWANCE_MINOR: Mapping[str, int] = {
    "low": 0,
    "medium": 2_000,
    "high": 10_000,
    "critical": 50_000,
}
"""What a severity is worth beside the money, in minor units of the base currency."""
COMPLAINT_MINOR = 5_000
"""What it is worth that somebody complained and waits."""
LOSS_MAX_MINOR = 10**15
"""An expected loss, and a priority, is never above this."""
_LEAST_PERMILLE: Mapping[str, int] = {"allow": 20, "challenge": 100, "review": 300, "deny": 500}
"""How likely the loss is at least, by what the rules decided: a rule that refuses by name has no points."""
_MOST_PERMILLE = 950


class Expectation(msgspec.Struct, frozen=True):
    """How a score is read as a probability."""

    even_score: int = 100
    """The score from which on it is as likely as not; the pack's own threshold for refusing."""


class Priority(msgspec.Struct, frozen=True):
    """A priority and what it is the sum of."""

    loss_minor: int
    severity_minor: int
    complaint_minor: int

    @property
    def total_minor(self) -> int:
        """The number by which cases are put in order."""
        return min(self.loss_minor + self.severity_minor + self.complaint_minor, LOSS_MAX_MINOR)


def probability_permille(score: int, outcome: str, expectation: Expectation) -> int:
    """How likely a loss is, in thousandths: `s / (s + even)`, half at the threshold for refusing.

    It rises with the score and never reaches certainty. It is an order, not a measured rate: until
    labels say otherwise, one curve is as good as another that rises.
    """
    held = max(score, 0)
    share = 1000 * held // (held + max(expectation.even_score, 1))
    return min(max(share, _LEAST_PERMILLE.get(outcome, 0)), _MOST_PERMILLE)


def expected_loss(base_minor: int, score: int, outcome: str, expectation: Expectation) -> int:
    """The amount at stake times the probability that it is lost, in minor units of the base."""
    amount = min(max(base_minor, 0), LOSS_MAX_MINOR)
    return amount * probability_permille(score, outcome, expectation) // 1000


def priority_of(losses_minor: int, severity: str, complained: bool) -> Priority:
    """The priority of a case whose alerts are expected to lose this much together."""
    return Priority(
        min(max(losses_minor, 0), LOSS_MAX_MINOR),
        ALLOWANCE_MINOR[severity],
        COMPLAINT_MINOR if complained else 0,
    )
