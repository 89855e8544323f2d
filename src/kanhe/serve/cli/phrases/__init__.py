"""All that the command line says, in English and in Chinese."""

from __future__ import annotations

from kanhe.serve.cli.phrases.backtest import BACKTEST
from kanhe.serve.cli.phrases.buyers import BUYERS
from kanhe.serve.cli.phrases.datasets import DATASETS
from kanhe.serve.cli.phrases.drift import DRIFT
from kanhe.serve.cli.phrases.help import HELP
from kanhe.serve.cli.phrases.hooks import HOOKS
from kanhe.serve.cli.phrases.indexing import INDEXING
from kanhe.serve.cli.phrases.labels import LABELS
from kanhe.serve.cli.phrases.learning import LEARNING
from kanhe.serve.cli.phrases.ledger import LEDGER
from kanhe.serve.cli.phrases.models import MODELS
from kanhe.serve.cli.phrases.policy import POLICY
from kanhe.serve.cli.phrases.replay import REPLAY
from kanhe.serve.cli.phrases.staff import STAFF
from kanhe.serve.cli.phrases.tuning import TUNING
from kanhe.serve.cli.phrases.work import WORK

TABLES = (
    HELP, WORK, REPLAY, LEDGER, LABELS, DATASETS, DRIFT, BACKTEST, TUNING, INDEXING, LEARNING, MODELS, POLICY,
    STAFF, HOOKS, BUYERS,
)  # fmt: skip
CATALOGUE: dict[str, tuple[str, str]] = {
    key: texts for table in TABLES for key, texts in table.items()
}
"""Key: (English, Chinese), each translated by meaning."""
