"""The text of a model: canonical JSON, one line, with its own hash inside.

The bytes are a function of the content: fields in one fixed order, mappings sorted by name, numbers
in the shortest form that reads back to the same bits. So equal models are equal files, and a file
that was touched since it was written is told by its hash. Reading checks everything and runs
nothing.
"""

from __future__ import annotations

import hashlib

import msgspec

from kanhe.judge.models.checks import ModelError, check_model
from kanhe.judge.models.model import FORMAT, Model

MAX_MODEL_BYTES = 64 << 20
"""The largest file of a model."""

_PREFIX = b"kanhe model 1\n"
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Model).decode


class _Head(msgspec.Struct):
    """What every version of the format begins with."""

    format: str


_head = msgspec.json.Decoder(_Head).decode


def sealed(model: Model) -> Model:
    """The model with its hash. Raises `ModelError` if it could not be loaded again."""
    model = msgspec.structs.replace(model, hash=content_hash(model))
    check_model(model)
    return model


def content_hash(model: Model) -> str:
    """`sha256:` and 64 hex digits over everything but the hash itself."""
    text = _encode(msgspec.structs.replace(model, hash=""))
    return f"sha256:{hashlib.sha256(_PREFIX + text).hexdigest()}"


def write_model(model: Model) -> bytes:
    """The bytes of the model's file; the hash in it is made anew. Raises `ModelError`."""
    raw = _encode(sealed(model)) + b"\n"
    if len(raw) > MAX_MODEL_BYTES:
        raise ModelError(
            f"this model takes {len(raw)} bytes, and {MAX_MODEL_BYTES} is the most",
            "train it with fewer trees or leaves",
        )
    return raw


def read_model(raw: bytes) -> Model:
    """The model in a file. Raises `ModelError` for anything that `write_model` did not write."""
    if len(raw) > MAX_MODEL_BYTES:
        raise ModelError(
            f"this file is larger than {MAX_MODEL_BYTES} bytes, so it is no model",
            "take the file that `kanhe model train` wrote",
        )
    try:
        version = _head(raw).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(
            f"this is not the file of a model: {_said(error)}",
            "take the file that `kanhe model train` wrote; other tools' files are not read",
        ) from None
    if version != FORMAT:
        raise ModelError(
            f"this model has the format {version[:40]!r}, and this version of Kanhe reads {FORMAT}",
            "upgrade Kanhe, or train the model with this version",
        )
    try:
        model = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"this model is damaged: {_said(error)}", _ANEW) from None
    check_model(model)
    wanted = content_hash(model)
    if model.hash != wanted:
        raise ModelError(
            f"this model was changed after it was written: it says {model.hash[:71]}, and its content"
            f" is {wanted}",
            _ANEW,
        )
    if _encode(model) + b"\n" != raw:
        raise ModelError("this model was rewritten: its bytes are not in canonical form", _ANEW)
    return model


_ANEW = "copy the file anew from where it was trained; a model is never edited by hand"


def _said(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
