"""Training sets as Parquet files: written block by block, whole or not there.

(1) A draft beside the file takes the blocks, a row group each. (2) The facts go into the footer, as
JSON under the key `FACTS`. (3) The draft is synced and (4) renamed; (5) the folder is synced. A crash
before (4) leaves what was there before, and a draft that the next writer removes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kanhe.core.errors import KanheError, StorageError
from kanhe.stores.files.durable import remove_drafts, sync_folder

FACTS = b"kanhe_dataset"
"""The key of the footer under which a file says what it is."""
_KINDS = {
    "int64": pa.int64(),
    "int8": pa.int8(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


class SheetContent(NamedTuple):
    """A file that was read back."""

    facts: bytes
    """What it says of itself, JSON."""
    columns: dict[str, list[Any]]
    """Those asked for, `None` where a value is missing."""
    numbers: dict[str, npt.NDArray[np.float64]]
    """Those asked for, NaN where a value is missing."""


def read_facts(path: Path) -> bytes:
    """What a file says of itself. Raises `KanheError` for anything that `ParquetSheet` did not write."""
    try:
        with closing(pq.ParquetFile(path)) as file:
            facts: bytes | None = (file.schema_arrow.metadata or {}).get(FACTS)
            facts = facts or (file.metadata.metadata or {}).get(FACTS)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None
    if facts is None:
        raise KanheError(
            f"{path} does not say what it is; take a file that `kanhe dataset build` wrote"
        )
    return facts


def read_sheet(path: Path, columns: Sequence[str], numbers: Sequence[str]) -> SheetContent:
    """Read some columns of a file, as values and as float64.

    Raises `KanheError` for anything that `ParquetSheet` did not write, or what is damaged or lacks one.
    """
    facts = read_facts(path)
    try:
        with closing(pq.ParquetFile(path)) as file:
            there = set(file.schema_arrow.names)
            if missing := [name for name in (*columns, *numbers) if name not in there]:
                raise KanheError(f"{path} has no column {', '.join(missing[:5])}; build it anew")
            wrong = [n for n in numbers if file.schema_arrow.field(n).type != pa.float64()]
            if wrong:
                raise KanheError(f"{path}: the column {wrong[0]} holds no float64; build it anew")
            table = file.read(columns=[*columns, *numbers])
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None
    return SheetContent(
        facts,
        {name: table.column(name).to_pylist() for name in columns},
        {name: table.column(name).to_numpy() for name in numbers},
    )


def _unreadable(path: Path, error: Exception) -> KanheError:
    told = getattr(error, "strerror", None) or str(error).split("\n", 1)[0][:200]
    return KanheError(f"{path} is not a whole Parquet file of a training set: {told}")


class ParquetSheet:
    """One file that is being written. Leaving it without `finish` leaves nothing behind."""

    def __init__(self, path: Path, columns: Mapping[str, str], features: Sequence[str]) -> None:
        """`columns` by name and kind (`int64`, `int8`, `text`, `bool`), then float64 `features`."""
        self._path = path
        self._draft = path.with_name(f".{path.name}.new")
        self._columns = dict(columns)
        self._schema = pa.schema(
            [pa.field(name, _KINDS[kind]) for name, kind in columns.items()]
            + [pa.field(name, pa.float64(), nullable=False) for name in features]
        )
        try:
            remove_drafts([self._draft])
            # Words that stand there again and again are worth a dictionary; measured numbers are not.
            texts = [name for name, kind in columns.items() if kind == "text"]
            self._writer = pq.ParquetWriter(
                self._draft, self._schema, compression="zstd", use_dictionary=texts
            )
        except OSError as error:
            raise self._fault(error) from error

    def write(
        self, columns: Mapping[str, Sequence[Any]], features: npt.NDArray[np.float64]
    ) -> None:
        """Write one block; raises `StorageError`."""
        arrays = [pa.array(columns[name], _KINDS[kind]) for name, kind in self._columns.items()] + [
            pa.array(features[:, place].copy()) for place in range(features.shape[1])
        ]
        try:
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise self._fault(error) from error

    def finish(self, facts: bytes) -> None:
        """Put the file in its place; durable when it returns. Raises `StorageError`."""
        try:
            self._writer.add_key_value_metadata({FACTS: facts})
            self._writer.close()  # (2)
            descriptor = os.open(self._draft, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)  # (3)
            finally:
                os.close(descriptor)
            os.replace(self._draft, self._path)  # (4)
            sync_folder(self._path.parent)  # (5)
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> StorageError:
        return StorageError(f"cannot write {self._path}: {error.strerror or error}")

    def __enter__(self) -> ParquetSheet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        remove_drafts([self._draft])
