"""How parcels travel."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from oscar.apps.shipping import methods, repository
from oscar.core import prices


class Standard(methods.FixedPrice):
    """Three to five days, free above fifty euros."""

    code = "standard"
    name = _("Standard delivery")
    description = _("Three to five days; free from €50.")
    charge_excl_tax = charge_incl_tax = Decimal("4.90")

    def calculate(self, basket):
        """What it costs for this basket."""
        if basket.total_incl_tax >= 50:
            return prices.Price(basket.currency, Decimal(0), incl_tax=Decimal(0))
        return super().calculate(basket)


class Express(methods.FixedPrice):
    """Tomorrow."""

    code = "express"
    name = _("Express delivery")
    description = _("Tomorrow before noon.")
    charge_excl_tax = charge_incl_tax = Decimal("12.00")


class Repository(repository.Repository):
    """Both, for everybody."""

    methods = (Standard(), Express())
