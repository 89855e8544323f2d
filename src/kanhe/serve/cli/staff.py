"""`kanhe init` and `kanhe staff`: one-time links for people of the console. No password is ever printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kanhe.app.operating import Operator, operating
from kanhe.core.settings import Settings
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.roles import RoleError
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import OK, REFUSED, complain, print_json, print_table, say, shown_time
from kanhe.serve.cli.wording import either, words


def init(settings: Settings, again: bool, as_json: bool) -> int:
    """Make the desk if it is new, and print the link of its first security manager."""

    def done(operator: Operator) -> int:
        link = operator.found(again=again)
        if as_json:
            print_json({"link": link})
        else:
            say(words("init.link"))
            say(f"\n  {link}\n")
            say(words("init.next"))
        return OK

    return _carried_out(settings, "init", done)


def show(settings: Settings, as_json: bool) -> int:
    """List everybody."""

    def done(operator: Operator) -> int:
        found = [
            {
                "id": one.account.id,
                "mail": one.account.mail,
                "name": one.account.name,
                "tenant": one.account.tenant,
                "roles": list(one.account.roles),
                "state": one.state,
                "signed_in_ms": one.account.signed_in_ms,
                "link_until_ms": one.link_until_ms,
            }
            for one in operator.people()
        ]
        if as_json:
            print_json(found)
        elif not found:
            say(words("staff.nobody"))
        else:
            print_table(
                [words(f"col.staff.{name}") for name in _COLUMNS], map(_row, found), whole=(0,)
            )
        return OK

    return _carried_out(settings, "staff", done)


def invite(
    settings: Settings, mail: str, name: str, roles: list[str], tenant: str, as_json: bool
) -> int:
    """Invite somebody and print their link."""

    def done(operator: Operator) -> int:
        staff, link = operator.invite(mail, name, roles, tenant)
        return _told(link, as_json, words("staff.invited", name=name), staff)

    return _carried_out(settings, "staff", done)


def invite_again(settings: Settings, who: str, as_json: bool) -> int:
    """Print a new link for somebody."""
    return _carried_out(
        settings, "staff",
        lambda operator: _told(operator.invite_again(who), as_json, words("staff.again", who=who)),
    )  # fmt: skip


def sign_in_link(settings: Settings, who: str, as_json: bool) -> int:
    """Print a link that signs somebody in."""
    return _carried_out(
        settings, "staff",
        lambda operator: _told(operator.sign_in_link(who), as_json, words("staff.link", who=who)),
    )  # fmt: skip


def disable(settings: Settings, who: str, as_json: bool) -> int:
    """Let somebody in no more."""

    def done(operator: Operator) -> int:
        account = operator.disable(who)
        if as_json:
            print_json({"id": account.id, "state": "disabled"})
        else:
            say(words("staff.disabled", name=account.name))
        return OK

    return _carried_out(settings, "staff", done)


_COLUMNS = ("mail", "name", "roles", "tenant", "state", "signed_in")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    signed_in = shown_time(one["signed_in_ms"]) if one["signed_in_ms"] else "–"
    return (
        one["mail"], one["name"], " ".join(one["roles"]), one["tenant"] or words("staff.all"),
        words(f"staff.state.{one['state']}"), signed_in,
    )  # fmt: skip


def _told(link: str, as_json: bool, text: str, staff: str = "") -> int:
    if as_json:
        print_json({"link": link, **({"id": staff} if staff else {})})
    else:
        say(text)
        say(f"\n  {link}")
    return OK


def _carried_out(settings: Settings, command: str, work: Callable[[Operator], int]) -> int:
    """Open the desk and do it; what is refused is told in the language spoken."""
    with operating(settings, now_ms, command) as operator:
        try:
            return work(operator)
        except (AccessRefused, RoleError) as refusal:
            return complain(either(refusal.text.en, refusal.text.zh), REFUSED)
