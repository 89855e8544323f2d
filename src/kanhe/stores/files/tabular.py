"""Reading the tables of a shop, CSV and Parquet, in chunks that fit in memory.

CSV is read with the standard library, because it knows the physical line of every record, so that a
line of a report can be found in the file. Lines that cannot be read (too few or too many cells, bytes
that are not in the declared encoding, a quote that never closes) are handed over as broken, with
their number and the reason; the lines around them are read. Parquet is read by pyarrow, row group by
row group; a Parquet file that was cut off cannot be read at all, because its index stands at its end.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from kanhe.core.errors import KanheError
from kanhe.judge.intake.importing import BrokenLine, Chunk, Result, apply
from kanhe.judge.intake.mapping import Mapping, TableFormat

CHUNK_ROWS = 10_000
MAX_CELL_CHARS = 131_072
"""The longest cell of a CSV file; a quote that never closes is found here at the latest."""


class TableError(KanheError):
    """A table file cannot be read, or does not have the columns that were asked for."""


class Table(Protocol):
    """An open table file."""

    path: Path
    columns: tuple[str, ...]
    """The names of all columns, in the file's order."""
    rows: int
    """How many rows there are, for a progress bar: exact for Parquet; for CSV the number of lines
    below the header, which is more than there are rows where cells hold line ends."""
    warning: str
    """Empty, or what a careful reader should know about the file."""

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """The rows of the named columns; raises `TableError` if one is missing or reading fails."""


def open_table(path: Path, form: TableFormat | None = None) -> Table:
    """Open a CSV or Parquet file; the declared format wins over the suffix.

    Raises `TableError` for what is no such file, is cut off, empty, or written in another encoding.
    """
    form = form or TableFormat()
    kind = form.format or {".parquet": "parquet", ".pq": "parquet"}.get(path.suffix.lower(), "csv")
    try:
        if not path.is_file():
            raise TableError(f"{path} is not a file that can be read")
        return ParquetTable(path) if kind == "parquet" else CsvTable(path, form)
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from None


def import_table(path: Path, mapping: Mapping) -> Iterator[Result]:
    """The events and set-aside lines of a file under a mapping; see `kanhe.judge.intake.importing`."""
    table = open_table(path, mapping.table)
    yield from apply(mapping, table.chunks(mapping.columns))


def _places(table: Table, columns: tuple[str, ...]) -> list[int]:
    """Where the wanted columns stand in the file."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise TableError(
            f"{table.path} has no column {', '.join(missing)}; its columns are: "
            f"{', '.join(table.columns[:50])}"
        )
    return [table.columns.index(name) for name in columns]


class ParquetTable:
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warning = ""
        try:
            with closing(pq.ParquetFile(path)) as file:
                self._schema = file.schema_arrow
                self.columns = tuple(self._schema.names)
                self.rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the file system's own word, not pyarrow's
            raise TableError(
                f"{path} is not a whole Parquet file; it may be cut off or of another kind "
                f"({_first_line(error)})"
            ) from None

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """The rows of the named columns, in chunks of `CHUNK_ROWS`."""
        _places(self, columns)
        self._refuse_nested(columns)
        done = 0
        try:
            with closing(pq.ParquetFile(self.path)) as file:
                for batch in file.iter_batches(CHUNK_ROWS, columns=list(columns)):
                    lines = range(done + 1, done + batch.num_rows + 1)
                    yield Chunk(lines, [_cells(batch.column(name)) for name in columns])
                    done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise TableError(
                f"{self.path} is damaged after row {done}: {_first_line(error)}"
            ) from None

    def _refuse_nested(self, columns: tuple[str, ...]) -> None:
        for name in columns:
            kind = self._schema.field(name).type
            if pa.types.is_nested(kind) or pa.types.is_binary(kind):
                raise TableError(
                    f"{self.path}: column {name} holds {kind}; a cell must be one value"
                )


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200]


def _cells(column: Any) -> list[Any]:
    """Python values of a column; times finer than a microsecond are cut, as events count milliseconds."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    cells: list[Any] = column.to_pylist()
    return cells


