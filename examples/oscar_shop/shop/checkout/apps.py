"""Oscar's checkout under its own label, with this shop's payment step."""

from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):
    """Oscar looks for `views.PaymentDetailsView` here first."""

    name = "shop.checkout"
