"""Check a receipt of Kanhe, offline and alone: `python verify.py RECEIPT --key KEY [--witness KEY]…`.

This file needs Python 3.11, the package `cryptography`, and nothing else of Kanhe: copy it
anywhere, read it whole. It repeats on purpose what Kanhe's own modules do, so that a mistake there
is not made again here. What it checks, in this order:

(1) The file is a proof as c2sp.org/tlog-proof@v1 writes it, and holds the entry.
(2) Its checkpoint is of the log named, and signed by the log's key (c2sp.org/signed-note).
(3) Enough of the witnesses named have cosigned that checkpoint (c2sp.org/tlog-cosignature).
(4) The entry stands at its index in the tree of the checkpoint (RFC 9162, section 2.1.3.2).
(5) Event and answer, if they are shown, are those that the entry commits to.

What that shows: the log has committed to this entry, at this place, in front of these witnesses,
and cannot show others a history without it. What it does not show: that the entry is true.

It ends with status 0 if all holds, 1 if not, 2 if it was called wrongly.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_KEY = 0x01
WITNESS_KEY = 0x04
DASH = "\u2014"


class NotVerifiedError(Exception):
    """The receipt proves nothing; the text says which check failed."""


class Key(NamedTuple):
    """A public key: the name it signs with, the 4 bytes that identify it, and the key itself."""

    name: str
    key_id: bytes
    public: bytes


class Verdict(NamedTuple):
    """What was shown by a receipt in which everything holds."""

    origin: str
    size: int
    leaf_index: int
    entry: bytes
    witnesses: tuple[tuple[str, int], ...]
    """Name, and time of the cosignature in seconds since 1970-01-01 UTC."""
    opened: tuple[str, ...]
    """Which of `event` and `answer` are shown and fit."""


def read_key(text: str, kind: int) -> Key:
    """Read `name+keyid+base64`; raises `NotVerifiedError` unless it is a key of this kind."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    value = _base64(encoded)
    if not name or any(map(str.isspace, name)) or len(value) != 33 or value[0] != kind:
        raise NotVerifiedError(
            f"not a key of type {kind:#04x}, written name+keyid+base64: {text!r}"
        )
    wanted = hashlib.sha256(name.encode() + b"\n" + value).digest()[:4]
    if key_id != wanted.hex():
        raise NotVerifiedError(f"the key id does not fit the key, copy it again: {text!r}")
    return Key(name, wanted, value[1:])


def verify(
    receipt: bytes,
    origin: str,
    log_keys: Sequence[Key],
    witness_keys: Sequence[Key] = (),
    required: int = 0,
) -> Verdict:
    """Check a receipt in the five steps above; raises `NotVerifiedError` at the first that fails."""
    # (1) The file.
    index, hashes, checkpoint, extra = _split_proof(receipt)
    entry = _text(extra, "entry")
    if entry is None:
        raise NotVerifiedError("the file holds no entry")
    # (2) The checkpoint and the log's signature.
    text, signatures = _split_note(checkpoint)
    size, root = _split_checkpoint(text, origin)
    # Every key is tried, here and below, so that a false signature is never passed over.
    signed = [_has_signed(key, text, signatures) for key in log_keys]
    if not any(signed):
        raise NotVerifiedError("the checkpoint is not signed by the log's key")
    # (3) The witnesses. Two names of one key count once.
    seen: dict[bytes, tuple[str, int]] = {}
    for key in witness_keys:
        at_s = _cosigned_at(key, text, signatures)
        if at_s is not None:
            seen.setdefault(key.public, (key.name, at_s))
    if len(seen) < required:
        raise NotVerifiedError(f"{required} witnesses must have cosigned, {len(seen)} have")
    # (4) The tree.
    if _root(index, size, hashlib.sha256(b"\x00" + entry).digest(), hashes) != root:
        raise NotVerifiedError("the entry is not in the tree of the checkpoint")
    # (5) What is opened.
    committed = _object(entry, "entry")
    opened = [
        what
        for what in ("event", "answer")
        if _opens(what, _text(extra, what), extra.get(f"{what}_salt"), committed.get(what))
    ]
    return Verdict(origin, size, index, entry, tuple(seen.values()), tuple(opened))


def _split_proof(raw: bytes) -> tuple[int, list[bytes], bytes, dict[str, Any]]:
    """Index, inclusion proof, checkpoint and extra data of a `.tlog-proof` file."""
    head, gap, checkpoint = raw.partition(b"\n\n")
    lines = _decoded(head).split("\n")
    if not gap or len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1":
        raise NotVerifiedError("not a file of the form c2sp.org/tlog-proof@v1 with extra data")
    if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise NotVerifiedError("the second line says extra, the third says index")
    hashes = [_base64(line) for line in lines[3:]]
    if len(hashes) > 63 or any(len(one) != 32 for one in hashes):
        raise NotVerifiedError("the inclusion proof is not made of at most 63 hashes")
    extra = _object(_base64(lines[1][6:]), "extra data")
    return _number(lines[2][6:]), hashes, checkpoint, extra


def _split_note(raw: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The signed text with its last newline, and (name, key id, signature) of each line below."""
    whole = _decoded(raw)
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise NotVerifiedError("the checkpoint is not a signed note")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != DASH:
            raise NotVerifiedError("the checkpoint has a line that is no signature")
        value = _base64(parts[2])
        signatures.append((parts[1], value[:4], value[4:]))
    return text + "\n", signatures


def _split_checkpoint(text: str, origin: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint, which must be of the log `origin`."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NotVerifiedError("a checkpoint has three lines or more, and none is empty")
    if lines[0] != origin:
        raise NotVerifiedError(f"the checkpoint is of another log: {lines[0]!r}, not {origin!r}")
    root = _base64(lines[2])
    if len(root) != 32:
        raise NotVerifiedError("the root of the checkpoint has not 32 bytes")
    return _number(lines[1]), root


def _has_signed(key: Key, text: str, signatures: list[tuple[str, bytes, bytes]]) -> bool:
    """Whether the log's key has signed; a signature under its name that does not fit is an error."""
    values = [value for name, key_id, value in signatures if (name, key_id) == key[:2]]
    for value in values:
        _check_signature(key, value, text.encode())
    return bool(values)


def _cosigned_at(key: Key, text: str, signatures: list[tuple[str, bytes, bytes]]) -> int | None:
    """When a witness has cosigned, in seconds since 1970; `None` if it has not."""
    at_s = None
    for name, key_id, value in signatures:
        if (name, key_id) == key[:2]:
            at_s = int.from_bytes(value[:8], "big")
            message = f"cosignature/v1\ntime {at_s}\n{text}"
            _check_signature(key, value[8:], message.encode())
    return at_s


def _check_signature(key: Key, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise NotVerifiedError(f"the signature of {key.name} does not hold") from None


def _root(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root to which the inclusion proof leads (RFC 9162, section 2.1.3.2)."""
    if index >= size:
        raise NotVerifiedError(f"a tree of {size} entries has no entry {index}")
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise NotVerifiedError("the inclusion proof is too long")
        if node % 2 == 1 or node == last:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        node, last = node // 2, last // 2
    if last != 0:
        raise NotVerifiedError("the inclusion proof is too short")
    return root


def _opens(what: str, shown: bytes | None, salt: Any, committed: Any) -> bool:
    """Whether `what` is shown; an error if it is, and is not what the entry commits to."""
    if shown is None and salt is None:
        return False
    if shown is None or not isinstance(salt, str) or not re.fullmatch(r"[0-9a-f]{32}", salt):
        raise NotVerifiedError(f"{what} and {what}_salt, 32 hex digits, belong together")
    label = f"kanhe-{what}-v1".encode()
    if hashlib.sha256(label + b"\x00" + bytes.fromhex(salt) + shown).hexdigest() != committed:
        raise NotVerifiedError(f"the {what} shown is not the one in the entry")
    return True


def _object(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON object in which no key comes twice, so that nobody reads another value than is checked."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise NotVerifiedError(f"the {what} has a key twice")
        return dict(pairs)

    try:
        value = json.loads(_decoded(raw), object_pairs_hook=once)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NotVerifiedError(f"the {what} is not a JSON object")
    return value


def _text(extra: dict[str, Any], key: str) -> bytes | None:
    """The bytes of a text in the extra data; `None` if it is left out."""
    value = extra.get(key)
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return value.encode()
    except UnicodeEncodeError:
        pass
    raise NotVerifiedError(f"{key} is not a text")


def _number(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >= 2**63:
        raise NotVerifiedError(f"not a number from 0 to 2**63 - 1: {text[:40]!r}")
    return int(text)


def _base64(text: str) -> bytes:
    """The bytes of a base64 text (RFC 4648), written in the one way that encoding them gives."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if base64.b64encode(value).decode() != text:
        raise NotVerifiedError(f"not base64: {text[:80]!r}")
    return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise NotVerifiedError("the file is not UTF-8") from None


def main(argv: Sequence[str]) -> int:
    """Check the receipt that the arguments name, and say on standard output what it shows."""
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Check a receipt of Kanhe, offline and alone."
    )
    parser.add_argument("receipt", help="the .tlog-proof file, or - for standard input")
    parser.add_argument("--key", action="append", required=True, help="a key of the log, as text")
    parser.add_argument("--origin", help="the name of the log; default: the name of its first key")
    parser.add_argument(
        "--witness", action="append", default=[], help="a key of a witness, as text"
    )
    parser.add_argument("--required", type=int, help="how many witnesses; default: all named")
    options = parser.parse_args(argv)
    required = len(options.witness) if options.required is None else options.required
    try:
        raw = sys.stdin.buffer.read() if options.receipt == "-" else _file(options.receipt)
        log_keys = [read_key(text, LOG_KEY) for text in options.key]
        witness_keys = [read_key(text, WITNESS_KEY) for text in options.witness]
    except (OSError, NotVerifiedError) as problem:
        sys.stderr.write(f"verify.py: {problem}\n")
        return 2
    try:
        origin = options.origin or log_keys[0].name
        verdict = verify(raw, origin, log_keys, witness_keys, required)
    except NotVerifiedError as problem:
        sys.stdout.write(f"NOT VERIFIED: {problem}\n")
        return 1
    sys.stdout.write("\n".join([*_lines(verdict), ""]))
    return 0


def _file(path: str) -> bytes:
    return Path(path).read_bytes()


def _lines(verdict: Verdict) -> list[str]:
    """The verdict for a reader. What comes from the receipt is escaped, so that it cannot pose."""
    names = [f"{name!a} at {at_s}" for name, at_s in verdict.witnesses]
    return [
        f"VERIFIED: entry {verdict.leaf_index} of {verdict.size} in the log {verdict.origin!a}",
        f"cosigned by: {', '.join(names) or 'nobody that was asked for'}",
        f"shown and fitting: {', '.join(verdict.opened) or 'the entry alone'}",
        f"entry: {json.dumps(json.loads(verdict.entry))}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
