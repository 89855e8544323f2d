"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KanheOscarConfig(AppConfig):
    """`INSTALLED_APPS = ["kanhe.connect.oscar", …]`, before oscar's own apps."""

    name = "kanhe.connect.oscar"
    label = "kanhe_oscar"
    verbose_name = _("Kanhe")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to signals, and have `manage.py check` look at the setting."""
        from kanhe.connect.oscar import checks, receivers

        checks.register()
        receivers.connect()
