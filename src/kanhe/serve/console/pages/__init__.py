"""The pages of the console, one module per area. Each has `ROUTES`, made by `frame.page`."""

from __future__ import annotations

from starlette.routing import BaseRoute

from kanhe.serve.console.pages import home

ROUTES: tuple[BaseRoute, ...] = (*home.ROUTES,)
