"""Thresholds by what mistakes cost: the verdict table that would have been cheapest, checked on days that
had no say in it.

- `costs`: what mistakes cost, day by day, for many tables at once.
- `choosing`: which table to propose, and how sure that is.
"""

from __future__ import annotations

from kanhe.learn.tuning.choosing import Tuning, tune
from kanhe.learn.tuning.costs import Costs, Thresholds

__all__ = ["Costs", "Thresholds", "Tuning", "tune"]
