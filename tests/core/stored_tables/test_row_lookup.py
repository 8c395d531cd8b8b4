"""Row lookup: positions equal those of a loop, for numbers and texts, and equal ids of several files get one number."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stored_tables.row_lookup import (
    convert_to_slice,
    drop_duplicate_ids,
    encode_row_ids,
    flag_first_occurrences,
    lookup_rows,
    sort_unique,
    take_or_nan,
)
from trueline.core.tables import table_schema

IDS = st.lists(st.integers(0, 9), max_size=20)


@given(IDS, IDS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_positions_are_the_first_that_a_loop_finds(wanted: list[int], among: list[int], texts: bool) -> None:
    one, other = (
        pd.Series([f"r{n}" for n in side], dtype="str") if texts else pd.Series(side, dtype=np.int64)
        for side in (wanted, among)
    )
    expected = [among.index(n) if n in among else -1 for n in wanted]
    assert lookup_rows(one, other).tolist() == expected
    assert flag_first_occurrences(one).tolist() == [wanted.index(n) == position for position, n in enumerate(wanted)]


@given(IDS)
@settings(max_examples=50, deadline=None)
def test_dropping_duplicates_keeps_the_first_row_of_every_id(ids: list[int]) -> None:
    table = pd.DataFrame({"row_id": np.array(ids, dtype=np.int64), "x": np.arange(len(ids))})
    pd.testing.assert_frame_equal(drop_duplicate_ids(table), table.drop_duplicates("row_id"))


@given(IDS)
@settings(max_examples=50, deadline=None)
def test_distinct_numbers_are_those_of_a_set(ids: list[int]) -> None:
    assert sort_unique(np.array(ids, dtype=np.int64)).tolist() == sorted(set(ids))


@given(st.lists(st.integers(-1, 6), max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_slice_takes_the_same_values_as_its_positions(positions: list[int]) -> None:
    position, values = np.array(positions, dtype=np.int64), np.arange(10.0, 17.0)
    expected = [np.nan if n < 0 else values[n] for n in positions]
    np.testing.assert_array_equal(take_or_nan(values, position), expected)
    np.testing.assert_array_equal(take_or_nan(values, convert_to_slice(position)), expected)
    start = max(positions[0], 0) if positions else 0
    is_consecutive = len(positions) > 0 and positions == list(range(start, start + len(positions)))
    assert isinstance(convert_to_slice(position), slice) == is_consecutive


def test_nothing_is_taken_from_a_table_without_rows() -> None:
    assert np.isnan(take_or_nan(np.empty(0), np.array([[-1, -1]]))).all()


@pytest.mark.parametrize("ids", [["b", "a", "b"], ["a", "b", "c"]])
def test_equal_ids_of_several_files_are_equal_numbers_from_0_on(tmp_path: Path, ids: list[str]) -> None:
    ids_by_name = {"features": ids, "folds": ids, "predictions": ["b", "x", "b"]}
    paths = {name: tmp_path / f"{name}.parquet" for name in ids_by_name}
    for name, words in ids_by_name.items():
        table_schema.write_table(pd.DataFrame({"row_id": words}), paths[name])
    found = encode_row_ids(paths)
    number = {word: n for name in ids_by_name for word, n in zip(ids_by_name[name], found[name].tolist(), strict=True)}
    assert all(found[name].tolist() == [number[word] for word in words] for name, words in ids_by_name.items())
    assert sorted(number.values()) == list(range(len(number)))
    assert found["folds"] is found["features"]
