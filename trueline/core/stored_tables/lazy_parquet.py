"""Lazy Parquet: a table in a Parquet file whose columns are read on demand.

Of a table of millions of rows a few columns are in memory at once, of a small one all. A column is the one that
`table_schema.read_table` returns, except that texts are categories in alphabetical order.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

CACHE_BYTES = 1 << 28  # bytes of a table's columns that stay in memory once read


class LazyTable:
    """The columns of a Parquet file by name, like those of a data frame; `replacements` override the file's own.

    Columns stay in memory once read, as long as they fit into `cache_bytes`.
    """

    def __init__(
        self, path: Path, replacements: Mapping[str, pd.Series] | None = None, cache_bytes: int = CACHE_BYTES
    ) -> None:
        schema = pq.read_schema(path)
        self.columns = pd.Index(schema.names)
        self._text_columns = [field.name for field in schema if _is_text_type(field.type)]
        self._number_columns = {field.name for field in schema if _is_number_type(field.type)}
        self._file = pq.ParquetFile(path, read_dictionary=self._text_columns)
        self._cached_columns = dict(replacements or {})
        self._free_cache_bytes = cache_bytes
        self._lock = Lock()

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> pd.Series:
        """Return a column; it may be cached, so never write to it."""
        if name not in self:
            raise KeyError(name)
        with self._lock:
            if name not in self._cached_columns:
                column = self._read_column(name)
                column_bytes = int(column.memory_usage(index=False, deep=True))
                if column_bytes > self._free_cache_bytes:
                    return column
                self._free_cache_bytes -= column_bytes
                self._cached_columns[name] = column
            return self._cached_columns[name]

    def has_numbers(self, name: str) -> bool:
        """Return whether a column holds numbers, without reading it."""
        return name in self._number_columns

    def _read_column(self, name: str) -> pd.Series:
        column = self._file.read(columns=[name]).column(0)
        if name not in self._text_columns:
            values: pd.Series = column.to_pandas()
            return values.rename(name)
        texts = column.unify_dictionaries().combine_chunks()
        return pd.Series(_build_categorical(texts), name=name)


ColumnTable = pd.DataFrame | LazyTable


def make_frame(table: ColumnTable, names: Sequence[str], rows: np.ndarray | slice = slice(None)) -> pd.DataFrame:
    """Return some columns of some rows (mask, positions or slice; default all) as a data frame indexed from 0."""
    return pd.DataFrame({name: table[name].iloc[rows].reset_index(drop=True) for name in names}, columns=list(names))


def is_number_column(table: ColumnTable, name: str) -> bool:
    """Return whether a column holds numbers."""
    return table.has_numbers(name) if isinstance(table, LazyTable) else pd.api.types.is_numeric_dtype(table[name])


def iter_columns(table: ColumnTable, names: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Yield columns one by one; the next is read while the caller works on the current one."""
    if isinstance(table, pd.DataFrame) or not names:
        yield from ((name, table[name]) for name in names)
        return
    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(table.__getitem__, names[0])
        for name, next_name in zip(names, [*names[1:], None], strict=True):
            values = pending.result()
            if next_name is not None:
                pending = reader.submit(table.__getitem__, next_name)
            yield name, values


def _build_categorical(texts: pa.DictionaryArray) -> pd.Categorical:
    categories = texts.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(categories, kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(order)), -1
    code = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(rank[code], categories=pd.Index(categories[order], dtype="str"))


def _is_text_type(data_type: pa.DataType) -> bool:
    return bool(pa.types.is_string(data_type) or pa.types.is_large_string(data_type))


def _is_number_type(data_type: pa.DataType) -> bool:
    return bool(pa.types.is_floating(data_type) or pa.types.is_integer(data_type) or pa.types.is_boolean(data_type))
