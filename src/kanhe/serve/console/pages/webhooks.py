"""Settings: webhooks, and what was sent to each."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.webhooks import NoSuchWebhook, WebhookError
from kanhe.core.time import DAY_MS, HOUR_MS
from kanhe.protect.outbound.destination import DestinationError
from kanhe.protect.outbound.signature import Kind, fingerprint
from kanhe.protect.outbound.topics import TOPICS
from kanhe.serve.console.frame import form, go, not_found, page, refused, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words, ngettext
from kanhe.serve.console.pages.doorway import to_confirm

HERE = "/settings/webhooks"
_NEW = "outgoing/webhook_new.html"
_ONE = "outgoing/webhook.html"
_PAGE = 50
_SPANS = {"hour": HOUR_MS, "day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS}
_STATES = ("waiting", "delivered", "given_up")


def show_all(request: Request) -> Response:
    """All that this person sees."""
    person = visitor(request)
    webhooks = services(request).outgoing.webhooks
    rows = [(one, webhooks.counts(person.actor, one.id)) for one in webhooks.all(person.actor)]
    return render(request, "outgoing/webhooks.html", rows=rows, platform=not person.actor.tenant)


def show_new(request: Request) -> Response:
    """The form for a new one."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, HERE + "/new")
    return render(request, _NEW, **_new_context(request), sent=FormData(), problems=None)


