"""`kanhe dataset`: training sets from history."""

from __future__ import annotations

from pathlib import Path

from kanhe.app import build_dataset, build_dataset_of_files
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.core.time import duration_ms
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.dataset import DatasetFacts, Wanted
from kanhe.record.labels import VERDICTS
from kanhe.replay import day_end_of, span_of
from kanhe.serve.cli.evidence import files_of, show_account
from kanhe.serve.cli.packs import folder_of
from kanhe.serve.cli.terminal import OK, print_json, print_table, rows_bar, say, shown_time, tell
from kanhe.serve.cli.wording import words


def build(
    settings: Settings,
    out: Path,
    begin: str,
    end: str,
    label_delay: str,
    as_of: str,
    types: list[str],
    positive: list[str],
    tenant: str | None,
    policy: Path | None,
    data: list[Path],
    maps: list[Path],
    as_json: bool,
) -> int:
    """Write a training set and say what is in it, and what is not."""
    files = files_of(data, maps)
    wrong = sorted(set(positive) - set(VERDICTS))
    if wrong:
        raise SettingsError(words("dataset.verdict", got=wrong[0], known=", ".join(VERDICTS)))
    wanted = Wanted(
        span=span_of(begin, end),
        types=frozenset(types),
        label_delay_ms=0 if label_delay == "0" else duration_ms(label_delay),
        as_of_ms=day_end_of(as_of, "--as-of") if as_of else None,
        positive=frozenset(positive),
        tenant=tenant,
        # First of all, so that a mistake in the pack is told before anything begins.
        pack=load_pack(folder_of(settings, policy)) if files or policy is not None else None,
    )
    account = None
    with rows_bar(words("dataset.progress")) as progress:
        if files:
            facts, account = build_dataset_of_files(settings, files, wanted, out, progress)
        else:
            facts = build_dataset(settings, wanted, out, progress)
    if as_json:
        told = {"file": str(out), "dataset": facts}
        print_json(told if account is None else told | {"lines": account})
    else:
        _show(out, facts)
        if account is not None:
            show_account(account)
    return OK


def _show(out: Path, facts: DatasetFacts) -> None:
    say(words("dataset.written", file=str(out), rows=facts.rows, features=len(facts.features),
              types=", ".join(facts.types), pack=facts.pack))  # fmt: skip
    say(words("dataset.recomputed" if facts.recomputed else "dataset.served"))
    say(words("dataset.labels", positives=facts.positives, negatives=facts.negatives,
              silent=facts.silent, unlabelled=facts.unlabelled, unripe=facts.unripe,
              as_of=shown_time(facts.as_of_ms)))  # fmt: skip
    if facts.unconverted:
        say(words("dataset.unconverted", count=facts.unconverted))
    if facts.left_out:
        rows = [(words(f"left_out.{why}"), count) for why, count in facts.left_out.items()]
        columns = [words("col.left_out"), words("col.rows")]
        print_table(columns, rows, title=words("dataset.left_out"), right=(1,))
    if not facts.positives:
        tell(words("dataset.no_positive"))
