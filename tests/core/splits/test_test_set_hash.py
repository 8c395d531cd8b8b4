"""Two runs share a test-set hash only if they scored the same rows with the same outcomes."""

import pandas as pd

from trueline.core.splits.test_set_hash import describe_scored_rows
from trueline.core.splits.walk_forward import NO_CLOCK

DAY = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02"])
ROWS = pd.DataFrame({"row_id": ["a", "b", "c"], "time": DAY, "target": [1.0, 0.0, 2.5], "fold": "test_0"})


def test_predictions_and_folds_do_not_matter_but_rows_and_outcomes_do() -> None:
    found = describe_scored_rows(ROWS)
    assert (found["rows"], found["from"], found["to"]) == (3, "2024-01-01", "2024-01-02")
    assert describe_scored_rows(ROWS.assign(tuned=0.3, fold="test_1").sample(frac=1, random_state=1)) == found
    assert describe_scored_rows(ROWS.iloc[1:])["hash"] != found["hash"]
    assert describe_scored_rows(ROWS.assign(target=[1.0, 0.0, 2.0]))["hash"] != found["hash"]


def test_a_row_that_several_folds_score_counts_once() -> None:
    assert describe_scored_rows(pd.concat([ROWS, ROWS.assign(fold="test_1")])) == describe_scored_rows(ROWS)


def test_rows_without_a_clock_have_no_days() -> None:
    found = describe_scored_rows(ROWS.assign(time=NO_CLOCK))
    assert (found["from"], found["to"]) == (None, None)
    assert found["hash"] == describe_scored_rows(ROWS)["hash"]
