"""Templates and what they know: the visitor, the language, the token of forms, and how values are shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kanhe.core.actor import Language, Theme, Visitor
from kanhe.serve.console import cookies, forgery, formats, naming
from kanhe.serve.console.language import HTML_LANG, LANGUAGES, gettext, ngettext, speaking, wished

TEMPLATES = Path(__file__).parent / "templates"
_THEMES: tuple[Theme, ...] = ("light", "dark", "system")


@cache
def environment() -> jinja2.Environment:
    """The templates. Everything that is shown is escaped, and an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # of jinja2.ext.i18n
    made.policies["ext.i18n.trimmed"] = True
    made.globals["csrf_field"] = _csrf_field
    formats.install(made)
    naming.install(made)
    return made


@jinja2.pass_context
def _csrf_field(context: jinja2.runtime.Context) -> Markup:
    """The hidden field that every form with `method="post"` holds."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        forgery.FIELD, context["csrf"]
    )


def visitor_or_none(request: Request) -> Visitor | None:
    """Who is signed in, as far as the frame has looked it up for this request."""
    found = request.scope.get("state", {}).get("visitor")
    return found if isinstance(found, Visitor) else None


def language_of(request: Request) -> Language:
    """The language to answer in: the person's own, else what was chosen here, else the browser's."""
    visitor = visitor_or_none(request)
    if visitor is not None and visitor.language is not None:
        return visitor.language
    chosen = cookies.cookie(request, cookies.LANGUAGE)
    for language in LANGUAGES:
        if language == chosen:
            return language
    return wished(request.headers.get("accept-language", ""))


def theme_of(request: Request) -> Theme:
    """The theme to show, by the same order."""
    visitor = visitor_or_none(request)
    if visitor is not None and visitor.theme != "system":
        return visitor.theme
    chosen = cookies.cookie(request, cookies.THEME)
    return next((theme for theme in _THEMES if theme == chosen), "system")


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a part of a page (and not to restore a whole one from its history)."""
    return (
        request.headers.get("hx-request") == "true"
        and request.headers.get("hx-request-type") != "full"
        and request.headers.get("hx-history-restore-request") != "true"
    )


def render(
    request: Request, template: str, /, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """The page that a template makes of a context.

    Templates also know `visitor` (or none), `csrf`, `request`, `path`, `partial`, `may('permission')`,
    `lang`, `theme`, `_`, `ngettext`, and the filters of `formats`.
    """
    visitor = visitor_or_none(request)
    secret = cookies.session_token(request) if visitor else cookies.cookie(request, cookies.FORM)
    fresh = "" if secret else cookies.new_form_secret()
    language = language_of(request)
    said = cookies.cookie(request, cookies.TOAST)
    zone = visitor.time_zone if visitor else "UTC"
    with speaking(language), formats.in_zone(zone):
        text = environment().get_template(template).render(
            {
                "request": request,
                "path": request.url.path,
                "partial": is_partial(request),
                "visitor": visitor,
                "may": visitor.may if visitor else (lambda permission: False),
                "csrf": forgery.token_of(secret or fresh),
                "lang": HTML_LANG[language],
                "language": language,
                "theme": theme_of(request),
                "toast": cookies.toast_text(said),
                "asset": request.app.state.assets.url,
                **context,
            }
        )  # fmt: skip
    response = HTMLResponse(text, status)
    response.headers["content-language"] = HTML_LANG[language]
    response.headers["vary"] = "HX-Request, HX-Request-Type, Accept-Language, Cookie"
    if fresh:
        cookies.keep(request, response, cookies.FORM, fresh)
    if said and not is_partial(request):
        cookies.forget(request, response, cookies.TOAST)
    return response
