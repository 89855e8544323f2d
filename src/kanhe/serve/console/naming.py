"""How pages name what the journal speaks of: kinds, types, acts, and the addresses of entities.

The address of an entity holds its value only where that is a plain id that says nothing about a person;
everything else has an alias there (`protect.access.aliases`), whoever looks and whatever they may see.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import jinja2

from kanhe.core.decision import decision_id
from kanhe.protect.access import masking
from kanhe.serve.console.language import N_, gettext

PERSONAL = frozenset(masking.PERSONAL_FIELDS)
"""Fields whose values are masked."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MARK = "~"

KINDS: dict[str, str] = {
    "user": N_("User"),
    "device": N_("Device"),
    "ip": N_("IP address"),
    "card": N_("Card"),
    "email": N_("E-mail"),
    "phone": N_("Phone"),
    "address": N_("Address"),
    "merchant": N_("Merchant"),
    "product": N_("Product"),
    "order": N_("Order"),
    "parcel": N_("Parcel"),
    "courier": N_("Courier"),
    "staff": N_("Staff"),
    "session": N_("Session"),
    "payment": N_("Payment"),
    "refund": N_("Refund"),
    "payout": N_("Payout"),
    "review": N_("Product review"),
    "message": N_("Message"),
    "complaint": N_("Complaint"),
    "bank_account": N_("Bank account"),
    "coupon": N_("Coupon"),
}
TYPES: dict[str, str] = {
    "account.registered": N_("Account registered"),
    "account.login": N_("Signed in"),
    "account.login_failed": N_("Sign-in failed"),
    "account.password_changed": N_("Password changed"),
    "account.profile_changed": N_("Profile changed"),
    "session.started": N_("Visit began"),
    "listing.created": N_("Listing created"),
    "listing.changed": N_("Listing changed"),
    "cart.changed": N_("Cart changed"),
    "order.placed": N_("Order placed"),
    "order.cancelled": N_("Order cancelled"),
    "payment.attempted": N_("Payment attempted"),
    "payment.declined": N_("Payment declined"),
    "payment.authorized": N_("Payment authorised"),
    "payment.captured": N_("Payment captured"),
    "refund.requested": N_("Refund requested"),
    "refund.paid": N_("Refund paid"),
    "chargeback.received": N_("Chargeback received"),
    "payout.requested": N_("Payout requested"),
    "parcel.shipped": N_("Parcel shipped"),
    "parcel.scanned": N_("Parcel scanned"),
    "parcel.delivered": N_("Parcel delivered"),
    "label.scanned": N_("Label scanned"),
    "review.posted": N_("Review posted"),
    "message.sent": N_("Message sent"),
    "complaint.opened": N_("Complaint opened"),
    "complaint.resolved": N_("Complaint resolved"),
    "merchant.applied": N_("Merchant applied"),
    "staff.action": N_("Staff acted"),
    "finding.reported": N_("Finding reported"),
    "label.assigned": N_("Label assigned"),
    "list.entry_added": N_("List entry added"),
    "list.entry_removed": N_("List entry removed"),
}
ACTS: dict[str, str] = {
    "viewed": N_("viewed"),
    "searched": N_("searched"),
    "exported": N_("exported"),
    "changed": N_("changed"),
    "deleted": N_("deleted"),
    "approved": N_("approved"),
    "rejected": N_("rejected"),
    "refunded": N_("refunded"),
    "credited": N_("credited"),
    "overrode": N_("overrode"),
    "unmasked": N_("unmasked"),
    "granted_access": N_("granted access"),
    "revoked_access": N_("revoked access"),
    "signed_in": N_("signed in"),
    "policy_changed": N_("changed the policy"),
    "listed": N_("put on a list"),
    "unlisted": N_("took off a list"),
    "labelled": N_("labelled"),
    "signed_out": N_("signed out"),
    "created": N_("made"),
    "decided": N_("decided"),
    "assigned": N_("handed over"),
    "escalated": N_("escalated"),
    "noted": N_("wrote a note"),
    "invited": N_("invited"),
    "downloaded": N_("downloaded"),
    "other": N_("did something else"),
    "pack:proposed": N_("proposed a policy"),
    "pack:checked": N_("checked a policy"),
    "pack:backtested": N_("backtested a policy"),
    "pack:shadowed": N_("let a policy judge in shadow"),
    "pack:shared": N_("gave a policy a share of the traffic"),
    "pack:approved": N_("approved a policy"),
    "pack:activated": N_("activated a policy"),
    "pack:in_force": N_("a policy came into force"),
    "pack:rolled_back": N_("rolled a policy back"),
    "pack:withdrawn": N_("withdrew a policy"),
    "governor:tripped": N_("the governor held a rule"),
    "governor:released": N_("let a held rule go"),
    "key:added": N_("a key was added to the log"),
    "key:retired": N_("a key of the log was retired"),
    "person:erased": N_("erased a person"),
}
RESOURCES: dict[str, str] = {
    "customer": N_("customer"),
    "order": N_("order"),
    "payment": N_("payment"),
    "card": N_("card"),
    "payout": N_("payout"),
    "merchant": N_("merchant"),
    "address": N_("address"),
    "message": N_("message"),
    "policy": N_("policy"),
    "list": N_("list"),
    "account": N_("account"),
    "report": N_("report"),
    "credential": N_("credential"),
    "system": N_("system"),
    "case": N_("case"),
    "alert": N_("alert"),
    "evidence": N_("evidence"),
    "decision": N_("decision"),
    "session": N_("session"),
    "role": N_("role"),
    "staff": N_("member of staff"),
    "webhook": N_("webhook"),
    "key": N_("API key"),
    "log": N_("log"),
    "privacy": N_("privacy"),
}
VERDICTS: dict[str, str] = {
    "fraud": N_("Fraud"),
    "abuse": N_("Abuse"),
    "legitimate": N_("Legitimate"),
    "unknown": N_("Unknown"),
}
OUTCOMES: dict[str, str] = {
    "allow": N_("Allow"),
    "challenge": N_("Challenge"),
    "review": N_("Review"),
    "deny": N_("Deny"),
    "recorded": N_("Recorded"),
    "noted": N_("Noted by the system"),
}
SOURCES: dict[str, str] = {
    "chargeback": N_("chargeback"),
    "manual_review": N_("manual review"),
    "customer_report": N_("customer's report"),
    "merchant_report": N_("merchant's report"),
    "police": N_("police"),
    "bank": N_("bank"),
    "complaint": N_("complaint"),
    "system": N_("program"),
}
AUTHORITIES: dict[str, str] = {
    "system": N_("a program"),
    "party": N_("a party"),
    "analyst": N_("an analyst"),
    "bank": N_("a bank"),
    "ruling": N_("a ruling"),
}


