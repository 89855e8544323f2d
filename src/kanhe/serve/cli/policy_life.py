"""`kanhe policy propose` to `rollback`: the one life of a policy pack."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kanhe.app import Follower, kept_policy, open_history, shadow_report, warm_policy
from kanhe.core.decision import SEVERITY, decision_id
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.core.time import MINUTE_MS, duration_ms
from kanhe.judge.language.source import PolicyError, PolicyErrors
from kanhe.judge.policy.pack import load_pack
from kanhe.judge.rules.reasons import shown_amount
from kanhe.replay import Comparison, backtest, span_of
from kanhe.serve.cli.packs import report_mistakes
from kanhe.serve.cli.policy_desk import Desk, RefusedError, open_desk
from kanhe.serve.cli.terminal import OK, REFUSED, complain, print_json, print_table, rows_bar, say
from kanhe.serve.cli.wording import words

_SHOWN = 19
"""Characters of a hash that tell packs apart at a glance."""
_FOLLOW_S = 0.5
_GIVES_WAY = 10


def propose(
    settings: Settings, folder: Path, why: str, server: str, token_file: str, as_json: bool
) -> int:
    """Hand a pack in. Returns 1 if it has mistakes, or the step is refused."""
    try:
        pack = load_pack(folder)
    except (PolicyErrors, PolicyError) as error:
        report_mistakes(error, as_json)
        return REFUSED
    return _asked(settings, server, token_file, as_json, lambda desk: desk.propose(pack, why))


def status(settings: Settings, reference: str, server: str, token_file: str, as_json: bool) -> int:
    """Show all packs, or one with its steps."""

    def ask(desk: Desk) -> dict[str, Any]:
        return desk.show(reference) if reference else desk.view()

    return _asked(settings, server, token_file, as_json, ask)


def take_step(
    settings: Settings,
    step: str,
    reference: str,
    asked: dict[str, Any],
    server: str,
    token_file: str,
    as_json: bool,
) -> int:
    """Have a pack take a step."""
    return _asked(
        settings, server, token_file, as_json, lambda desk: desk.step(step, reference, asked)
    )


def share(
    settings: Settings, reference: str, percent: float, why: str, server: str, token_file: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Give a pack a share of the traffic; `percent` has one decimal at most."""
    permille = round(percent * 10)
    if not 0 <= permille <= 1000 or abs(permille - percent * 10) > 1e-9:
        raise KanheError(words("life.percent", got=percent))
    asked = {"why": why, "share_permille": permille}
    return take_step(settings, "share", reference, asked, server, token_file, as_json)


def rollback(settings: Settings, why: str, server: str, token_file: str, as_json: bool) -> int:
    """Bring the pack before back."""
    return _asked(settings, server, token_file, as_json, lambda desk: desk.rollback(why))


def release(
    settings: Settings, rule: str, event_type: str, outcome: str, for_: str, why: str, server: str,
    token_file: str, as_json: bool,
) -> int:  # fmt: skip
    """Let a rule go that the governor holds."""
    minutes = duration_ms(for_) // MINUTE_MS if for_ else 0
    asked = {
        "rule": rule, "event_type": event_type, "outcome": outcome, "minutes": minutes, "why": why,
    }  # fmt: skip
    return _asked(settings, server, token_file, as_json, lambda desk: desk.release(asked))


def backtest_step(
    settings: Settings, reference: str, begin: str, end: str, why: str, server: str,
    token_file: str, as_json: bool,
) -> int:  # fmt: skip
    """Decide the past of the journal again under a proposed pack, and note what came of it."""
    span = span_of(begin, end)
    try:
        with open_desk(settings, server, token_file) as desk:
            policy = desk.show(reference)["hash"]
    except RefusedError as error:
        return complain(str(error), REFUSED)
    found = Comparison(policy=policy)
    with open_history(settings) as history, rows_bar(words("replay.progress")) as progress:
        if history is not None:
            pack = kept_policy(history, policy)
            for _ in backtest(history, pack, span, found, progress):
                pass
    asked = {"why": why, "facts": found.facts()}
    return take_step(settings, "backtested", policy, asked, server, token_file, as_json)


def compare(
    settings: Settings, reference: str, most: int, server: str, token_file: str, as_json: bool
) -> int:
    """Tell what a pack in shadow would have decided. Returns 1 if nothing is known yet."""
    try:
        with open_desk(settings, server, token_file) as desk:
            policy = desk.show(reference)["hash"]
    except RefusedError as error:
        return complain(str(error), REFUSED)
    found = shadow_report(settings, policy, most)
    if found is None:
        return complain(words("shadow.nothing", policy=policy[:_SHOWN]), REFUSED)
    if as_json:
        print_json({
            **found._asdict(),
            "agreement": [one._asdict() for one in found.agreement],
            "rules": [one._asdict() for one in found.rules],
            "examples": [one._asdict() for one in found.examples],
        })  # fmt: skip
        return OK
    events = sum(one.events for one in found.agreement)
    same = sum(one.events for one in found.agreement if one.live == one.shadow)
    part = f"{same / events:.2%}" if events else "–"
    say(
        words(
            "shadow.agree", first=found.first + 1, last=found.upto, events=f"{events:,}", share=part
        )
    )
    columns = [words(f"col.{c}") for c in ("live", "shadow", "events", "money")]
    ranked = sorted(found.agreement, key=lambda a: (SEVERITY[a.live], SEVERITY[a.shadow]))
    print_table(
        columns,
        [(a.live, a.shadow, a.events, shown_amount(a.amount_minor, found.base)) for a in ranked],
        right=(2, 3),
    )
    if found.rules:
        columns = [words(f"col.{c}") for c in ("rule", "fired", "newly_denied", "money")]
        rows = [
            (r.rule, r.fired, r.newly_denied, shown_amount(r.amount_minor, found.base))
            for r in found.rules
        ]
        print_table(columns, rows, title=words("shadow.rules"), right=(1, 2, 3), whole=(0,))
    if found.examples:
        columns = [words(f"col.{c}") for c in ("decision_id", "type", "live", "shadow", "rules")]
        print_table(
            columns,
            [(decision_id(e.seq), e.type, e.live, e.shadow, " ".join(e.rules))
             for e in found.examples],
            title=words("shadow.examples"), whole=(0,),
        )  # fmt: skip
    return OK


def warm(settings: Settings, policy: str, *, beside_parent: bool) -> int:
    """Make the memory of a kept pack ready, for the server that asked for it."""
    if beside_parent:
        _go_with_parent()
    with rows_bar(words("life.warming")) as progress:
        last = warm_policy(settings, policy, progress)
    say(words("life.warmed", policy=policy[:_SHOWN], last=last))
    return OK


def follow(settings: Settings, policy: str, *, once: bool, beside_parent: bool) -> int:
    """Judge in shadow until told to stop, or once all that there is."""
    if beside_parent:
        _go_with_parent()
    follower = Follower(settings, policy)
    try:
        with rows_bar(words("life.warming")) as progress:
            count = follower.follow(progress)
        while not once:
            time.sleep(_FOLLOW_S)
            follower.follow()
    except KeyboardInterrupt:
        return OK
    finally:
        follower.close()
    say(words("shadow.followed", events=count))
    return OK


def _go_with_parent() -> None:
    """Give way to the process that judges, and end when it does, however it went: a crash at any
    moment loses nothing here."""
    os.nice(_GIVES_WAY)

    def wait() -> None:
        # Not through `sys.stdin`, whose lock would be held when this process ends by itself.
        while os.read(0, 1):
            pass
        os._exit(OK)

    threading.Thread(target=wait, daemon=True).start()


def _asked(settings: Settings, server: str, token_file: str, as_json: bool, ask: Any) -> int:
    """Ask and show what comes back. Returns 1 if it is refused."""
    try:
        with open_desk(settings, server, token_file) as desk:
            found = ask(desk)
    except RefusedError as error:
        return complain(str(error), REFUSED)
    if as_json:
        print_json(found)
    elif "packs" in found:
        _show_all(found)
    elif "moves" in found:
        _show_one(found)
    else:
        say(words("life.released", rule=found.get("released", "")))
    return OK


def _show_all(found: dict[str, Any]) -> None:
    say(words("life.in_force", hash=found["in_force"]))
    if found["wanted"] != found["in_force"]:
        say(words("life.wanted", hash=found["wanted"]))
    if found["from_settings"]:
        say(words("life.from_settings"))
    for held in found.get("held", ()):
        say(words("life.held", **held))
    if not found["packs"]:
        say(words("life.none"))
        return
    columns = [words(f"col.{c}") for c in ("hash", "name", "version", "state", "stands_since", "proposer",
                                           "approved_by", "traffic")]  # fmt: skip
    rows = [
        (p["hash"][:_SHOWN], p["name"], p["version"], words(f"life.state.{p['state']}"),
         _moment(p["since_ms"]), p["author"], p["approved_by"], _percent(p["share_permille"]))
        for p in found["packs"]
    ]  # fmt: skip
    print_table(columns, rows, whole=(0, 4))


def _show_one(found: dict[str, Any]) -> None:
    say(f"{found['name']} {found['version']}  {found['hash']}")
    say(words(f"life.state.{found['state']}"))
    columns = [words(f"col.{c}") for c in ("when", "step", "who", "because", "found")]
    rows = [
        (_moment(m["at_ms"]), words(f"life.step.{m['step']}"), m["by"], m["why"],
         " ".join(f"{name}={value}" for name, value in m["facts"].items()))
        for m in found["moves"]
    ]  # fmt: skip
    print_table(columns, rows, whole=(0,))


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _percent(permille: int) -> str:
    return f"{permille / 10:g} %" if permille else "–"
