"""Oscar's shipping under its own label, with this shop's methods."""

from oscar.apps.shipping import apps


class ShippingConfig(apps.ShippingConfig):
    """Oscar looks for `repository.Repository` here first."""

    name = "shop.shipping"