TOLD: dict[str, str] = {
    "note": N_("why"),
    "ticket": N_("ticket"),
    "list_name": N_("list"),
    "value": N_("entry"),
    "verdict": N_("verdict"),
    "approver": N_("approved by"),
    "changed": N_("what was changed"),
    "record_count": N_("records"),
    "is_own_record": N_("own record"),
    "pack": N_("policy"),
    "why": N_("why"),
    "reason": N_("why"),
    "rows": N_("rows"),
    "rule": N_("rule"),
}


def _said(table: dict[str, str], name: str) -> str:
    """The name in the language spoken; what a shop has declared itself is called as it calls it."""
    return gettext(table[name]) if name in table else name


def kind_name(kind: str) -> str:
    """What a kind of entity is called."""
    return _said(KINDS, kind)


def type_name(type_: str) -> str:
    """What a type of event is called."""
    return _said(TYPES, type_)


def act_name(act: str) -> str:
    """What an act of staff is called."""
    return _said(ACTS, act)


def resource_name(resource: str) -> str:
    """What something is called that staff act on."""
    return _said(RESOURCES, resource)


def verdict_name(verdict: str) -> str:
    """What is said of an event afterwards."""
    return _said(VERDICTS, verdict)


def outcome_name(outcome: str) -> str:
    """What came of an event."""
    return _said(OUTCOMES, outcome)


def source_name(source: str) -> str:
    """Who established a label."""
    return _said(SOURCES, source)


def authority_name(authority: str) -> str:
    """Whose word a claim is."""
    return _said(AUTHORITIES, authority)


def told_name(name: str) -> str:
    """What a detail of an act is called."""
    return _said(TOLD, name)


def handle(seq: int) -> str:
    """The handle of a row."""
    return decision_id(seq)


def is_plain(kind: str, value: str) -> bool:
    """Whether a value may stand in an address."""
    return kind not in PERSONAL and _PLAIN.fullmatch(value) is not None


def reference(services: Any, kind: str, value: str) -> str:
    """A value as it stands in an address: itself, or its alias behind a mark."""
    return value if is_plain(kind, value) else _MARK + services.aliases.alias(kind, value)


def dereferenced(services: Any, kind: str, text: str) -> str | None:
    """The value that a part of an address stands for; `None` for what stands for nothing."""
    if text.startswith(_MARK):
        found: str | None = services.aliases.value(kind, text[1:])
        return found
    return text


def path_of(services: Any, kind: str, value: str, tenant: str = "") -> str:
    """The address of the page about an entity."""
    path = f"/entities/{quote(kind, safe='')}/{quote(reference(services, kind, value), safe='~')}"
    return f"{path}?{urlencode({'tenant': tenant})}" if tenant else path


def shown(kind: str, value: object, *, clear: bool = False) -> str:
    """A value as pages show it: in clear, or masked by its kind of field."""
    text = str(value)
    return text if clear else masking.mask(masking.PERSONAL_FIELDS.get(kind, kind), text)


@jinja2.pass_context
def _entity_path(context: jinja2.runtime.Context, kind: str, value: str, tenant: str = "") -> str:
    services = context["request"].app.state.services
    visitor = context["visitor"]
    # Whoever has one tenant only need not be told which.
    own = visitor is not None and visitor.actor.tenant
    return path_of(services, kind, value, "" if own else tenant)


def install(environment: jinja2.Environment) -> None:
    """Make them known to templates."""
    for name in (
        kind_name, type_name, act_name, resource_name, verdict_name, outcome_name, source_name,
        authority_name, told_name, handle,
    ):  # fmt: skip
        environment.filters[name.__name__] = name
    environment.globals["entity_path"] = _entity_path
    environment.globals["shown"] = shown
