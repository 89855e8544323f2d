"""Training sets as Parquet files: written block by block, whole or not there.

(1) A draft beside the file takes the blocks, a row group each. (2) The facts go into the footer, as
JSON under the key `FACTS`. (3) The draft is synced and (4) renamed; (5) the folder is synced. A crash
before (4) leaves what was there before, and a draft that the next writer removes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kanhe.core.errors import StorageError
from kanhe.stores.files.durable import remove_drafts, sync_folder

FACTS = b"kanhe_dataset"
"""The key of the footer under which a file says what it is."""
_KINDS = {
    "int64": pa.int64(),
    "int8": pa.int8(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


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
