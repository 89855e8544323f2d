"""What `manage.py check` says when something would silently not work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from kanhe.connect.oscar.configuration import configuration

_MIDDLEWARE = "kanhe.connect.oscar.middleware.KanheMiddleware"
_BEFORE = (
    "kanhe.connect.django.DeviceMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)


def register() -> None:
    """Have Django run it."""
    checks.register(look)
    checks.register(look_at_deployment, deploy=True)


def look(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """The setting, the order of the middleware, the gate at the login, the status of held orders."""
    try:
        chosen = configuration()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="kanhe.E001")]
    found: list[checks.CheckMessage] = []
    order = list(settings.MIDDLEWARE)
    if _MIDDLEWARE not in order:
        found.append(checks.Error(f"MIDDLEWARE lacks {_MIDDLEWARE}", id="kanhe.E002"))
    elif _BEFORE[0] not in order:
        found.append(checks.Error(f"MIDDLEWARE lacks {_BEFORE[0]}", id="kanhe.E007"))
    elif late := [one for one in _BEFORE if one in order[order.index(_MIDDLEWARE) :]]:
        found.append(checks.Error(f"{_MIDDLEWARE} has to stand after {late[0]}", id="kanhe.E003"))
    if not any(_is_gated(one) for one in settings.AUTHENTICATION_BACKENDS):
        found.append(
            checks.Error(
                "no backend is gated: use kanhe.connect.oscar.login.KanheBackend", id="kanhe.E004"
            )
        )
    elif bare := [one for one in settings.AUTHENTICATION_BACKENDS if not _is_gated(one)]:
        found.append(checks.Warning(f"{bare[0]} lets people in past the gate", id="kanhe.W001"))
    pipeline = getattr(settings, "OSCAR_ORDER_STATUS_PIPELINE", {})
    held = pipeline.get(chosen.held_status, ())
    for status in (chosen.released_status, chosen.refused_status):
        if status not in held:
            found.append(
                checks.Error(
                    f"OSCAR_ORDER_STATUS_PIPELINE has no way from {chosen.held_status!r} to {status!r}",
                    id="kanhe.E005",
                )
            )
    if chosen.held_status not in pipeline.get(chosen.released_status, ()):
        found.append(
            checks.Error(
                "OSCAR_ORDER_STATUS_PIPELINE has no way from "
                f"{chosen.released_status!r} to {chosen.held_status!r}",
                id="kanhe.E006",
            )
        )
    return found


def look_at_deployment(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """What is a question for whoever runs the shop: `manage.py check --deploy`."""
    chosen = configuration()
    found: list[checks.CheckMessage] = []
    if not chosen.prefix:
        told = (
            'KANHE["prefix"] is empty: right for one shop in a tenant. Where several share one, each needs'
            " its own, or a case about an order of one releases that of another"
        )
        found.append(checks.Info(told, id="kanhe.I001"))
    if not chosen.webhook_secrets:
        told = 'KANHE["webhook_secrets"] is empty: the desk cannot release what is held'
        found.append(checks.Warning(told, id="kanhe.W002"))
    return found


def _is_gated(path: str) -> bool:
    from django.utils.module_loading import import_string

    from kanhe.connect.oscar.login import GatedBackend

    return issubclass(import_string(path), GatedBackend)
