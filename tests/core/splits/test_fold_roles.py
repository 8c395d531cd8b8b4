"""Fold roles are those of the table of folds, whatever the order of its rows."""

from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.splits.fold_roles import FoldRoles

Kind = Literal["object", "str", "category"]
FOLDS = ["tune_0", "test_0", "test_1", "final"]
TABLES = st.lists(st.tuples(*[st.sampled_from(["fit", "calibrate", "score", None])] * 4), max_size=12)


def table(rows: list[tuple[str | None, ...]], kind: Kind) -> pd.DataFrame:
    named = pd.DataFrame(rows, columns=FOLDS, dtype=object).astype(kind)
    return pd.concat([pd.DataFrame({"row_id": np.arange(len(rows))}), named], axis=1)


@pytest.mark.parametrize("kind", ["object", "str", "category"])
@given(rows=TABLES)
@settings(max_examples=60, deadline=None)
def test_every_row_has_the_role_of_the_table(kind: Kind, rows: list[tuple[str | None, ...]]) -> None:
    found = FoldRoles.from_table(table(rows, kind))
    assert (found.folds, found.test_folds) == (FOLDS, ["test_0", "test_1"])
    for place, fold in enumerate(FOLDS):
        for role in ("fit", "calibrate", "score"):
            assert found.find_rows(fold, role).tolist() == [row[place] == role for row in rows]
        learned = found.find_rows(fold, "fit", "calibrate").tolist()
        assert learned == [row[place] in ("fit", "calibrate") for row in rows]
    assert found.is_scored.tolist() == ["score" in row[1:3] for row in rows]


@given(rows=TABLES)
@settings(max_examples=60, deadline=None)
def test_pairs_are_those_of_two_loops(rows: list[tuple[str | None, ...]]) -> None:
    pairs = zip(
        *(
            side.tolist()
            for side in FoldRoles.from_table(table(rows, "object")).list_row_fold_pairs(["test_0", "test_1"], "score")
        ),
        strict=True,
    )
    assert sorted(pairs) == [(n, place) for n, row in enumerate(rows) for place in (1, 2) if row[place] == "score"]


@given(rows=TABLES)
@settings(max_examples=60, deadline=None)
def test_rows_of_one_pattern_have_the_same_role_in_every_fold(rows: list[tuple[str | None, ...]]) -> None:
    found = FoldRoles.from_table(table(rows, "object"))
    assert len({(part, row) for part, row in zip(found.row_pattern.tolist(), rows, strict=True)}) == len(set(rows))
    assert len(found.pattern_roles) == len(set(rows))
