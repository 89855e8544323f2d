"""What the shop keeps about its dealings with Kanhe, beside oscar's own tables."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

OPEN, HELD, RELEASED, REFUSED = "open", "held", "released", "refused"
STATES = (
    (OPEN, _("not paid")),
    (HELD, _("held for review")),
    (RELEASED, _("released")),
    (REFUSED, _("refused")),
)
"""How far an order is."""


class GuardedOrder(models.Model):
    """One basket on its way through payment, and what became of its order.

    It holds together what arrives apart: `order_placed` carries no request, the desk's webhook knows
    ids of events only, and two requests may submit the same basket at once.
    """

    basket_id = models.BigIntegerField(unique=True)
    order_number = models.CharField(max_length=128, db_index=True)
    attempt = models.PositiveIntegerField(default=0)
    """How many payments were attempted for it."""
    payment_event = models.CharField(max_length=128, blank=True)
    """The attempt that was paid, or the last one."""
    paid_at_ms = models.BigIntegerField(default=0)
    attempted = models.JSONField(default=dict)
    """What the last attempt was asked about with, to be asked again word for word."""
    decision = models.CharField(max_length=128, blank=True)
    holds = models.JSONField(default=list)
    """Ids of the events because of which it is held: each has to be cleared."""
    without_answer = models.BooleanField(default=False)
    """It is held because nobody could be asked, so that no case will ever release it."""
    confirmed = models.BooleanField(default=False)
    """A second factor was shown for this very payment."""
    verdict = models.CharField(max_length=16, blank=True)
    """What the desk said before the order was there."""
    card = models.CharField(max_length=128, blank=True)
    visit = models.JSONField(default=dict)
    session = models.CharField(max_length=64, blank=True, db_index=True)
    claimed_until_ms = models.BigIntegerField(default=0)
    """A request is paying for it until then; another one waits."""
    state = models.CharField(max_length=16, choices=STATES, default=OPEN)
    settled = models.BooleanField(default=False)
    """The shop's own receivers have acted on the state: captured or let go of the money."""
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        """How Django calls it."""

        verbose_name = _("guarded order")
        verbose_name_plural = _("guarded orders")
        indexes = (models.Index(fields=["state", "settled"], name="kanhe_oscar_state"),)

    def __str__(self) -> str:
        return f"{self.order_number} ({self.state})"


class UnprovenDevice(models.Model):
    """A device that knew an account's password and was asked for more. Until it has shown a second factor,
    waiting makes it no more trusted; and while there is such a device, no other one is let in unasked
    that has not shown one either: a thief can forget a cookie."""

    user = models.CharField(max_length=128)
    device = models.CharField(max_length=128)
    proven = models.BooleanField(default=False)
    """It has shown one since."""
    since = models.DateTimeField(auto_now=True)

    class Meta:
        """A device is noted once for an account."""

        verbose_name = _("unproven device")
        verbose_name_plural = _("unproven devices")
        constraints = (
            models.UniqueConstraint(fields=["user", "device"], name="kanhe_oscar_unproven"),
        )

    def __str__(self) -> str:
        return f"{self.device} of {self.user}"


class AccountChange(models.Model):
    """What could let a thief confirm in the owner's place, and when it last changed: the address that
    codes go to, or the first second factor of an account."""

    EMAIL, FACTOR = "email", "factor"

    user = models.CharField(max_length=128)
    what = models.CharField(max_length=16)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        """The last change of each kind."""

        verbose_name = _("account change")
        verbose_name_plural = _("account changes")
        constraints = (
            models.UniqueConstraint(fields=["user", "what"], name="kanhe_oscar_account_change"),
        )

    def __str__(self) -> str:
        return f"{self.what} of {self.user}"
