"""Settings: API keys."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.api_keys import SCOPES, USUAL_SCOPES, KeyRefused, NoSuchKey
from kanhe.core.decision import Text
from kanhe.core.time import DAY_MS
from kanhe.serve.console.frame import form, go, not_found, page, refused, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words
from kanhe.serve.console.pages.doorway import to_confirm

HERE = "/settings/keys"
_NEW = "outgoing/key_new.html"
_MEANING = {
    "decide": Text("have events judged", "判定事件"),
    "record": Text("send events without a decision", "写入事件（不判定）"),
    "read": Text("read decisions, receipts and the log", "读取判定、回执和存证日志"),
    "evidence": Text(
        "with “read”: receipts that open the event", "与 read 配合：可展开事件内容的回执"
    ),
    "lists": Text("show and change list entries", "查看、维护名单"),
    "metrics": Text("read the metrics", "读取监控指标"),
    "policy:read": Text("see policy packs", "查看策略包"),
}
_DAYS = (0, 30, 90, 365)
_MOST_RATE = 1_000_000


def show(request: Request) -> Response:
    """All keys that this person sees."""
    actor = visitor(request).actor
    now = services(request).clock()
    keys = [
        (key, "revoked" if key.revoked_ms else "valid" if key.valid_at(now) else "expired")
        for key in services(request).outgoing.keys.all(actor)
    ]
    return render(request, "outgoing/keys.html", keys=keys, platform=not actor.tenant)


def show_new(request: Request) -> Response:
    """The form for a new one."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, HERE + "/new")
    return render(request, _NEW, **_context(request, FormData()), problems=None)


def add(request: Request) -> Response:
    """Make a key, and show its token this once."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, HERE + "/new")
    sent = form(request)
    rate, days = _whole(sent, "rate"), _whole(sent, "days")
    if rate is None or rate > _MOST_RATE:
        problem = _("A whole number up to %(most)s, or nothing.") % {"most": f"{_MOST_RATE:,}"}
        return _again(request, sent, {"rate": problem})
    now = services(request).clock()
    expires_ms = now + days * DAY_MS if days in _DAYS and days else 0
    name = _text(sent, "name")
    try:
        token = services(request).outgoing.keys.add(
            visitor(request).actor, _text(sent, "tenant") or "default", name,
            [str(one) for one in sent.getlist("scope")], visitor(request).permissions, rate_per_s=rate, expires_ms=expires_ms,
        )  # fmt: skip
    except KeyRefused as error:
        return _again(request, sent, {error.field: in_words(error.told)})
    return render(request, "outgoing/key_token.html", token=token, name=name)


def revoke(request: Request) -> Response:
    """Revoke a key."""
    try:
        found = services(request).outgoing.keys.revoke(
            visitor(request).actor, request.path_params["key"]
        )
    except NoSuchKey:
        raise not_found() from None
    return go(request, HERE, _("%(name)s is revoked.") % {"name": found.name})


def _again(request: Request, sent: FormData, problems: dict[str, str]) -> Response:
    return refused(request, _NEW, problems, **_context(request, sent))


def _context(request: Request, sent: FormData) -> dict[str, Any]:
    return {
        "platform": not visitor(request).actor.tenant,
        "scopes": [(name, in_words(_MEANING[name])) for name in SCOPES],
        "chosen": [str(one) for one in sent.getlist("scope")] if sent else USUAL_SCOPES,
        "days": [
            (str(n), _("no end") if not n else _("%(days)s days") % {"days": n}) for n in _DAYS
        ],
        "sent": sent,
    }


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _whole(sent: FormData, name: str) -> int | None:
    """A whole number, 0 for nothing, `None` for anything else."""
    text = _text(sent, name)
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


ROUTES = (
    page(HERE, show, "settings.read", name="api_keys"),
    page(HERE + "/new", show_new, "keys.manage", name="new_api_key"),
    page(HERE, add, "keys.manage", methods=("POST",), name="add_api_key"),
    page(HERE + "/{key}/revoke", revoke, "keys.manage", methods=("POST",), name="revoke_api_key"),
)
