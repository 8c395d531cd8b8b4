"""Prefix sums: the keys that rows have, and had first."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.history.opponent_ratings import RatingTerms
from trueline.core.history.past import Past
from trueline.core.history.prefix_sums import FirstSeen, take_first_codes

ROWS = st.lists(
    st.tuples(st.sampled_from([-1, 0, 1, 2]), st.sampled_from([-1, 0, 1, 5]), st.integers(0, 4)), max_size=12
)


@given(ROWS)
def test_a_row_has_the_code_of_the_earliest_row_of_its_key_that_is_strictly_earlier(
    rows: list[tuple[int, int, int]],
) -> None:
    expected = []
    for key, code, time in rows:
        earlier = [row for row in rows if row[0] == key and row[2] < time and key >= 0]
        expected.append(min(earlier, key=lambda row: row[2])[1] if earlier else code)
    keys, codes, times = np.array(rows, np.int64).reshape(-1, 3).T
    np.testing.assert_array_equal(take_first_codes(keys, codes, times), expected)


def test_a_newcomer_is_rated_like_those_who_began_where_it_begins() -> None:
    races = pd.DataFrame(
        [
            ("2024-01-01", "a", "strong", "top", 2.0),
            ("2024-01-01", "a", "weak", "low", -2.0),
            ("2024-01-05", "b", "strong", "low", 2.0),  # it began at the top, and counts for the top ever after
            ("2024-01-05", "b", "weak", "low", -2.0),
            ("2024-01-09", "c", "new at the top", "top", np.nan),
            ("2024-01-09", "c", "new below", "low", np.nan),
        ],
        columns=["time", "group", "runner", "grade", "margin"],
    ).astype({"time": "datetime64[ns]"})
    began = Past(races).rating(RatingTerms({"margin": 1.0}, "group", {FirstSeen("grade", "runner"): 0.1}, 100.0))[:, 0]
    today = Past(races).rating(RatingTerms({"margin": 1.0}, "group", {"grade": 0.1}, 100.0))[:, 0]
    assert began[4] > 1.5 > -1.5 > began[5]
    assert began[4] > today[4]
