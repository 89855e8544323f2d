"""The command line, as the tests of commands use it."""

from tests.cli.conftest import kanhe

__all__ = ["kanhe"]
