"""`kanhe hooks`: sources of notices. Works while a server runs on the same folder.

Secrets come from files or standard input, or are typed unseen; never from the command line, which
other people on the machine can read.
"""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kanhe.app.hook_trial import try_source
from kanhe.app.hooks import HookDesk, HookError, HookSource, mapping_of_file
from kanhe.core.errors import Refusal, SettingsError
from kanhe.core.notice import Notice
from kanhe.core.settings import Settings
from kanhe.core.time import duration_ms
from kanhe.judge.intake.hooks import understand
from kanhe.judge.intake.reader import Reader
from kanhe.judge.language.source import PolicyError, PolicyErrors
from kanhe.judge.policy.pack import load_pack
from kanhe.protect.inbound.credentials import (
    LONGEST,
    Credential,
    Kind,
    read_credential,
    serial_of_certificate,
)
from kanhe.protect.inbound.providers import PROVIDERS, Provider
from kanhe.protect.inbound.reading import read_object
from kanhe.serve.cli.packs import folder_of, report_mistakes
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, print_table, say, tell
from kanhe.serve.cli.wording import either, words


class Given(NamedTuple):
    """Where the secrets and keys of a source are to be read from; empty where there is none."""

    secret: str
    public_key: str
    serial: str
    password: str


def add(
    settings: Settings,
    name: str,
    provider: str,
    given: Given,
    account: str,
    mapping: str,
    rate: float,
    tenant: str,
    as_json: bool,
) -> None:
    """Make a source, and say what to enter at its provider."""
    known = PROVIDERS.get(provider)
    if known is None:
        raise SettingsError(words("hooks.no_provider", name=provider, known=", ".join(PROVIDERS)))
    if given.secret == "-" and ("secret" not in known.needs or (known.either and given.public_key)):
        given = given._replace(secret="")
    desk = HookDesk(settings, now_ms)
    try:
        source = desk.add(
            name, tenant, provider, _credentials(known, given),
            mapping=mapping, account=account, rate_per_s=rate,
        )  # fmt: skip
    finally:
        desk.close()
    if as_json:
        print_json(_described(source))
        return
    tell(words("hooks.added", name=name, provider=known.title, tenant=tenant))
    say(f"/v1/hooks/{name}")
    tell(words("hooks.next", name=name))


