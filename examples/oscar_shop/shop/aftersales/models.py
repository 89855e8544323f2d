"""Money that buyers ask back."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RefundRequest(models.Model):
    """One wish to get money back, and what became of it."""

    REASONS = (
        ("not_received", _("It never arrived")),
        ("damaged", _("It arrived damaged")),
        ("wrong_item", _("It is not what I ordered")),
        ("not_as_described", _("It is not as described")),
        ("changed_mind", _("I have changed my mind")),
    )
    STATES = (
        ("asked", _("being looked at")),
        ("held", _("being looked at by a person")),
        ("paid", _("paid back")),
        ("refused", _("not accepted")),
    )
    order = models.ForeignKey("order.Order", models.CASCADE, related_name="refund_requests")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    reason = models.CharField(_("Why"), max_length=32, choices=REASONS)
    note = models.TextField(_("In your words"), blank=True, max_length=2000)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    state = models.CharField(max_length=16, choices=STATES, default="asked")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One for an order: what is left of it is settled by people."""

        constraints = (models.UniqueConstraint(fields=["order"], name="one_refund_per_order"),)

    def __str__(self):
        return f"{self.order.number}: {self.state}"