def add(request: Request) -> Response:
    """Make one, and show its secret this once."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, HERE + "/new")
    sent = form(request)
    kind: Kind = "v1a" if sent.get("kind") == "v1a" else "v1"
    try:
        made, secret = services(request).outgoing.webhooks.add(
            visitor(request).actor, _text(sent, "url"), _topics(sent), note=_text(sent, "note"),
            kind=kind,
        )  # fmt: skip
    except (WebhookError, DestinationError) as error:
        return refused(request, _NEW, _problem(error), **_new_context(request), sent=sent)
    return render(request, "outgoing/webhook_secret.html", webhook=made, secret=secret, fresh=True)


def show(request: Request) -> Response:
    """One, with its messages."""
    return _shown(request)


def change(request: Request) -> Response:
    """Have it go elsewhere, or hear of other topics."""
    sent = form(request)
    id = request.path_params["webhook"]
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, f"{HERE}/{id}")
    try:
        services(request).outgoing.webhooks.change(
            visitor(request).actor, id, _text(sent, "url"), _topics(sent), _text(sent, "note")
        )
    except NoSuchWebhook:
        raise not_found() from None
    except (WebhookError, DestinationError) as error:
        return _shown(request, _problem(error), sent)
    return go(request, f"{HERE}/{id}", _("Saved."))


def rotate(request: Request) -> Response:
    """Make a new secret, and show it this once."""
    webhooks, actor = services(request).outgoing.webhooks, visitor(request).actor
    id = request.path_params["webhook"]
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, f"{HERE}/{id}")
    try:
        secret = webhooks.rotate(actor, id)
        found = webhooks.one(actor, id)
    except NoSuchWebhook:
        raise not_found() from None
    return render(
        request, "outgoing/webhook_secret.html", webhook=found, secret=secret, fresh=False
    )


def act(request: Request) -> Response:
    """Switch it on or off, send a test, remove it."""
    webhooks, actor = services(request).outgoing.webhooks, visitor(request).actor
    id, what = request.path_params["webhook"], request.path_params["what"]
    try:
        if what in ("on", "off"):
            webhooks.switch(actor, id, on=what == "on")
            told = _("It is on.") if what == "on" else _("It is off.")
        elif what == "remove":
            webhooks.remove(actor, id)
            return go(request, HERE, _("Removed."))
        elif what == "test":
            number = webhooks.test(actor, id)
            services(request).loops.nudge("webhooks")
            return go(request, f"{HERE}/{id}/messages/{number}", _("A test message is on its way."))
        else:
            raise not_found()
    except NoSuchWebhook:
        raise not_found() from None
    services(request).loops.nudge("webhooks")
    return go(request, f"{HERE}/{id}", told)


def replay(request: Request) -> Response:
    """Send all messages of the last hour, day, week or month once more."""
    id = request.path_params["webhook"]
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, f"{HERE}/{id}")
    now = services(request).clock()
    span = _SPANS.get(_text(form(request), "span"), HOUR_MS)
    try:
        count = services(request).outgoing.webhooks.replay_span(
            visitor(request).actor, id, now - span, now + 1
        )
    except NoSuchWebhook:
        raise not_found() from None
    services(request).loops.nudge("webhooks")
    told = ngettext("%(num)s message is sent again.", "%(num)s messages are sent again.", count)
    return go(request, f"{HERE}/{id}", told % {"num": count})


def show_message(request: Request) -> Response:
    """One message, with every attempt."""
    webhooks, actor = services(request).outgoing.webhooks, visitor(request).actor
    id, number = request.path_params["webhook"], request.path_params["number"]
    try:
        found = webhooks.one(actor, id)
        message, attempts = webhooks.delivery(actor, id, number)
    except NoSuchWebhook:
        raise not_found() from None
    return render(
        request, "outgoing/message.html", webhook=found, message=message,
        body=message.body.decode("utf-8", "replace"),
        attempts=[(one, one.answer.decode("utf-8", "replace")) for one in attempts],
    )  # fmt: skip


def replay_message(request: Request) -> Response:
    """Send one message once more."""
    id, number = request.path_params["webhook"], request.path_params["number"]
    try:
        services(request).outgoing.webhooks.replay(visitor(request).actor, id, number)
    except NoSuchWebhook:
        raise not_found() from None
    services(request).loops.nudge("webhooks")
    return go(request, f"{HERE}/{id}/messages/{number}", _("It is sent again."))


def _new_context(request: Request) -> dict[str, Any]:
    return {"topics": _topic_texts(), "platform": not visitor(request).actor.tenant}


def _shown(
    request: Request, problems: dict[str, str] | None = None, sent: FormData | None = None
) -> Response:
    webhooks, actor = services(request).outgoing.webhooks, visitor(request).actor
    id = request.path_params["webhook"]
    state = request.query_params.get("state", "")
    state = state if state in _STATES else ""
    before = request.query_params.get("before", "")
    start = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0
    try:
        found = webhooks.one(actor, id)
        messages = webhooks.deliveries(actor, id, start, _PAGE + 1, state)
        counts = webhooks.counts(actor, id)
    except NoSuchWebhook:
        raise not_found() from None
    try:
        prints = [(one.kind, fingerprint(one), one) for one in webhooks.secrets(found)]
    except WebhookError:
        prints = []
    further = messages[_PAGE - 1].id if len(messages) > _PAGE else 0
    context: dict[str, Any] = {
        "webhook": found, "messages": messages[:_PAGE], "counts": counts, "state": state,
        "further": further, "start": start, "prints": prints, "topics": _topic_texts(),
        "spans": {"hour": _("of the last hour"), "day": _("of the last day"), "week": _("of the last week"),
                  "month": _("of the last 30 days")},
        "url": _text(sent, "url") if sent else found.url,
        "note": _text(sent, "note") if sent else found.note,
        "chosen": set(_topics(sent)) if sent else found.hears_of,
        "state_names": {"": _("All"), "waiting": _("To be sent"), "delivered": _("Delivered"),
                        "given_up": _("Given up")},
    }  # fmt: skip
    if problems:
        return refused(request, _ONE, problems, **context)
    return render(request, _ONE, **context, problems=None)


def _topic_texts() -> list[tuple[str, str]]:
    return [(topic.name, in_words(topic.text)) for topic in TOPICS]


def _topics(sent: FormData) -> list[str]:
    return [str(one) for one in sent.getlist("topic")]


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _problem(error: WebhookError | DestinationError) -> dict[str, str]:
    field = error.field if isinstance(error, WebhookError) else "url"
    return {field: in_words(error.told)}


ROUTES = (
    page(HERE, show_all, "settings.read", name="webhooks"),
    page(HERE, add, "webhooks.manage", methods=("POST",), name="add_webhook"),
    page(HERE + "/new", show_new, "webhooks.manage", name="new_webhook"),
    page(HERE + "/{webhook}", show, "settings.read", name="webhook"),
    page(HERE + "/{webhook}", change, "webhooks.manage", methods=("POST",), name="change_webhook"),
    page(HERE + "/{webhook}/secret", rotate, "webhooks.manage", methods=("POST",), name="rotate_webhook"),
    page(HERE + "/{webhook}/replay", replay, "webhooks.manage", methods=("POST",), name="replay_webhook"),
    page(HERE + "/{webhook}/messages/{number:row}", show_message, "settings.read", name="webhook_message"),
    page(HERE + "/{webhook}/messages/{number:row}", replay_message, "webhooks.manage",
         methods=("POST",), name="replay_webhook_message"),
    page(HERE + "/{webhook}/{what}", act, "webhooks.manage", methods=("POST",), name="act_on_webhook"),
)  # fmt: skip