def show(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List the sources; never what they keep secret."""
    desk = HookDesk(settings, now_ms)
    try:
        found = [_described(source) for source in desk.all(tenant)]
    finally:
        desk.close()
    if as_json:
        print_json(found)
    elif not found:
        say(words("hooks.none"))
    else:
        columns = ("name", "tenant", "provider", "hook_map", "account", "hook_secrets", "created")
        rows = [
            (
                one["name"], one["tenant"], PROVIDERS[one["provider"]].title, one["mapping"],
                one["account"] or "–", "\n".join(_in_words(each) for each in one["credentials"]),
                _date(one["created_ms"]),
            )
            for one in found
        ]  # fmt: skip
        print_table([words(f"col.{column}") for column in columns], rows, whole=(0,))


def rotate(settings: Settings, name: str, given: Given, overlap: str, as_json: bool) -> None:
    """Give a source a new secret or key, which counts beside the one before for a while."""
    desk = HookDesk(settings, now_ms)
    try:
        provider = desk.get(name).provider
        fresh = _credentials(provider, given)
        if not fresh:
            raise SettingsError(words("hooks.nothing_given"))
        overlap_ms = 0 if overlap == "0" else duration_ms(overlap)
        source = desk.rotate(name, fresh, overlap_ms)
    finally:
        desk.close()
    if as_json:
        print_json(_described(source))
    else:
        say(words("hooks.rotated", name=name, overlap=overlap))


def remove(settings: Settings, name: str, as_json: bool) -> None:
    """Forget a source and its secrets."""
    desk = HookDesk(settings, now_ms)
    try:
        desk.remove(name)
    finally:
        desk.close()
    if as_json:
        print_json({"removed": name})
    else:
        say(words("hooks.removed", name=name))


def test(settings: Settings, name: str, url: str, as_json: bool) -> int:
    """Send a signed sample to the running server; returns 1 if it was not taken."""
    desk = HookDesk(settings, now_ms)
    try:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
        host = f"[{host}]" if ":" in host else host
        trial = try_source(desk, name, url or f"http://{host}:{settings.port}", now_ms)
    finally:
        desk.close()
    if as_json:
        print_json({**trial._asdict(), "ok": trial.ok})
    elif trial.ok:
        say(words("hooks.arrived", url=trial.url, sent=trial.sent, status=trial.status))
        say(words("hooks.became", events=trial.events or "–"))
        if trial.answer:
            say(words("hooks.answered", answer=trial.answer))
    else:
        tell(words("hooks.not_taken", url=trial.url, status=trial.status, problem=trial.problem))
        if trial.answer:
            tell(trial.answer)
    return OK if trial.ok else REFUSED


def check(settings: Settings, file: Path, notice: Path | None, topic: str, as_json: bool) -> int:
    """Check a mapping and show every mistake; with a notice, show what it becomes."""
    registry = load_pack(folder_of(settings, None)).registry
    try:
        mapping = mapping_of_file(file, registry)
    except (PolicyErrors, PolicyError) as error:
        report_mistakes(error, as_json)
        return REFUSED
    if notice is None:
        if as_json:
            print_json({"fine": True, "name": mapping.name, "provider": mapping.provider})
        else:
            say(words("hooks.fine", name=mapping.name, title=either(mapping.en, mapping.zh)))
        return OK
    document = _read_notice(notice)
    found = understand(
        mapping, Notice("example", document, {"topic": topic, "received_ms": str(now_ms())}),
        mapping.provider,
    )  # fmt: skip
    mistakes = list(found.mistakes)
    events = []
    for one in found.events:
        try:
            arrival = Reader(registry).read("example", one.body, now_ms())
        except Refusal as refusal:
            mistakes.append(f"{one.type}: {refusal}")
        else:
            events.append({"decide": one.decide, **msgspec.json.decode(arrival.body)})
    if as_json:
        told = {"events": events, "set_aside": found.aside, "mistakes": mistakes}
        print_json({**told, "left_out": list(found.left_out)})
    else:
        for event in events:
            say(msgspec.json.format(msgspec.json.encode(event), indent=2).decode())
        if found.aside:
            kind = mapping.kinds().get(found.aside)
            why = either(kind.en, kind.zh) if kind else words(f"hooks.{found.aside}")
            say(words("hooks.aside", kind=found.aside, why=why))
        for left_out in found.left_out:
            tell(words("hooks.left_out", why=left_out))
        for mistake in mistakes:
            tell(mistake)
    return REFUSED if mistakes else OK


def _read_notice(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HookError(f"cannot read {path}: {error.strerror}") from error
    return read_object(raw)


def _credentials(provider: Provider, given: Given) -> list[Credential]:
    """What was given, read and checked. Raises `KanheError`, which never quotes it."""
    found = []
    kinds: tuple[tuple[Kind, str], ...] = (
        ("secret", given.secret), ("public_key", given.public_key), ("password", given.password),
    )  # fmt: skip
    for kind, place in kinds:
        if not place:
            continue
        read = provider.reads.get(kind)
        if read is None:
            raise SettingsError(words(f"hooks.takes_no_{kind}", provider=provider.title))
        text = _text_from(place, words(f"hooks.type_{kind}", provider=provider.title))
        label = ""
        if kind == "public_key" and provider.by_serial:
            label = given.serial or serial_of_certificate(text)
        found.append(read_credential(read, text, kind, label, now_ms()))
    return found


def _text_from(place: str, prompt: str) -> str:
    """A secret from a file, from standard input, or as typed."""
    if place != "-":
        try:
            with Path(place).open(encoding="utf-8") as file:
                return file.read(LONGEST + 1)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise HookError(f"cannot read {place}: {reason}") from None
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.read(LONGEST + 1)


def _described(source: HookSource) -> dict[str, Any]:
    row, now = source.row, now_ms()
    return {
        "name": row.name,
        "path": f"/v1/hooks/{row.name}",
        "tenant": row.tenant,
        "provider": row.provider,
        "mapping": row.mapping,
        "account": row.account,
        "rate_per_s": row.rate_per_s,
        "created_ms": row.created_ms,
        "credentials": [
            {
                "kind": one.kind, "label": one.label, "created_ms": one.created_ms,
                "until_ms": one.until_ms, "in_force": one.good_at(now),
            }
            for one in source.credentials
        ],
    }  # fmt: skip


def _in_words(credential: dict[str, Any]) -> str:
    told: str = words(f"hooks.kind_{credential['kind']}")
    if credential["label"]:
        told += f" {credential['label']}"
    if not credential["in_force"]:
        return told + " " + words("hooks.ran_out")
    if credential["until_ms"]:
        moment = datetime.fromtimestamp(credential["until_ms"] / 1000, UTC)
        told += " " + words("hooks.until", moment=moment.strftime("%Y-%m-%d %H:%M UTC"))
    return told


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
