"""What buyers are told: kindly, and nothing of the rules. Chinese stands in `locale/`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NOT_NOW = _(
    "We could not sign you in just now. Please try again later, or write to us and we will help you."
)
NOT_ACCEPTED = _(
    "We are sorry, this payment could not be accepted. Nothing was charged and your basket is still"
    " here. Please try again later, pay in another way, or write to us."
)
NOT_CONFIRMED = _(
    "The payment was not confirmed. Nothing was charged and your basket is still here."
)
CHANGED = _(
    "Your basket or your card has changed since you began to confirm, so please confirm once more."
)
WRONG_CODE = _("That was not right. Please try again.")
WAIT = _("That was tried too often. Please wait a little and try again.")
STILL_PAYING = _(
    "This payment is being made in another window. Please wait a moment, then look again."
)
UNREACHABLE = _("We cannot check your answer just now. Please try again in a moment.")
SENT = _("We have sent you a code.")
NOT_SENT = _("We could not send a code just now. Please wait half a minute and try again.")
FACTOR_ADDED = _(
    "It was added. For your protection a first one confirms payments only after a few days."
)
FACTOR_REMOVED = _("It was removed.")
PAGE_FACTORS = _("Second factors")
