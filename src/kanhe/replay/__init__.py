"""The path of an event, over old events.

- `audit`: under the policy of their time; every decision must come out with the same bytes.
- `backtest`: under another policy; what would have been decided otherwise, with money.
- `span`: which part of the journal is asked about.
- `history`: what both read: rows in groups, packs of their time, what stands where.

Nothing here prints, writes, or asks for the time. The journal is only read.
"""

from kanhe.replay.audit import Audit, Difference, FeatureDifference, PackAudit, audit
from kanhe.replay.backtest import Change, Comparison, RuleChange, Tally, backtest, compare
from kanhe.replay.history import History, Progress
from kanhe.replay.span import Span, SpanError, day_begin_of, day_end_of, span_of

__all__ = [
    "Audit", "Change", "Comparison", "Difference", "FeatureDifference", "History", "PackAudit",
    "Progress", "RuleChange", "Span", "SpanError", "Tally", "audit", "backtest", "compare",
    "day_begin_of", "day_end_of", "span_of",
]  # fmt: skip
