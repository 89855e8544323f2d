"""The app as Django knows it."""

from django.apps import AppConfig


class AftersalesConfig(AppConfig):
    """Listens to what becomes of held orders and cases."""

    name = "shop.aftersales"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen."""
        from kanhe.connect.oscar import holding
        from shop.aftersales import money

        holding.order_released.connect(money.capture, dispatch_uid="capture")
        holding.order_refused.connect(money.let_go, dispatch_uid="let-go")
        holding.payment_orphaned.connect(money.let_go_of_all, dispatch_uid="orphaned")
        holding.case_resolved.connect(money.case_resolved, dispatch_uid="refunds")
