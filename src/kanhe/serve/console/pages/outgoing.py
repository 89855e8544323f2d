"""Settings: what one is written to about, and what the judge did not take."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kanhe.protect.outbound.topics import TOPICS
from kanhe.serve.console.frame import form, go, not_found, page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words


def show_notifications(request: Request) -> Response:
    """What this person is written to about."""
    outgoing = services(request).outgoing
    chosen = outgoing.mail_choices(visitor(request).actor)
    topics = [(topic.name, in_words(topic.text)) for topic in TOPICS if topic.mailed]
    return render(
        request, "outgoing/notifications.html", chosen=chosen, topics=topics,
        is_on=outgoing.mailing.is_on,
    )  # fmt: skip


def choose_notifications(request: Request) -> Response:
    """Keep the choice."""
    wanted = frozenset(str(one) for one in form(request).getlist("topic"))
    services(request).outgoing.choose_mail(visitor(request).actor, wanted)
    return go(request, "/settings/notifications", _("Saved."))


def show_undelivered(request: Request) -> Response:
    """Events that the judge refused for good, and how many wait."""
    outgoing = services(request).outgoing
    count, oldest_ms = outgoing.backlog()
    states = {state.name: state for state in services(request).loops.states()}
    delivery = states.get("delivery")
    return render(
        request, "outgoing/undelivered.html", events=outgoing.undelivered(visitor(request).actor),
        waiting=count, oldest_ms=oldest_ms, trouble=delivery.trouble if delivery else "",
    )  # fmt: skip


def send_again(request: Request) -> Response:
    """Have an event tried once more."""
    outgoing = services(request).outgoing
    if not outgoing.send_again(visitor(request).actor, request.path_params["event"]):
        raise not_found()
    services(request).loops.nudge("delivery")
    return go(request, "/settings/undelivered", _("It is sent again."))


ROUTES = (
    page("/settings/notifications", show_notifications, None, name="notifications"),
    page("/settings/notifications", choose_notifications, None, methods=("POST",), name="choose_notifications"),
    page("/settings/undelivered", show_undelivered, "settings.read", name="undelivered"),
    page("/settings/undelivered/{event:row}", send_again, "webhooks.manage", methods=("POST",), name="send_again"),
)  # fmt: skip
