"""Table files: CSV and Parquet, whole, broken, cut off, in other encodings."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanhe.judge.intake.mapping import TableFormat
from kanhe.stores.files.tabular import TableError, import_table, open_table
from tests.imports.shop_tables import COLUMNS, asides, events, mapping, row


def _csv(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _read(path: Path, columns: tuple[str, ...], form: TableFormat | None = None) -> Any:
    rows: list[Any] = []
    lines: list[int] = []
    broken: list[Any] = []
    for chunk in open_table(path, form).chunks(columns):
        lines += chunk.lines
        rows += list(zip(*chunk.columns, strict=True))
        broken += chunk.broken
    return rows, lines, broken


def test_csv_gives_cells_and_physical_lines(tmp_path: Path) -> None:
    """Quoted line ends do not confuse the numbers, blank lines are passed over, order is asked for."""
    path = _csv(tmp_path, 'a,b\r\n1,"x\r\ny"\r\n\r\n2,"z, ""q"""\r\n')
    rows, lines, broken = _read(path, ("b", "a"))
    assert rows == [("x\r\ny", "1"), ('z, "q"', "2")]
    assert lines == [2, 5]
    assert broken == []


def test_csv_lines_with_missing_or_extra_cells_are_told(tmp_path: Path) -> None:
    """A short or long line is broken by itself; its neighbours are read."""
    rows, _, broken = _read(_csv(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n"), ("a",))
    assert rows == [("1",), ("7",)]
    assert [(b.line, b.detail) for b in broken] == [
        (3, "expected 2 cells, got 1"), (4, "expected 2 cells, got 3"),
    ]  # fmt: skip


def test_a_csv_cut_in_half_keeps_its_whole_lines(tmp_path: Path) -> None:
    """The last, cut line is broken, and the table warns that the file may be cut off."""
    path = _csv(tmp_path, "a,b\n1,2\n3,4\n5")
    rows, _, broken = _read(path, ("a", "b"))
    assert rows == [("1", "2"), ("3", "4")]
    assert [b.line for b in broken] == [4]
    assert "cut off" in open_table(path).warning
    assert open_table(_csv(tmp_path, "a\n1\n", "whole.csv")).warning == ""


def test_a_quote_that_never_closes_accounts_for_the_lines_it_took(tmp_path: Path) -> None:
    """Everything after an open quote is one broken record with all its lines."""
    rows, _, broken = _read(_csv(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n7,8\n'), ("a",))
    assert rows == [("1",)]
    assert [(b.line, b.lines) for b in broken] == [(3, 3)]
    assert "never closed" in broken[0].detail


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    """A cell longer than any real one stops the reading with its line."""
    path = _csv(tmp_path, 'a,b\n1,"' + "x" * 200_000 + '\n2,3"\n')
    with pytest.raises(TableError, match="line 2: a cell is longer"):
        _read(path, ("a",))


def test_other_encodings_are_declared(tmp_path: Path) -> None:
    """Declared, an encoding is read; not declared, the lines that break it are told, the rest read."""
    path = _csv(tmp_path, "a,b\n1,caf\u00e9\n2,tea\n".encode("cp1252"))
    assert _read(path, ("b",), TableFormat(encoding="cp1252"))[0] == [("caf\u00e9",), ("tea",)]
    rows, _, broken = _read(path, ("b",))
    assert rows == [("tea",)]
    assert broken[0].line == 2
    assert "encoding" in broken[0].detail


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    """Files as spreadsheet programs save them are read."""
    path = _csv(tmp_path, "\ufeffa;b\n1;2\n".encode())
    assert _read(path, ("a",), TableFormat(delimiter=";"))[0] == [("1",)]


def test_utf_16_is_read_where_declared(tmp_path: Path) -> None:
    """Wide encodings work, and are recognised as wrong where they are not declared."""
    path = _csv(tmp_path, "a,b\n1,\u8336\n".encode("utf-16"))
    assert _read(path, ("b",), TableFormat(encoding="utf-16"))[0] == [("\u8336",)]
    with pytest.raises(TableError, match="not CSV written in utf-8"):
        open_table(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        (b"\x89PNG\x00\xff,\n", "is not CSV"),
    ],
)
def test_files_without_a_usable_header_are_refused(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    """Empty files, doubled columns and binary files say so at once."""
    with pytest.raises(TableError, match=message):
        open_table(_csv(tmp_path, text))


def test_missing_columns_and_files_are_told(tmp_path: Path) -> None:
    """The error lists what is missing and what there is."""
    with pytest.raises(TableError, match=r"no column c, d; its columns are: a, b"):
        _read(_csv(tmp_path, "a,b\n"), ("a", "c", "d"))
    with pytest.raises(TableError, match="not a file"):
        open_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="not a file"):
        open_table(tmp_path)


def test_rows_are_counted_for_progress(tmp_path: Path) -> None:
    """The number of rows is known before reading."""
    assert open_table(_csv(tmp_path, "a\n1\n2\n")).rows == 2
    assert open_table(_csv(tmp_path, "a\n1\n2")).rows == 2
    assert open_table(_csv(tmp_path, "a\n")).rows == 0


def _parquet(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_gives_typed_cells_in_chunks(tmp_path: Path) -> None:
    """Numbers, texts, dictionary columns and nanosecond times arrive as Python values."""
    moment = datetime.datetime(2026, 1, 5, 10, 0, 0, 123456)
    path = _parquet(
        tmp_path, n=[1, 2, None], f=[1.5, None, 2.0],
        t=pa.array([moment] * 3, pa.timestamp("ns")),
        d=pa.array(["x", "y", "x"]).dictionary_encode(),
    )  # fmt: skip
    rows, lines, _ = _read(path, ("n", "f", "t", "d"))
    assert rows[0] == (1, 1.5, moment, "x")
    assert rows[2][0] is None
    assert lines == [1, 2, 3]
    assert open_table(path).rows == 3


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_a_parquet_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    """A Parquet file whose end is missing is refused whole, as its index is gone."""
    path = _parquet(tmp_path, n=list(range(1000)))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    with pytest.raises(TableError, match="may be cut off"):
        open_table(path)


def test_a_parquet_damaged_inside_tells_how_far_it_was_read(tmp_path: Path) -> None:
    """Damage in the middle is an error that names the last good row."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": [f"text {n}" * 20 for n in range(1000)]}), path)
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 2000] = bytes(2000)
    path.write_bytes(raw)
    with pytest.raises(TableError, match="damaged after row"):
        _read(path, ("n",))


def test_nested_columns_are_refused(tmp_path: Path) -> None:
    """A cell is one value; lists are refused by name, and only where they are asked for."""
    path = _parquet(tmp_path, n=[[1], [2]], m=[1, 2])
    assert _read(path, ("m",))[0] == [(1,), (2,)]
    with pytest.raises(TableError, match="column n holds list"):
        _read(path, ("n",))


def test_a_file_goes_through_a_mapping(tmp_path: Path) -> None:
    """From a file on disk to events, with line numbers of the file."""
    lines = [row(), row(price="0"), row("2")]
    text = ",".join(COLUMNS) + "\n" + "".join(",".join(r[c] for c in COLUMNS) + "\n" for r in lines)
    results = list(import_table(_csv(tmp_path, text + "broken\n"), mapping()))
    assert asides(results) == [(5, 1, "broken-line"), (3, 1, "no-price")]
    assert [event["order"] for event in events(results)] == ["1", "2"]


def test_the_same_table_gives_the_same_events_from_csv_and_parquet(tmp_path: Path) -> None:
    """What a file is written in makes no difference to what is imported."""
    lines = [row(str(n), price=f"{n}.25") for n in range(1, 30)]
    text = ",".join(COLUMNS) + "\n" + "".join(",".join(r[c] for c in COLUMNS) + "\n" for r in lines)
    columns: dict[str, Any] = {name: [r[name] for r in lines] for name in COLUMNS}
    columns["price"] = [float(price) for price in columns["price"]]
    columns["when"] = [datetime.datetime.fromisoformat(when) for when in columns["when"]]
    columns["count"] = [int(count) for count in columns["count"]]
    one = import_table(_csv(tmp_path, text), mapping())
    other = import_table(_parquet(tmp_path, **columns), mapping())
    assert events(list(one)) == events(list(other))
