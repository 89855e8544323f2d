"""Drafts: a pack's files in an editor that says what is wrong while one types."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.judge_link import JudgeDownError
from kanhe.app.rulebook import DraftError, ForPlatformOnly, Opened
from kanhe.core.errors import Refusal
from kanhe.judge.language.source import PolicyError
from kanhe.serve.console.frame import form, go, not_found, page, refused, render, services, visitor
from kanhe.serve.console.language import N_, gettext
from kanhe.serve.console.pages.packs import told_of
from kanhe.serve.console.problems import problem_page

_EDIT_BYTES = 3 << 20
"""A file of 1 MiB as a form writes it, where most characters take three bytes."""
_NEW_RULES = """# What these rules are about.

rule(
    "new_rule",
    on="payment.attempted",
    when=amount_base >= 100000,
    points=30,
    en="A payment of {amount_base}.",
    zh="支付金额 {amount_base}。",
    tags=["F1018"],
    owner="risk",
)
"""
_TOLD = {
    "stale": N_("Somebody has changed this draft since you opened it, perhaps you in another window. Copy what you wrote, and load the page again."),
    "not-yours": N_("Only whoever began a draft changes it. Begin one of your own from the same pack."),
    "proposed": N_("This draft was proposed and does not change any more."),
    "name": N_("A file of a pack is called rules/name.kanhe, lists/name.csv, features.kanhe, events.kanhe or pack.toml."),
    "size": N_("A file has at most 1 MiB."),
    "title": N_("A title has 1 to 120 characters."),
    "no-base": N_("The pack to begin from is not kept here."),
}  # fmt: skip


class Mistake(NamedTuple):
    """A mistake as the editor shows it."""

    path: str
    line: int
    column: int
    width: int
    message: str
    hint: str
    pointed: str
    """The line with its caret."""


def begin(request: Request) -> Response:
    """Begin a draft from a pack."""
    person, sent = visitor(request), form(request)
    if person.actor.tenant:
        return problem_page(request, 403)
    rulebook = services(request).rulebook
    base = str(sent.get("base") or "") or rulebook.packs.standing().in_force
    path = str(sent.get("file") or "")
    try:
        number = rulebook.drafting.begin(person.actor, base, str(sent.get("title") or ""))
    except DraftError as error:
        return problem_page(request, 422, detail=gettext(_TOLD[error.code]))
    line = str(sent.get("line") or "")
    return go(request, _edit_path(number, path, line) if path else f"/rules/drafts/{number}")


def show(request: Request) -> Response:
    """What a draft changes, its files, and what is left to do."""
    opened = _opened(request)
    mistakes = services(request).rulebook.drafting.mistakes(opened.files)
    return render(request, "rules/draft.html", problems=None, **_context(request, opened, mistakes))


def edit(request: Request) -> Response:
    """One file of a draft in the editor."""
    opened = _opened(request)
    path = request.query_params.get("file", "")
    text = opened.text(path)
    if text is None:
        raise not_found()
    mistakes = services(request).rulebook.drafting.check(opened, path, text)
    return _editor(request, opened, path, text, mistakes)


def check(request: Request) -> Response:
    """What is wrong with a file as it stands in the editor, while one types."""
    opened, sent = _opened(request), form(request)
    path = str(sent.get("file") or "")
    try:
        mistakes = services(request).rulebook.drafting.check(
            opened, path, str(sent.get("text") or "")
        )
    except DraftError as error:
        return problem_page(request, 422, detail=gettext(_TOLD[error.code]))
    return render(request, "rules/mistakes.html", mistakes=_shown(mistakes), path_edited=path)


def save(request: Request) -> Response:
    """Keep a file as it stands in the editor, mistakes and all: a draft may have them."""
    opened, sent = _opened(request), form(request)
    path, text = str(sent.get("file") or ""), str(sent.get("text") or "")
    drafting = services(request).rulebook.drafting
    try:
        _check_version(opened, str(sent.get("version") or ""))
        drafting.write(visitor(request).actor, opened, path, text)
    except DraftError as error:
        if opened.text(path) is None:
            return problem_page(request, 422, detail=gettext(_TOLD[error.code]))
        mistakes = drafting.check(opened, path, text) if error.code not in ("name", "size") else []
        told = {"": gettext(_TOLD[error.code])}
        return _editor(request, opened, path, text, mistakes, told)
    return go(request, _edit_path(opened.draft.id, path), gettext("Saved."))


def add_file(request: Request) -> Response:
    """Add a file to a draft."""
    opened, sent = _opened(request), form(request)
    path = str(sent.get("file") or "").strip()
    if path and "/" not in path and not path.endswith(".kanhe"):
        path = f"rules/{path}.kanhe"
    if opened.text(path) is not None:
        return go(request, _edit_path(opened.draft.id, path))
    text = _NEW_RULES if path.startswith("rules/") else ""
    return _changed(request, opened, path, text, _edit_path(opened.draft.id, path))


def remove_file(request: Request) -> Response:
    """Remove a file from the pack, or undo what the draft made of it."""
    opened, sent = _opened(request), form(request)
    path = str(sent.get("file") or "")
    text: str | None = None
    if sent.get("undo"):
        content = opened.base.files.get(path)
        text = None if content is None else content.decode("utf-8", errors="replace")
    return _changed(request, opened, path, text, f"/rules/drafts/{opened.draft.id}")


def propose(request: Request) -> Response:
    """Propose a draft: from here on it is a pack on its way."""
    opened, person = _opened(request), visitor(request)
    why = str(form(request).get("why") or "").strip()
    rulebook = services(request).rulebook
    problem = ""
    mistakes = rulebook.drafting.mistakes(opened.files)
    if mistakes:
        problem = gettext("The pack has mistakes; they stand below.")
    elif not why or len(why) > 500:
        problem = gettext("Say why, in 1 to 500 characters: it stands in the log.")
    elif opened.draft.author != person.actor.staff:
        problem = gettext(_TOLD["not-yours"])
    elif not opened.draft.files:
        problem = gettext("The draft changes nothing yet.")
    if problem:
        context = _context(request, opened, mistakes)
        return refused(request, "rules/draft.html", {"": problem}, **context)
    try:
        hash = rulebook.steering.propose(person.actor, opened.files, why)
    except ForPlatformOnly:
        return problem_page(request, 403)
    except (Refusal, JudgeDownError) as error:
        context = _context(request, opened, mistakes)
        return refused(request, "rules/draft.html", {"": told_of(error)}, **context)
    rulebook.drafting.proposed(opened, hash)
    return go(request, f"/rules/packs/{hash}", gettext("Proposed."))


def drop(request: Request) -> Response:
    """Throw a draft away."""
    opened = _opened(request)
    try:
        services(request).rulebook.drafting.drop(visitor(request).actor, opened)
    except DraftError as error:
        context = _context(request, opened, [])
        return refused(request, "rules/draft.html", {"": gettext(_TOLD[error.code])}, **context)
    return go(request, "/rules/packs", gettext("The draft is gone."))


def _opened(request: Request) -> Opened:
    number = request.path_params["number"]
    found = services(request).rulebook.drafting.open(number) if number < 2**62 else None
    if found is None:
        raise not_found()
    return found


def _check_version(opened: Opened, version: str) -> None:
    if version != str(opened.draft.version):
        raise DraftError("stale", "the draft has changed since it was opened")


def _changed(request: Request, opened: Opened, path: str, text: str | None, then: str) -> Response:
    try:
        services(request).rulebook.drafting.write(visitor(request).actor, opened, path, text)
    except DraftError as error:
        context = _context(request, opened, [])
        return refused(request, "rules/draft.html", {"": gettext(_TOLD[error.code])}, **context)
    return go(request, then)


def _context(request: Request, opened: Opened, mistakes: list[PolicyError]) -> dict[str, Any]:
    person = visitor(request)
    return {
        "draft": opened.draft,
        "base": opened.base,
        "paths": opened.paths,
        "removed": sorted(path for path, text in opened.draft.files.items() if text is None),
        "files": opened.differences,
        "mistakes": _shown(mistakes),
        "is_own": opened.draft.author == person.actor.staff and person.may("rules.propose"),
    }


def _shown(mistakes: list[PolicyError]) -> list[Mistake]:
    return [
        Mistake(
            one.path, one.line, one.column, one.width, one.message, one.hint,
            "\n".join(line[4:] for line in str(one).splitlines() if line.startswith("    ")),
        )
        for one in mistakes
    ]  # fmt: skip


def _editor(
    request: Request, opened: Opened, path: str, text: str, mistakes: list[PolicyError],
    problems: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    context = {
        **_context(request, opened, mistakes), "path_edited": path, "text": text, "start": _start(request),
        "problems": problems,
    }  # fmt: skip
    return render(request, "rules/edit.html", status=422 if problems else 200, **context)


def _start(request: Request) -> int:
    """The line to begin at."""
    line = request.query_params.get("line", "")
    return int(line) if line.isascii() and line.isdigit() and len(line) < 7 else 0


def _edit_path(number: int, path: str, line: str = "") -> str:
    query = {"file": path, "line": line} if line else {"file": path}
    return f"/rules/drafts/{number}/edit?" + urlencode(query)


_AT = "/rules/drafts/{number:row}"
ROUTES = (
    page("/rules/drafts", begin, "rules.propose", methods=("POST",), name="begin_draft"),
    page(_AT, show, "rules.read", name="draft"),
    page(_AT + "/edit", edit, "rules.read", name="edit_draft"),
    page(_AT + "/check", check, "rules.propose", methods=("POST",), most_bytes=_EDIT_BYTES),
    page(_AT + "/save", save, "rules.propose", methods=("POST",), most_bytes=_EDIT_BYTES),
    page(_AT + "/add", add_file, "rules.propose", methods=("POST",)),
    page(_AT + "/remove", remove_file, "rules.propose", methods=("POST",)),
    page(_AT + "/propose", propose, "rules.propose", methods=("POST",)),
    page(_AT + "/drop", drop, "rules.propose", methods=("POST",)),
)
