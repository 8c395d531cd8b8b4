"""Column hashes: two tables have one hash exactly if they say the same in the same order."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.column_hashes import hash_columns


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.sampled_from(["x", "y", None])), min_size=2, max_size=6))
def test_two_tables_have_one_hash_exactly_if_they_say_the_same(rows: list[tuple[float, str | None]]) -> None:
    table = pd.DataFrame(rows, columns=["number", "text"])
    assert hash_columns(table) == hash_columns(table.set_axis(range(5, 5 + len(table))))
    turned = table[::-1].reset_index(drop=True)
    assert (hash_columns(turned) == hash_columns(table)) == (
        turned["number"].to_numpy().tobytes() == table["number"].to_numpy().tobytes() and turned.equals(table)
    )
    assert hash_columns(table.rename(columns={"text": "word"})) != hash_columns(table)
    assert hash_columns(table.assign(number=table["number"].astype(object))) != hash_columns(table)
