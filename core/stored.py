"""Stored: a table in a Parquet file of which a column is read when it is asked for.

Of millions of rows a few columns are held at once, of small tables all. What is read is what `tables.read` gives, but
for texts, which are categories in the order of their letters.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HELD = 1 << 28  # bytes of a table's columns that are kept once they are read


class Stored:
    """The columns of a Parquet file by name, as those of a data frame; `held` columns stand for the file's own.

    Columns are kept as they are read while they fit into `room` bytes.
    """

    def __init__(self, path: Path, held: Mapping[str, pd.Series] | None = None, room: int = HELD) -> None:
        schema = pq.read_schema(path)
        self.columns = pd.Index(schema.names)
        self._texts = [field.name for field in schema if _text(field.type)]
        self._numbers = {field.name for field in schema if _number(field.type)}
        self._file = pq.ParquetFile(path, read_dictionary=self._texts)
        self._held = dict(held or {})
        self._room = room
        self._alone = Lock()

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> pd.Series:
        """Return a column; one that is kept is to be read, never written to."""
        if name not in self:
            raise KeyError(name)
        with self._alone:
            if name not in self._held:
                found = self._read(name)
                size = int(found.memory_usage(index=False, deep=True))
                if size > self._room:
                    return found
                self._room -= size
                self._held[name] = found
            return self._held[name]

    def is_number(self, name: str) -> bool:
        """Return whether a column holds numbers, without reading it."""
        return name in self._numbers

    def _read(self, name: str) -> pd.Series:
        column = self._file.read(columns=[name]).column(0)
        if name not in self._texts:
            values: pd.Series = column.to_pandas()
            return values.rename(name)
        whole = column.unify_dictionaries().combine_chunks()
        return pd.Series(_categories(whole), name=name)


Table = pd.DataFrame | Stored


def frame(table: Table, names: Sequence[str], rows: np.ndarray | slice = slice(None)) -> pd.DataFrame:
    """Return some columns of some rows (a mask, places, or all) as a data frame with rows counted from 0."""
    return pd.DataFrame({name: table[name].iloc[rows].reset_index(drop=True) for name in names}, columns=list(names))


def is_number(table: Table, name: str) -> bool:
    """Return whether a column holds numbers."""
    return table.is_number(name) if isinstance(table, Stored) else pd.api.types.is_numeric_dtype(table[name])


def each(table: Table, names: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Yield columns one after another; while one is looked at, the next is read."""
    if isinstance(table, pd.DataFrame) or not names:
        yield from ((name, table[name]) for name in names)
        return
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(table.__getitem__, names[0])
        for name, following in zip(names, [*names[1:], None], strict=True):
            values = ahead.result()
            if following is not None:
                ahead = reader.submit(table.__getitem__, following)
            yield name, values


def _categories(texts: pa.DictionaryArray) -> pd.Categorical:
    words = texts.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(words, kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(order)), -1
    code = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(rank[code], categories=pd.Index(words[order], dtype="str"))


def _text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))
