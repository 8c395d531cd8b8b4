"""Table differences: every value counts to the last bit, and so does every row that one table lacks."""

import numpy as np
import pandas as pd

from trueline.core.score_audit.table_differences import describe_differences

TABLE = pd.DataFrame({"tuned": [0.1, np.nan, 0.3], "baseline": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])


def test_equal_tables_do_not_differ_in_any_order_of_rows_and_columns() -> None:
    assert describe_differences(TABLE, TABLE.iloc[::-1, ::-1]) == {"compared": 6, "differing": 0, "example": None}


def test_one_bit_is_a_difference_and_is_shown() -> None:
    other = TABLE.copy()
    other.loc["c", "tuned"] = np.nextafter(0.3, 1)
    example = {"row": "c", "column": "tuned", "published": 0.3, "rebuilt": np.nextafter(0.3, 1)}
    assert describe_differences(TABLE, other) == {"compared": 6, "differing": 1, "example": example}


def test_rows_and_columns_that_one_table_lacks_differ_where_the_other_has_values() -> None:
    assert describe_differences(TABLE, TABLE.drop(index="b"))["differing"] == 1  # its other value is missing anyway
    assert describe_differences(TABLE.drop(columns="baseline"), TABLE)["differing"] == 3
    assert describe_differences(TABLE, pd.DataFrame())["differing"] == 5
