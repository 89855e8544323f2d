"""All that the command line says, in English and in Chinese."""

from __future__ import annotations

from kanhe.serve.cli.phrases.help import HELP
from kanhe.serve.cli.phrases.ledger import LEDGER
from kanhe.serve.cli.phrases.replay import REPLAY
from kanhe.serve.cli.phrases.work import WORK

CATALOGUE: dict[str, tuple[str, str]] = {**HELP, **WORK, **REPLAY, **LEDGER}
"""Key: (English, Chinese), each translated by meaning."""
