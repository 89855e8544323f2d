"""Policy text: reading a file into declarations, and errors that show where and what to do.

A policy file holds declarations only: `name = function(…)` or `function(…)`, in Python syntax. The
text is parsed with `ast` and never executed. Before Python's parser sees it, a small scan refuses
what could exhaust the parser (very deep or very long statements) or mislead a human reviewer
(control characters and marks that reverse the direction of text), so that hostile text gives a
`PolicyError` like any other mistake.
"""

from __future__ import annotations

import ast
import difflib
import re
import unicodedata
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from kanhe.core.errors import KanheError

MAX_FILE_BYTES = 1 << 20
"""The largest policy file, in bytes of UTF-8."""
MAX_BRACKETS = 50
"""How deep brackets may be nested."""
MAX_TOKENS = 5_000
"""How many words, numbers, texts and marks one declaration may hold."""
MAX_NUMBER_CHARS = 40
"""How many characters a number may be written with."""
MAX_MISTAKES = 100
"""After how many mistakes a file is not read any further."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""What a feature, a field or a list may be called."""


class PolicyError(KanheError):
    """One mistake in policy text: where it is (line and column counted from 1), what, what to do."""

    def __init__(
        self,
        path: str,
        line: int,
        column: int,
        message: str,
        hint: str = "",
        *,
        excerpt: str = "",
        width: int = 1,
    ) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
        self.excerpt = excerpt
        self.width = width
        super().__init__(self.__str__())

    def __str__(self) -> str:
        lines = [f"{self.path}:{self.line}:{self.column}: {self.message}"]
        if self.excerpt.strip():
            lines += [f"    {part}" for part in _pointed(self.excerpt, self.column, self.width)]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class PolicyErrors(KanheError):
    """Every mistake found in one or more files, in the order of the text."""

    def __init__(self, errors: Iterable[PolicyError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n\n".join(str(error) for error in self.errors))


class Mistakes:
    """Gathers mistakes so that an author sees all of them at once.

    Wrap each independent piece of work in `with mistakes.gathered():` and end with
    `mistakes.raise_any()`.
    """

    def __init__(self) -> None:
        self.found: list[PolicyError] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep a `PolicyError` or `PolicyErrors` raised inside, and go on after the block."""
        try:
            yield
        except PolicyError as error:
            self.found.append(error)
        except PolicyErrors as several:
            self.found.extend(several.errors)

    @property
    def enough(self) -> bool:
        """Whether there are so many mistakes that nobody would read more."""
        return len(self.found) >= MAX_MISTAKES

    def raise_any(self) -> None:
        """Raise `PolicyErrors` if anything was gathered."""
        if self.found:
            raise PolicyErrors(self.found)


class Source:
    """The text of one policy file. `path` is how the file is named in errors, relative to its pack."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")

    @classmethod
    def decode(cls, path: str, raw: bytes) -> Source:
        """Read UTF-8 bytes (a byte order mark is dropped); raises `PolicyError` for anything else."""
        try:
            return cls(path, raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise PolicyError(
                path, line, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8"
            ) from None

    def text_at(self, node: ast.expr) -> str:
        """The text of a node as its author wrote it, line breaks and all."""
        last = node.end_lineno or node.lineno
        lines = [line.encode() for line in self.lines[node.lineno - 1 : last]]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode(errors="replace")

    def error(self, node: ast.AST, message: str, hint: str = "") -> PolicyError:
        """The error that points at a node of this source."""
        line = getattr(node, "lineno", 1)
        column = self._column(line, getattr(node, "col_offset", 0))
        width = 1
        if getattr(node, "end_lineno", line) == line:
            width = self._column(line, getattr(node, "end_col_offset", 0)) - column
        return self.error_at(line, column, message, hint, width)

    def error_at(
        self, line: int, column: int, message: str, hint: str = "", width: int = 1
    ) -> PolicyError:
        """The error that points at a line and a column, both counted from 1."""
        excerpt = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return PolicyError(
            self.path, line, column, message, hint, excerpt=excerpt, width=max(1, width)
        )

    def error_at_offset(self, offset: int, message: str, hint: str = "") -> PolicyError:
        """The error that points at a character of the text, counted from 0."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1
        return self.error_at(line, column, message, hint)

    def _column(self, line: int, byte_offset: int) -> int:
        """`ast` counts columns in UTF-8 bytes; people count characters."""
        if not 0 < line <= len(self.lines):
            return 1
        return len(self.lines[line - 1].encode()[:byte_offset].decode(errors="replace")) + 1


class Declaration:
    """One statement of a policy file: `name = function(args, keyword=…)`, or without the name."""

    __slots__ = ("args", "function", "keywords", "name", "node", "places", "source")

    def __init__(
        self,
        source: Source,
        name: str | None,
        function: str,
        args: list[ast.expr],
        keywords: dict[str, ast.expr],
        node: ast.expr,
        places: dict[str, ast.keyword],
    ) -> None:
        self.source = source
        self.name = name
        self.function = function
        self.args = args
        self.keywords = keywords
        self.node = node
        self.places = places

    def error(self, message: str, hint: str = "") -> PolicyError:
        """The error that points at this declaration's function name (or its own name)."""
        return self.source.error(self.node, message, hint)

    def bind(
        self,
        positional: tuple[str, ...] = (),
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
    ) -> dict[str, ast.expr]:
        """Name every argument.

        `positional` are required and may be given by place or by keyword; `required` and `optional`
        are keywords. Raises for what is unknown (with the nearest name), missing, or given twice.
        """
        names = (*positional, *required, *optional)
        if len(self.args) > len(positional):
            raise self._too_many(positional, names)
        bound = dict(zip(positional, self.args, strict=False))
        for name, value in self.keywords.items():
            if name not in names:
                hint = suggestion(name, names) or f"{self.function} knows: {', '.join(names)}"
                place = self.source.error(self.places[name], "")
                raise self.source.error_at(
                    place.line,
                    place.column,
                    f"{self.function} has no argument {name[:80]}",
                    hint,
                    len(name),
                )
            if name in bound:
                raise self.source.error(value, f"{name} is given twice")
            bound[name] = value
        missing = [name for name in (*positional, *required) if name not in bound]
        if missing:
            raise self.source.error(
                self.node,
                f"{self.function} lacks {', '.join(f'{name}=' for name in missing)}",
                f"add {missing[0]}=… to this {self.function}(…)",
            )
        return bound

    def _too_many(self, positional: tuple[str, ...], names: tuple[str, ...]) -> PolicyError:
        """The error for more arguments by place than there are places."""
        count, more = len(positional), names[len(positional) :]
        return self.source.error(
            self.args[count],
            f"{self.function} takes {count} argument{'' if count == 1 else 's'} by place",
            f"write the others by name: {', '.join(f'{name}=' for name in more)}" if more else "",
        )


def parse_calls(source: Source) -> list[Declaration]:
    """Read a policy file into its declarations, in order.

    Raises `PolicyErrors` (several statements can be wrong at once) or, if the text cannot be parsed
    at all, `PolicyError`.
    """
    mistakes = Mistakes()
    declarations = []
    for statement in _parsed(source).body:
        if mistakes.enough:
            break
        with mistakes.gathered():
            declarations.append(_declaration(source, statement))
    mistakes.raise_any()
    return declarations


def call_of(source: Source, node: ast.AST, what: str = "a call such as name(…)") -> Declaration:
    """Read an expression that must be `function(args, keyword=…)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise source.error(node, f"expected {what}")
    keywords: dict[str, ast.expr] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise source.error(keyword, "** is not part of the language")
        if keyword.arg in keywords:
            raise source.error(keyword, f"{keyword.arg}= is given twice")
        keywords[keyword.arg] = keyword.value
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            raise source.error(argument, "* is not part of the language")
    places = {keyword.arg: keyword for keyword in node.keywords if keyword.arg}
    return Declaration(source, None, node.func.id, node.args, keywords, node.func, places)


def suggestion(name: str, names: Collection[str]) -> str:
    """`did you mean …?` for the nearest of the names, or an empty text if none is near."""
    near = difflib.get_close_matches(name[:80], names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def _declaration(source: Source, statement: ast.stmt) -> Declaration:
    """Read one statement, refusing everything but `name = call` and `call`."""
    if isinstance(statement, ast.Expr):
        return call_of(source, statement.value, "a declaration such as name(…)")
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            if not NAME.fullmatch(target.id):
                raise source.error(
                    target,
                    f"{target.id[:80]} cannot be a name",
                    "names are lower-case letters, digits and _, at most 64, letter first",
                )
            made = call_of(source, statement.value, "a function after =, such as count(…)")
            made.name, made.node = target.id, target
            return made
    raise source.error(
        statement,
        "this is not a declaration",
        "a policy file holds only function(…) and name = function(…)",
    )


def _parsed(source: Source) -> ast.Module:
    """Scan for what must not reach the parser, then parse; every failure is a `PolicyError`."""
    _scan(source)
    try:
        with warnings.catch_warnings():
            # Python warns about doubtful escapes in texts; that is not the author's concern here.
            warnings.simplefilter("ignore")
            return _tree(source.text)
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(source.lines))
        # The words of Python's parser change from version to version, and speak of Python.
        hint = "is a comma, a quote, an operator or a bracket missing here?"
        if "'=='" in error.msg:
            hint = "write == to compare"
        raise source.error_at(
            line, max(error.offset or 1, 1), "this cannot be read", hint
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise source.error_at(1, 1, "the text is too deeply nested to be read") from None


def _tree(text: str) -> ast.Module:
    """Parse. CPython 3.11 counts how deep it is in one place for all threads (gh-106905): where another
    thread parses at the same moment, both may be told that the count is wrong, and try again."""
    for _ in range(_TRIES):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


_TRIES = 5
_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\\\n|\#[^\n]*)
      | (?P<line>\n)
      | (?P<prefixed>\w+["'])
      | (?P<text>\"\"\"(?:[^\\"]+|\\.|"(?!""))*+\"\"\"|'''(?:[^\\']+|\\.|'(?!''))*+'''
               |"(?:[^"\\\n]+|\\.)*+"|'(?:[^'\\\n]+|\\.)*+')
      | (?P<quote>["'])
      | (?P<word>[\w.]+)
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff{_BIDI}]")


def _scan(source: Source) -> None:
    """Refuse oversize files, misleading characters, unclosed texts and brackets, and deep nesting."""
    text = source.text
    if len(text) > MAX_FILE_BYTES or len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        raise source.error_at(1, 1, f"the file is larger than {MAX_FILE_BYTES} bytes")
    if hidden := _FORBIDDEN.search(text):
        raise source.error_at_offset(
            hidden.start(),
            f"character U+{ord(hidden[0]):04X} is not allowed",
            "remove it: control and direction characters can hide what a rule does",
        )
    opened: list[tuple[str, int]] = []
    tokens = 0
    for match in _TOKEN.finditer(text):
        kind, at = match.lastgroup, match.start()
        if kind == "space":
            continue
        if kind == "line":
            tokens = tokens if opened else 0
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            raise source.error_at_offset(
                at, f"this declaration is longer than {MAX_TOKENS} words", "split it"
            )
        if kind == "open":
            opened.append((match[0], at))
            if len(opened) > MAX_BRACKETS:
                raise source.error_at_offset(
                    at, f"brackets are nested deeper than {MAX_BRACKETS}", "split the expression"
                )
        elif kind == "close":
            _close(source, opened, match[0], at)
        else:
            _check_token(source, kind or "", match[0], at)
    if opened:
        bracket, at = opened[-1]
        raise source.error_at_offset(
            at, f"{bracket} is never closed", f"add the missing {_CLOSING[bracket]}"
        )


def _close(source: Source, opened: list[tuple[str, int]], bracket: str, at: int) -> None:
    """Take the innermost open bracket off the stack, which must be of the same kind."""
    if not opened:
        raise source.error_at_offset(at, f"{bracket} closes nothing", "remove it")
    start, _ = opened.pop()
    if _CLOSING[start] != bracket:
        raise source.error_at_offset(
            at, f"{bracket} does not close {start}", f"expected {_CLOSING[start]}"
        )


def _check_token(source: Source, kind: str, token: str, at: int) -> None:
    """Refuse texts that never end, prefixed texts (f"…") and endless numbers."""
    if kind == "quote":
        raise source.error_at_offset(at, f"a text is never closed with {token}", f"add {token}")
    if kind == "prefixed":
        raise source.error_at_offset(
            at, f"{token[:-1][:20]} before a text is not part of the language", "write a plain text"
        )
    if kind == "word" and token[0].isdigit() and len(token) > MAX_NUMBER_CHARS:
        raise source.error_at_offset(
            at, f"a number of {len(token)} characters is too long", "numbers end at 10**15"
        )


def _pointed(line: str, column: int, width: int) -> tuple[str, str]:
    """The excerpt and the caret line below it; long lines are cut around the place."""
    start = max(0, column - 81) if len(line) > 160 else 0
    shown = _FORBIDDEN.sub("\ufffd", line[start : start + 160])
    before = shown[: column - 1 - start]
    pad = "".join("\t" if char == "\t" else " " * _cells(char) for char in before)
    under = shown[len(before) : len(before) + width]
    return shown, pad + "^" * max(1, sum(_cells(char) for char in under))


def _cells(char: str) -> int:
    """How many columns of a terminal a character takes (Unicode Standard Annex 11)."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
