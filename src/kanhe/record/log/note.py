"""Signed notes (C2SP signed-note): a text, and below it one line per signature.

The text must not be believed before a key that one trusts has been found to have signed it, so
parsing gives a `Note` whose text is to be used through `verify_note` only. Keys travel as text:
`name+keyid+base64` for checking, `PRIVATE+KEY+name+keyid+base64` for signing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import ClassVar, NamedTuple, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kanhe.record.log.errors import FormatError, SignatureError

ED25519 = 0x01
"""The signature type of a plain Ed25519 signature over the text of a note."""
MAX_NOTE_BYTES = 262_144
MAX_SIGNATURES = 64
"""The standard asks for room for at least 16."""
KEY_BYTES = 32

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014"
_SECRET = "PRIVATE+KEY+"


class Signature(NamedTuple):
    """One signature line: who says to have signed, and the bytes of it."""

    name: str
    key_id: bytes
    """4 bytes that tell the keys of one name apart; they prove nothing."""
    value: bytes

    def line(self) -> str:
        """The line as it stands in a note, without its newline."""
        return f"{_DASH} {self.name} {to_base64(self.key_id + self.value)}"


class Note(NamedTuple):
    """A note that was read and not yet verified."""

    text: str
    """The signed text, with its last newline."""
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes of the note."""
        lines = "".join(f"{signature.line()}\n" for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()


class Verifier(Protocol):
    """A public key of one signature type, under the name it signs with."""

    @property
    def name(self) -> str:
        """The key name that stands in the signature line."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand before the signature."""

    def verifies(self, text: str, value: bytes) -> bool:
        """Whether `value` is this key's signature over `text`."""


class Ed25519Key:
    """The public key of one signature type, under the name it signs with; see the subclasses."""

    algorithm: ClassVar[int]
    """The byte by which signed-note tells signature types apart."""

    def __init__(self, name: str, public: bytes) -> None:
        """Raises `FormatError` for a name that no note may hold, or a key that is not 32 bytes."""
        self.name = check_name(name)
        self.public = public
        self.key_id = key_id(name, self.algorithm, public)
        self._key = public_key(public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+keyid+base64`; raises `FormatError`, also for keys of another type."""
        return cls(*decode_verifier_key(text, cls.algorithm))

    def __str__(self) -> str:
        """The key as text, to be handed to whoever checks."""
        return encode_verifier_key(self.name, self.algorithm, self.public)


class NoteKey(Ed25519Key):
    """A key that checks plain Ed25519 signatures, such as those of a log on its checkpoints."""

    algorithm = ED25519

    def verifies(self, text: str, value: bytes) -> bool:
        """Whether `value` is this key's signature over `text`."""
        return signed_by(self._key, text.encode(), value)


class Ed25519Signer:
    """The secret behind an `Ed25519Key`; it is never shown by `str` or `repr`."""

    algorithm: ClassVar[int]

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed` is 32 random bytes, drawn by the caller from a source fit for keys."""
        if len(seed) != KEY_BYTES:
            raise FormatError(f"a signing key is made from {KEY_BYTES} bytes, not {len(seed)}")
        self.name = check_name(name)
        self._seed = seed
        self._secret = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+name+keyid+base64`; the error never quotes what it was given."""
        return cls(*decode_signer_key(text, cls.algorithm))

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._secret.public_key().public_bytes_raw()

    def secret_text(self) -> str:
        """The secret as text, for the key file and nowhere else."""
        identity = key_id(self.name, self.algorithm, self.public)
        return encode_signer_key(self.name, self.algorithm, identity, self._seed)


class NoteSigner(Ed25519Signer):
    """A key that signs notes."""

    algorithm = ED25519

    def __init__(self, name: str, seed: bytes) -> None:
        """See `Ed25519Signer`."""
        super().__init__(name, seed)
        self.key = NoteKey(name, self.public)

    def sign(self, text: str) -> Signature:
        """The signature line over a note's text."""
        return Signature(self.name, self.key.key_id, self._secret.sign(text.encode()))


def sign_note(text: str, signers: Iterable[NoteSigner]) -> Note:
    """A note over `text`, which must end in a newline, with one signature of each signer."""
    check_text(text)
    return Note(text, tuple(signer.sign(text) for signer in signers))


def parse_note(raw: bytes) -> Note:
    """Read a note; raises `FormatError` unless every byte is as the format says."""
    if len(raw) > MAX_NOTE_BYTES:
        raise FormatError(f"a note has at most {MAX_NOTE_BYTES} bytes, this one {len(raw)}")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as problem:
        raise FormatError(f"a note is UTF-8; byte {problem.start} is not") from None
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise FormatError(
            "a note is a text, an empty line, and signature lines that end in newline"
        )
    text += "\n"
    check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise FormatError(f"a note has at most {MAX_SIGNATURES} signatures, this one {len(lines)}")
    return Note(text, tuple(map(parse_signature, lines)))


def parse_signature(line: str) -> Signature:
    """Read one signature line without its newline; raises `FormatError`."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise FormatError(f"{line[:80]!r} is no signature line: dash, key name, base64")
    value = from_base64(parts[2])
    if len(value) < 5:
        raise FormatError("a signature has a key id of 4 bytes, and something behind it")
    return Signature(check_name(parts[1]), value[:4], value[4:])


def verify_note(note: Note, keys: Sequence[Verifier]) -> tuple[Verifier, ...]:
    """Which of `keys` have signed the note, in their order and each once.

    Signatures of unknown keys are passed over. Raises `SignatureError` if one of a known key does
    not hold: somebody has changed text or signature. It is for the caller to say how many of which
    keys are enough; none is an empty tuple.
    """
    found = []
    for key in keys:
        values = {s.value for s in note.signatures if (s.name, s.key_id) == (key.name, key.key_id)}
        if not all(key.verifies(note.text, value) for value in values):
            raise SignatureError(
                f"the signature of {key.name} does not fit the text: one of them has been changed"
            )
        if values:
            found.append(key)
    return tuple(found)


def check_text(text: str) -> None:
    """Raise `FormatError` unless a note may hold this text."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise FormatError("the text of a note ends in a newline and has no other control character")


def check_name(name: str) -> str:
    """The name, if a key may have it; raises `FormatError` otherwise."""
    if not name or "+" in name or _CONTROL.search(name) or any(map(str.isspace, name)):
        raise FormatError(f"{name[:80]!r} is no key name: it is empty, or has a space or a plus")
    return name


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The 4 bytes by which a signature names its key."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def encode_verifier_key(name: str, algorithm: int, public: bytes) -> str:
    """The text of a public key: `name+keyid+base64`."""
    return (
        f"{name}+{key_id(name, algorithm, public).hex()}+{to_base64(bytes([algorithm]) + public)}"
    )


def decode_verifier_key(text: str, algorithm: int) -> tuple[str, bytes]:
    """Name and 32-byte public key of `name+keyid+base64`.

    Raises `FormatError` if it is written otherwise, is of another signature type, or if the key id
    does not fit: then one of the parts was mistyped.
    """
    name, public = _decode_key(text, algorithm, "a public key is written name+keyid+base64")
    if key_id(name, algorithm, public).hex() != text.split("+")[1]:
        raise FormatError("the key id does not fit name and key: copy the whole text again")
    return name, public


def encode_signer_key(name: str, algorithm: int, identity: bytes, seed: bytes) -> str:
    """The text of a secret key: `PRIVATE+KEY+name+keyid+base64`."""
    return f"{_SECRET}{name}+{identity.hex()}+{to_base64(bytes([algorithm]) + seed)}"


def decode_signer_key(text: str, algorithm: int) -> tuple[str, bytes]:
    """Name and 32-byte seed of `PRIVATE+KEY+name+keyid+base64`; raises `FormatError`, quoting nothing."""
    shape = "a signing key is written PRIVATE+KEY+name+keyid+base64"
    if not text.startswith(_SECRET):
        raise FormatError(shape)
    text = text.removeprefix(_SECRET)
    name, seed = _decode_key(text, algorithm, shape)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    if key_id(name, algorithm, public).hex() != text.split("+")[1]:
        raise FormatError("the key id does not fit name and key: restore the key file from a copy")
    return name, seed


def public_key(public: bytes) -> Ed25519PublicKey:
    """An Ed25519 public key (RFC 8032) from its 32 bytes; raises `FormatError`."""
    try:
        return Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise FormatError(f"an Ed25519 key has {KEY_BYTES} bytes, not {len(public)}") from None


def signed_by(key: Ed25519PublicKey, message: bytes, value: bytes) -> bool:
    """Whether `value` is the key's Ed25519 signature (RFC 8032) over `message`."""
    try:
        key.verify(value, message)
    except InvalidSignature:
        return False
    return True


def to_base64(value: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return b64encode(value).decode()


def from_base64(text: str) -> bytes:
    """The bytes of a base64 text that is written in the one canonical way; raises `FormatError`."""
    try:
        value = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        value = b""
    # Padding bits that are not zero would let two texts stand for the same bytes.
    if to_base64(value) != text:
        raise FormatError(f"{text[:80]!r} is not base64 as RFC 4648 writes it")
    return value


def _decode_key(text: str, algorithm: int, shape: str) -> tuple[str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
        raise FormatError(shape)
    try:
        value = from_base64(parts[2])
    except FormatError:
        # The text may be a secret, and is not to appear in a log of errors.
        raise FormatError(shape) from None
    if len(value) != 1 + KEY_BYTES or value[0] != algorithm:
        raise FormatError(
            f"{shape}, with the type byte {algorithm:#04x} and {KEY_BYTES} bytes of key; this one is"
            " of another type or length"
        )
    return check_name(parts[0]), value[1:]