class CsvTable:
    """A CSV file (RFC 4180) with a header line."""

    def __init__(self, path: Path, form: TableFormat) -> None:
        self.path = path
        self._form = form
        self._encoding = _with_mark(form.encoding)
        with self._opened() as file:
            header = self._header(file)
        self.columns = tuple(name.strip() for name in header)
        self.rows, whole = _count_lines(path)
        self.warning = (
            "" if whole else "the last line has no line end: the file may be cut off there"
        )

    def _opened(self) -> IO[str]:
        # Bytes that are not in the encoding become lone surrogates, which no well-formed text has:
        # that marks the lines that hold them without giving up the lines around them.
        return open(self.path, encoding=self._encoding, errors="surrogateescape", newline="")

    def _reader(self, file: IO[str]) -> Any:
        csv.field_size_limit(MAX_CELL_CHARS)
        return csv.reader(file, delimiter=self._form.delimiter, strict=True)

    def _header(self, file: IO[str]) -> list[str]:
        try:
            header: list[str] = next(self._reader(file), [])
        except (csv.Error, UnicodeError) as error:
            raise TableError(f"{self.path} has no readable header: {error}") from None
        text = "".join(header)
        if not text.strip():
            raise TableError(f"{self.path} is empty: the first line must name the columns")
        if "\0" in text or _BROKEN.search(text):
            raise TableError(
                f"{self.path} is not CSV written in {self._form.encoding}; declare its encoding, "
                "or its format if it is no CSV"
            )
        if len(set(header)) != len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise TableError(f"{self.path} has two columns named {twice!r}")
        return header

    def chunks(self, columns: tuple[str, ...]) -> Iterator[Chunk]:
        """The rows of the named columns, in chunks of `CHUNK_ROWS`; blank lines are passed over."""
        places = _places(self, columns)
        try:
            with self._opened() as file:
                yield from self._read(self._reader(file), places)
        except (OSError, UnicodeError) as error:
            raise TableError(f"{self.path} cannot be read to its end: {error}") from None

    def _read(self, reader: Any, places: list[int]) -> Iterator[Chunk]:
        next(reader)
        width = len(self.columns)
        lines: list[int] = []
        rows: list[list[str]] = []
        broken: list[BrokenLine] = []
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                broken.append(self._broken(line, reader.line_num, str(error)))
                continue
            if row is None:
                break
            if not row:
                continue
            if len(row) != width:
                broken.append(BrokenLine(line, f"expected {width} cells, got {len(row)}"))
            elif not "".join(row).isascii() and _BROKEN.search("".join(row)):
                detail = (
                    f"bytes that are not {self._form.encoding}; is the declared encoding right?"
                )
                broken.append(BrokenLine(line, detail))
            else:
                lines.append(line)
                rows.append(row)
            if len(lines) + len(broken) >= CHUNK_ROWS:
                yield _chunk(lines, rows, places, broken)
                lines, rows, broken = [], [], []
        yield _chunk(lines, rows, places, broken)

    def _broken(self, first: int, last: int, reason: str) -> BrokenLine:
        """Account for every physical line that a record took with it when it could not be read."""
        if "field larger" in reason:
            # Where the next record begins cannot be known: reading on would be guessing.
            raise TableError(
                f"{self.path}, line {first}: a cell is longer than {MAX_CELL_CHARS} characters; "
                "a quote may never be closed"
            )
        if "unexpected end" in reason:
            reason = f"a quote opened here is never closed (read to line {last})"
        return BrokenLine(first, reason, max(1, last - first + 1))


_BROKEN = re.compile("[\ud800-\udfff]")


def _chunk(
    lines: list[int], rows: list[list[str]], places: list[int], broken: list[BrokenLine]
) -> Chunk:
    return Chunk(lines, [[row[place] for row in rows] for place in places], broken)


def _with_mark(encoding: str) -> str:
    """Drop a byte order mark where the encoding can have one."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _count_lines(path: Path) -> tuple[int, bool]:
    """The number of lines below the header, and whether the last one is ended."""
    count, last = 0, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
            last = block
    # In UTF-16 and UTF-32 zero bytes stand around the line end.
    ended = last.rstrip(b"\0").endswith(b"\n")
    return max(0, count - 1 if ended else count), ended
