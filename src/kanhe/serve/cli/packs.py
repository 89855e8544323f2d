"""`kanhe policy`: check a pack, show what it says, find the one that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kanhe.core.settings import Settings
from kanhe.judge.language.source import PolicyError, PolicyErrors
from kanhe.judge.policy.check import describe
from kanhe.judge.policy.pack import load_pack, starter_path
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, print_table, say, tell
from kanhe.serve.cli.wording import either, words


def folder_of(settings: Settings, folder: Path | None) -> Path:
    """The pack named, else the one of the settings, else the starter pack."""
    if folder is not None:
        return folder
    return Path(settings.policy) if settings.policy else starter_path()


def check(settings: Settings, folder: Path | None, as_json: bool) -> int:
    """Report every mistake with its place; returns 1 if there is one."""
    try:
        pack = load_pack(folder_of(settings, folder))
    except (PolicyErrors, PolicyError) as error:
        report_mistakes(error, as_json)
        return REFUSED
    told = describe(pack)
    if as_json:
        print_json({"fine": True, "hash": told["hash"], "advice": told["advice"]})
        return OK
    counts = told["counts"]
    say(
        words(
            "policy.fine", name=told["name"], version=told["version"],
            features=counts["features"], rules=counts["rules"], lists=counts["lists"],
        )
    )  # fmt: skip
    say(told["hash"])
    if told["advice"]:
        say("\n" + words("policy.advice"))
        for advice in told["advice"]:
            say(f"  {advice['place']}: {either(advice['message'], advice['message_zh'])}")
    return OK


def show(settings: Settings, folder: Path | None, as_json: bool) -> None:
    """Show what a pack says."""
    told = describe(load_pack(folder_of(settings, folder)))
    if as_json:
        print_json(told)
        return
    say(f"{told['name']} {told['version']}  {told['hash']}")
    say(either(told["description"]["en"], told["description"]["zh"]))
    say(words("policy.verdict", **{k: told["verdict"][k] for k in ("challenge", "review", "deny")}))
    _show_features(told["features"])
    _show_rules(told["rules"])
    columns = [words(f"col.{c}") for c in ("name", "holds", "kind", "entries", "meaning")]
    rows = [(x["name"], x["holds"], x["kind"], x["entries"], either(x["en"], x["zh"]))
            for x in told["lists"]]  # fmt: skip
    print_table(columns, rows, title=words("policy.lists"), right=(3,), whole=(0,))


def path() -> None:
    """Where the starter pack lies, for copying."""
    say(str(starter_path()))


def _show_features(features: list[dict[str, Any]]) -> None:
    columns = [words(f"col.{c}") for c in ("name", "what")]
    rows = [(f["name"], _said(f)) for f in features]
    print_table(columns, rows, title=words("policy.features"), whole=(0,))


def _said(feature: dict[str, Any]) -> str:
    """One feature nearly as its pack declares it."""
    said = [feature["function"], ", ".join(feature["types"])]
    if "field" in feature:
        said.append(f"{feature['field']}")
    said.append(f"by {' + '.join(feature['by'])}")
    said += [f"{k} {feature[k]}" for k in ("over", "delay", "of", "where") if k in feature]
    return " ".join(said)


def _show_rules(rules: list[dict[str, Any]]) -> None:
    columns = [words(f"col.{c}") for c in ("id", "points", "outcome", "reason")]
    rows = [
        (r["id"], r["points"], r["outcome"] or "", "\n".join([either(r["en"], r["zh"]), " ".join(r["tags"])]))
        for r in rules
    ]  # fmt: skip
    print_table(columns, rows, title=words("policy.rules"), right=(1,), whole=(0,))


def report_mistakes(error: PolicyErrors | PolicyError, as_json: bool) -> None:
    """Show the mistakes of a pack."""
    errors = error.errors if isinstance(error, PolicyErrors) else [error]
    if as_json:
        mistakes = [
            {
                "path": e.path,
                "line": e.line,
                "column": e.column,
                "message": e.message,
                "hint": e.hint,
            }
            for e in errors
        ]
        print_json({"fine": False, "mistakes": mistakes})
        return
    for one in errors:
        tell(f"{one}\n")
    tell(words("policy.mistakes" if len(errors) > 1 else "policy.mistake", count=len(errors)))
