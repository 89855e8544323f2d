"""The built-in event types: the whole journey of a trade, from sign-up to what turned out true.

The types are written down by theme (`shopping`, `payments`, `confirming`, `delivery`, `oversight`) and their fields
once for all of them (`vocabulary`). They pass through the same door as a shop's own (`registry`).
"""

from __future__ import annotations

from kanhe.judge.intake.confirming import CONFIRMING
from kanhe.judge.intake.declarations import EventType, FieldSpec
from kanhe.judge.intake.delivery import DELIVERY
from kanhe.judge.intake.oversight import OVERSIGHT
from kanhe.judge.intake.payments import PAYMENTS
from kanhe.judge.intake.shopping import SHOPPING
from kanhe.judge.intake.vocabulary import VOCABULARY

FIELDS: tuple[FieldSpec, ...] = VOCABULARY
TYPES: tuple[EventType, ...] = (*SHOPPING, *PAYMENTS, *CONFIRMING, *DELIVERY, *OVERSIGHT)
