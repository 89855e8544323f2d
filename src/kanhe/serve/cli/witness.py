"""`kanhe witness`: a witness for logs, in a process and a folder of its own."""

from __future__ import annotations

import os
import time

from kanhe.core.settings import load_settings
from kanhe.record.log.note import NoteKey, to_base64
from kanhe.serve.cli.terminal import print_json, print_table, say, tell
from kanhe.serve.cli.wording import words
from kanhe.witnessing import make_witness, open_witness, witness_at


def init(folder: str, name: str, as_json: bool) -> None:
    """Make a witness and print its verifier key, alone on standard output; never its secret."""
    key = make_witness(folder, name)
    if as_json:
        print_json({"name": key.name, "key": str(key)})
    else:
        tell(words("witness.made", path=folder))
        say(str(key))


def add(folder: str, text: str, origin: str, as_json: bool) -> None:
    """Know a log by a key; works while the witness runs."""
    key = NoteKey.parse(text)
    origin = origin or key.name
    is_new = witness_at(folder).trust(origin, key)
    if as_json:
        print_json({"origin": origin, "key": str(key), "added": is_new})
    else:
        said = "witness.added" if is_new else "witness.added_before"
        say(words(said, origin=origin, key_id=key.key_id.hex()))


def run(folder: str, host: str, port: int, log_level: str | None, log_format: str | None) -> None:
    """Cosign until told to stop."""
    from kanhe.serve.logs import start_logging
    from kanhe.serve.witness import run_witness

    settings = load_settings(
        {"host": host, "port": port, "log_level": log_level, "log_format": log_format}, os.environ
    )
    start_logging(settings.log_level, settings.log_format)
    witness = open_witness(folder, lambda: time.time_ns() // 1_000_000)

    def listening(url: str) -> None:
        tell(words("witness.listening", name=witness.key.name, url=url))

    try:
        run_witness(witness, settings.host, settings.port, listening)
    finally:
        witness.close()
    tell(words("witness.stopped"))


def show(folder: str, as_json: bool) -> None:
    """Tell what the witness knows and has cosigned; works while it runs."""
    home = witness_at(folder)
    key, known = home.signer().key, home.known()
    if as_json:
        logs = [
            {
                "origin": log.origin,
                "keys": [str(one) for one in log.keys],
                "size": log.seen.size if log.seen else None,
                "root": to_base64(log.seen.root) if log.seen else None,
            }
            for log in known
        ]
        print_json({"name": key.name, "key": str(key), "logs": logs})
        return
    say(str(key))
    if not known:
        say(words("witness.none"))
        return
    rows = [
        (
            log.origin, " ".join(one.key_id.hex() for one in log.keys),
            log.seen.size if log.seen else "–", to_base64(log.seen.root) if log.seen else "–",
        )
        for log in known
    ]  # fmt: skip
    columns = [words(f"col.{column}") for column in ("log", "keys", "cosigned", "root")]
    print_table(columns, rows, words("witness.logs", name=key.name), right=(2,), whole=(0, 3))
