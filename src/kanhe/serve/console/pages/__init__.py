"""The pages of the console, one module per area. Each has `ROUTES`, made by `frame.page`."""

from __future__ import annotations

from starlette.routing import BaseRoute

from kanhe.serve.console.pages import (
    account,
    analytics,
    api_keys,
    audit,
    cases,
    decisions,
    drafts,
    entities,
    first,
    home,
    lists,
    live,
    outgoing,
    packs,
    queue,
    reveal,
    rules,
    search,
    sign_in,
    staff,
    webhooks,
)

ROUTES: tuple[BaseRoute, ...] = (
    *home.ROUTES,
    *queue.ROUTES,
    *cases.ROUTES,
    *sign_in.ROUTES,
    *first.ROUTES,
    *account.ROUTES,
    *staff.ROUTES,
    *reveal.ROUTES,
    *rules.ROUTES,
    *packs.ROUTES,
    *drafts.ROUTES,
    *lists.ROUTES,
    *analytics.ROUTES,
    *audit.ROUTES,
    *decisions.ROUTES,
    *entities.ROUTES,
    *live.ROUTES,
    *search.ROUTES,
    *api_keys.ROUTES,
    *webhooks.ROUTES,
    *outgoing.ROUTES,
)
