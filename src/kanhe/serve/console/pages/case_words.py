"""What pages say about cases: states, steps, refusals, reasons; each text once, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanhe.core.event import ENTITY_KINDS
from kanhe.respond.alerts import RULE
from kanhe.respond.cases import CaseError
from kanhe.serve.console import naming
from kanhe.serve.console.language import N_, gettext

STATES: Mapping[str, str] = {
    "open": N_("Open"),
    "in_progress": N_("In progress"),
    "waiting": N_("Waiting"),
    "escalated": N_("Escalated"),
    "in_review": N_("In quality review"),
    "resolved": N_("Resolved"),
    "closed": N_("Closed"),
    "merged": N_("Merged"),
}
VERDICTS: Mapping[str, str] = {
    "fraud": N_("Fraud"),
    "legitimate": N_("Legitimate"),
    "abuse": N_("Abuse"),
    "unknown": N_("Unclear"),
}
ALERT_KINDS: Mapping[str, str] = {
    "decision": N_("Decision"),
    "governor": N_("Cap passed"),
    "rollback": N_("Roll-back"),
    "complaint": N_("Complaint"),
}
LINKS: Mapping[str, str] = {
    "shares": N_("shares something"),
    "split": N_("split off"),
    "merged": N_("merged"),
    "by_hand": N_("linked by hand"),
}
STEPS: Mapping[str, str] = {
    "opened": N_("The case was opened"),
    "taken": N_("took the case"),
    "released": N_("put the case back"),
    "assigned": N_("handed the case to %(to)s"),
    "snoozed": N_("put the case off"),
    "woken": N_("The case came back"),
    "escalated": N_("passed the case on"),
    "escalated_itself": N_("The case was passed on: nobody was at it"),
    "resolved": N_("decided: %(verdict)s"),
    "reopened": N_("opened the case again"),
    "reviewed_yes": N_("looked at the decision and agreed"),
    "reviewed_no": N_("looked at the decision and disagreed: %(remark)s"),
    "closed": N_("The case was closed"),
    "merged": N_("merged the case into %(case)s"),
    "took_over": N_("merged %(case)s into this case"),
    "split": N_("moved %(alerts)s alerts to %(case)s"),
    "split_off": N_("split the case off %(case)s"),
    "linked": N_("linked %(case)s"),
    "filed": N_("added the file %(name)s"),
    "unfiled": N_("removed a file"),
    "undone": N_("took back what was done last"),
    "due_soon": N_("The deadline is near"),
    "overdue": N_("The deadline has passed"),
}
REFUSALS: Mapping[str, str] = {
    "changed": N_("The case has changed since you looked at it. Look again, then decide."),
    "held": N_("%(who)s is working on this case."),
    "not_active": N_("The case is decided already."),
    "not_decided": N_("Only what was resolved or closed can be opened again."),
    "not_in_review": N_("This case is not waiting for a quality review."),
    "own_decision": N_("Nobody reviews a decision of their own."),
    "own_escalation": N_("You passed this case on: somebody else takes it now."),
    "not_yours": N_("The case belongs to somebody else."),
    "no_reason": N_("Say why: the reason stays with the decision."),
    "reason_too_long": N_("The reason is too long."),
    "bad_time": N_("A case can be put off by five minutes to thirty days."),
    "same_case": N_("That is the same case."),
    "other_tenant": N_("Cases of two shops stay apart."),
    "full": N_("The case is full."),
    "nothing_moved": N_("Nothing would change by that."),
    "too_late": N_("It was too long ago to be taken back."),
    "not_undoable": N_("There is nothing to take back."),
    "no_such_alert": N_("The alert is not, or no longer, in this case."),
}
FILE_REFUSALS: Mapping[str, str] = {
    "empty": N_("The file is empty."),
    "too_large": N_("A file has at most 10 MiB."),
    "wrong_type": N_("Only pictures (PNG, JPEG, WebP, GIF), PDF and plain text are taken."),
    "too_many": N_("A case has at most 50 files."),
}
DONE: Mapping[str, str] = {
    "taken": N_("Taken"),
    "released": N_("Put back"),
    "assigned": N_("Handed over"),
    "snoozed": N_("Put off"),
    "escalated": N_("Passed on"),
    "resolved": N_("Decided"),
}
CLEARED: tuple[tuple[str, str], ...] = (
    ("confirmed", N_("The customer confirmed it")),
    ("known", N_("Usual for this customer")),
    ("rule", N_("The rule was wrong here")),
    ("other", N_("Something else (say what)")),
)
"""Why something is let through, for the dialog; the words of the reason are those of the reader."""
CONFIRMED: tuple[tuple[str, str], ...] = (
    ("card", N_("Stolen card")),
    ("account", N_("Account taken over")),
    ("ring", N_("Part of a ring")),
    ("abuse", N_("Abuse of an offer or refund")),
    ("other", N_("Something else (say what)")),
)


def refusal(error: CaseError, names: Mapping[str, str]) -> str:
    """Why a step was refused, in the language spoken."""
    values = {key: names.get(value, value) for key, value in error.values.items()}
    values.setdefault("who", gettext("Somebody else"))
    return gettext(REFUSALS[error.why]) % values


def step_text(what: str, staff: str, detail: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What happened to a case, to stand after the name of who did it."""
    key = what
    if what == "reviewed":
        key = "reviewed_yes" if detail.get("agrees") else "reviewed_no"
    elif what == "escalated" and not staff:
        key = "escalated_itself"
    number = detail.get("case") or detail.get("into") or detail.get("from") or ""
    values = {
        "to": names.get(str(detail.get("to", "")), str(detail.get("to", ""))),
        "verdict": gettext(VERDICTS.get(str(detail.get("verdict", "")), "")) or "–",
        "case": f"#{number}",
        "alerts": detail.get("alerts", ""),
        "name": detail.get("name", ""),
        "remark": detail.get("remark", ""),
    }
    return gettext(STEPS[key]) % values if key in STEPS else what


def said(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Choices with their texts in the language spoken."""
    return [(name, gettext(text)) for name, text in pairs]


def kinds() -> dict[str, str]:
    """What kinds of entity are called, and rules, which alerts may be about too."""
    return {**{kind: naming.kind_name(kind) for kind in ENTITY_KINDS}, RULE: gettext("Rule")}


def all_said(words: Mapping[str, str]) -> dict[str, str]:
    """A table of words in the language spoken."""
    return {name: gettext(text) for name, text in words.items()}
