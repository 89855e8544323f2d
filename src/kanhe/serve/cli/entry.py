"""From the words of the command line to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from kanhe.core.errors import KanheError, StorageError
from kanhe.serve.cli.terminal import OK, STORAGE, USAGE, complain
from kanhe.serve.cli.wording import is_language, lang_option, language_of, use_language, words


def run(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command and return its exit code. Errors are told in one clear line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    use_language(language_of(given, os.environ if environ is None else environ))
    asked, rest = lang_option(given)
    if asked is not None and not is_language(asked):
        return complain(words("lang.unknown", name=asked), USAGE)
    # After the language is known, because help texts are made when the commands are.
    from kanhe.serve.cli.commands import build

    try:
        code = build()(args=rest, prog_name="kanhe", standalone_mode=True)
    except SystemExit as done:
        code = done.code
    except StorageError as error:
        return complain(str(error), STORAGE)
    except KanheError as error:
        return complain(str(error), USAGE)
    except BrokenPipeError:
        return _pipe_closed()
    return code if isinstance(code, int) else OK


def _pipe_closed() -> int:
    """Whoever read the output has enough; Python must not complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK
