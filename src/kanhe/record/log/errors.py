"""What can be wrong with a log, as one small family of errors."""

from __future__ import annotations

from kanhe.core.errors import KanheError


class LogError(KanheError):
    """The root of what the log refuses. The text says what was wrong and what to do."""


class FormatError(LogError):
    """Bytes or text are not as their format says; whoever made them must make them anew."""


class RangeError(LogError):
    """A size or an index that cannot be: an entry outside its tree, a tree that shrinks."""


class ProofError(LogError):
    """A proof, a hash or an opening does not lead to what it should prove: believe nothing of it."""


class SignatureError(LogError):
    """A signature that is needed is missing, or one by a known key does not hold."""
