"""`kanhe ledger …`: run the sequencer, look at the log, audit it, check receipts, change keys."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kanhe.app import (
    Ledger,
    add_log_key,
    open_rows,
    open_sequencer,
    retire_log_key,
)
from kanhe.core.decision import seq_of
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.settings import Settings
from kanhe.record.log import verify as verifier
from kanhe.record.log.audit import Misfit
from kanhe.record.log.entries import was_decided
from kanhe.record.log.errors import LogError
from kanhe.record.log.note import NoteKey
from kanhe.record.log.proof import SUFFIX
from kanhe.record.log.sequencer import Sequencer
from kanhe.serve.cli.sequencing import until_stopped
from kanhe.serve.cli.terminal import (
    OK,
    REFUSED,
    complain,
    print_json,
    print_table,
    progress_bar,
    say,
    tell,
)
from kanhe.serve.cli.wording import words

_log = logging.getLogger("kanhe.ledger")
_AGAIN_S = 10.0
"""How often a witness that did not cosign is asked again while nothing is new."""
_PAUSE_S = 1.0
_GIVES_WAY = 5
"""By how many steps of niceness the sequencer stands behind the process that judges."""


def run(settings: Settings, *, once: bool, beside_parent: bool) -> int:
    """Fold until told to stop, or once all that there is.

    With `beside_parent`, the end of standard input means that the parent has gone, however it went.
    """
    from kanhe.serve.logs import start_logging

    start_logging(settings.log_level, settings.log_format)
    stop = until_stopped(beside_parent, _GIVES_WAY)
    with open_sequencer(settings) as sequencer:
        if once:
            while sequencer.fold() is not None:
                pass
            say(words("ledger.folded", size=sequencer.size))
            return OK
        _log.info("ledger.running", extra={"size": sequencer.size})
        _fold_on(sequencer, settings.log_every_ms / 1000, stop)
    return OK


def _fold_on(sequencer: Sequencer, every_s: float, stop: threading.Event) -> None:
    """Fold what comes, tell troubles when they change, and go on after a fault of the disk."""
    told: object = ()
    since_asked = 0.0
    while not stop.is_set():
        pause = every_s
        try:
            folded = sequencer.fold(again=since_asked >= _AGAIN_S)
        except (StorageError, LogError) as error:
            folded, pause = None, max(every_s, _PAUSE_S)
            told = _tell_trouble((str(error),), told)
        else:
            if folded is not None:
                told = _tell_trouble(folded.troubles, told)
                since_asked = 0.0
                pause = 0.0 if folded.added >= _MANY else every_s
        since_asked += pause
        stop.wait(pause)


_MANY = 4_096
"""After so many rows at once there is probably more: fold on without a pause."""


def _tell_trouble(troubles: tuple[str, ...], told: object) -> object:
    if troubles != told:
        for trouble in troubles:
            _log.warning("ledger.trouble", extra={"cause": trouble})
        if not troubles:
            _log.info("ledger.trouble_over")
    return troubles


def show(settings: Settings, as_json: bool) -> int:
    """Name, size, root, keys, cosignatures: what somebody needs who wants to check the log."""
    ledger = Ledger(settings)
    state = ledger.look()
    code = OK if state["cosignatures"] >= state["required"] else REFUSED
    if as_json:
        print_json(state)
        return code
    rows = [
        (words("ledger.origin"), state["origin"]),
        (words("ledger.size"), f"{state['size']:,}"),
        (words("ledger.waiting"), f"{state['waiting']:,}"),
        (words("ledger.root"), state["root"] or "–"),
        (words("ledger.cosigned"), f"{state['cosignatures']} / {state['required']}"),
        *((words("ledger.key"), key) for key in state["keys"]),
        *((words("ledger.retired_key"), key) for key in state["retired_keys"]),
        *((words("ledger.witness"), key) for key in state["witnesses"]),
    ]
    print_table([words("col.item"), words("col.value")], rows, whole=(1,))
    return code


def audit(settings: Settings, keys: Sequence[str], as_json: bool) -> int:
    """Read everything again; returns 1 and names the first thing that does not fit."""
    # The audit holds rows against the policy that decided, and loads the judging for that.
    from kanhe.app import audit_log

    trusted = [NoteKey.parse(text) for text in keys]
    try:
        with progress_bar() as bar:
            task = bar.add_task(words("ledger.auditing"), total=None)
            found = audit_log(
                settings, trusted, lambda done, rows: bar.update(task, completed=done, total=rows)
            )
    except Misfit as misfit:
        if as_json:
            print_json({"fits": False, "row": misfit.seq, "what": str(misfit)})
        else:
            tell(words("ledger.misfit", what=misfit))
        return REFUSED
    if as_json:
        print_json({"fits": True, **found._asdict(), "root": found.root.hex()})
        return OK
    say(words("ledger.fits", size=found.size, signed=found.signed, erased=found.erased))
    if found.waiting:
        say(words("ledger.not_folded", rows=found.waiting))
    for key in found.keys:
        say(words("ledger.signed_by", signer=key))
    say(words("ledger.keys_given" if trusted else "ledger.keys_not_given"))
    return OK


def verify(
    file: str,
    keys: Sequence[str],
    witnesses: Sequence[str],
    required: int | None,
    origin: str,
    as_json: bool,
) -> int:
    """Check a receipt; needs no installation. Returns 1 if it does not hold."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise KanheError(f"cannot read {file}: {error.strerror}") from None
    try:
        log_keys = [verifier.read_key(text, verifier.LOG_KEY) for text in keys]
        witness_keys = [verifier.read_key(text, verifier.WITNESS_KEY) for text in witnesses]
    except verifier.NotVerifiedError as error:
        raise KanheError(str(error)) from None
    needed = len(witness_keys) if required is None else required
    try:
        verdict = verifier.verify(raw, origin or log_keys[0].name, log_keys, witness_keys, needed)
    except verifier.NotVerifiedError as error:
        if as_json:
            print_json({"verified": False, "why": str(error)})
            return REFUSED
        return complain(words("ledger.not_verified", why=error), REFUSED)
    entry = msgspec.json.decode(verdict.entry)
    if as_json:
        print_json({"verified": True, **verdict._asdict(), "entry": entry})
        return OK
    names = ", ".join(name for name, _ in verdict.witnesses) or words("ledger.nobody")
    opened = ", ".join(words(f"ledger.{what}") for what in verdict.opened)
    say(
        words("ledger.verified", index=verdict.leaf_index, size=verdict.size, origin=verdict.origin)
    )
    say(words("ledger.by_witnesses", names=names))
    say(words("ledger.opened", what=opened or words("ledger.nothing")))
    print_json(entry)
    return OK


def receipt(
    settings: Settings, decision: str, tenant: str, output: str, *, with_event: bool
) -> int:
    """Write the receipt of a decision; returns 1 if there is none (yet)."""
    seq = seq_of(decision)
    ledger = Ledger(settings)
    row = next(open_rows(settings)(seq - 1), None) if seq else None
    if row is None or row.seq != seq or row.tenant != tenant or not was_decided(row):
        return complain(words("ledger.no_decision", decision=decision), REFUSED)
    made = ledger.receipt(row, with_event=with_event)
    if made is None:
        return complain(words("ledger.pending", decision=decision), REFUSED)
    if output == "-":
        sys.stdout.buffer.write(made)
        return OK
    path = Path(output or f"{decision}{SUFFIX}")
    try:
        path.write_bytes(made)
    except OSError as error:
        raise KanheError(f"cannot write {path}: {error.strerror}") from None
    tell(words("ledger.receipt_written", path=path))
    return OK


def rotate_key(settings: Settings, retire: int, as_json: bool) -> int:
    """Add a key that signs beside the others, or let one retire; tells public keys only."""
    key = retire_log_key(settings, retire) if retire else add_log_key(settings)
    if as_json:
        print_json({"number": key.number, "key": str(key.key), "retired": key.retired})
        return OK
    what = "ledger.key_retired" if retire else "ledger.key_added"
    say(words(what, number=key.number, public=key.key))
    return OK
