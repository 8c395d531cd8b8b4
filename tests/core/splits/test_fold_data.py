"""Fold data: a learner sees the rows of its role and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.splits.fold_data import FoldData, FoldTables, read_cached_tables, read_fold_tables
from trueline.core.tables import table_schema

ROLES = ["fit", "fit", "calibrate", "score", None]
FEW = settings(deadline=None, max_examples=12)


def table(seed: int = 0, races: int = 12) -> FoldTables:
    """Return features and folds of races with rows in any order, some of them with a soft label."""
    random, n = np.random.default_rng(seed), races * 4
    race = random.permutation(np.repeat(np.arange(races), 4))
    keys = pd.DataFrame(
        {
            "row_id": [f"r{number:03}" for number in random.permutation(n)],
            "group": [f"race {number % 5}-{number}" for number in race],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(race // 2, "D"),
            "target": random.integers(0, 2, n).astype(float),
            "soft_label": np.where(random.random(n) < 0.5, np.nan, random.random(n)),
        }
    )
    x = pd.DataFrame({"price": random.normal(size=n), "box": pd.Categorical(random.choice(["1", "2", "3"], n))})
    folds = keys.assign(test_0=pd.Series(ROLES * races)[race].to_numpy(), final="fit")
    return FoldTables(pd.concat([keys[["row_id"]], x], axis=1), folds)


def nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=["fold", "parent", "other", "target"])


def at_origin(rows: FoldData, of: FoldTables) -> pd.DataFrame:
    """Return the rows of the table that the positions of `rows` point at."""
    return pd.concat([of.features.drop(columns="row_id"), of.folds], axis=1).iloc[rows.table_position]


@FEW
@given(st.integers(0, 9999), st.sampled_from(["fit", "calibrate", "score"]))
def test_a_role_holds_all_its_rows_and_no_other(seed: int, role: str) -> None:
    whole = table(seed)
    rows = whole.get_rows("test_0", role)
    assert sorted(rows.table_position) == np.flatnonzero(whole.folds["test_0"] == role).tolist()
    origin = at_origin(rows, whole)
    np.testing.assert_array_equal(rows.x["price"], origin["price"])
    np.testing.assert_array_equal(rows.y, origin["target"])
    np.testing.assert_array_equal(rows.soft_label, origin["soft_label"])
    np.testing.assert_array_equal(rows.time, origin["time"])
    assert (rows.weight == 1).all()
    np.testing.assert_array_equal(whole.find_positions("test_0", role), rows.table_position)
    assert whole.tags == rows.tags


@FEW
@given(st.integers(0, 9999))
def test_rows_are_in_time_order_with_groups_together_and_codes_count_them(seed: int) -> None:
    whole = table(seed)
    rows = whole.get_rows("final", "fit")
    assert (np.diff(rows.time.astype(np.int64)) >= 0).all()
    assert set(np.diff(rows.group)) <= {0, 1}
    assert pd.Series(rows.group).groupby(at_origin(rows, whole)["group"].to_numpy()).nunique().max() == 1


def test_groups_that_overlap_in_time_stay_together_in_order_of_their_beginning() -> None:
    time = pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-04", "2024-01-02", "2024-01-05"])
    keys = {"row_id": list("abcde"), "group": list("xxyyx"), "time": time, "target": 0.0, "soft_label": np.nan}
    whole = FoldTables(
        pd.DataFrame({"row_id": list("abcde"), "price": range(5)}), pd.DataFrame({**keys, "final": "fit"})
    )
    rows = whole.get_rows("final", "fit")
    assert rows.group.tolist() == [0, 0, 0, 1, 1]
    assert rows.x["price"].tolist() == [1, 0, 4, 3, 2]


def test_the_order_of_the_table_does_not_matter() -> None:
    whole = table()
    turned = FoldTables(*(frame[::-1].reset_index(drop=True) for frame in (whole.features, whole.folds)))
    pd.testing.assert_frame_equal(turned.get_rows("test_0", "fit").x, whole.get_rows("test_0", "fit").x)
    np.testing.assert_array_equal(turned.get_rows("test_0", "fit").group, whole.get_rows("test_0", "fit").group)


def test_a_learner_sees_no_key_and_no_outcome_among_its_inputs() -> None:
    assert list(table().get_rows("test_0", "fit").x) == ["price", "box"]


@FEW
@given(st.integers(0, 9999))
def test_resampled_rows_are_fit_rows_of_positive_weight_at_that_weight(seed: int) -> None:
    whole, random = table(seed), np.random.default_rng(seed)
    weight = np.where(whole.folds["test_0"] == "fit", random.choice([0.0, 0.5, 2.0], len(whole.folds)), np.nan)
    rows = replace(
        whole, weights=whole.folds[["row_id"]].assign(test_0=weight), synthetic=nothing()
    ).get_resampled_rows("test_0")
    assert sorted(rows.table_position) == np.flatnonzero(weight > 0).tolist()
    np.testing.assert_array_equal(rows.weight, weight[rows.table_position])
    np.testing.assert_array_equal(rows.x["price"], at_origin(rows, whole)["price"])


def test_a_weight_cannot_bring_in_a_row_that_is_not_fitted_on() -> None:
    whole = table()
    rows = replace(whole, weights=whole.folds[["row_id"]].assign(test_0=1.0), synthetic=nothing()).get_resampled_rows(
        "test_0"
    )
    assert (at_origin(rows, whole)["test_0"] == "fit").all()


def test_synthetic_rows_are_placed_beside_their_first_parent_without_a_soft_label() -> None:
    whole = table()
    weights = whole.folds[["row_id"]].assign(test_0=1.0)
    fit, other = whole.folds.loc[whole.folds["test_0"] == "fit", "row_id"].iloc[:2]
    made = pd.DataFrame({"fold": ["test_0", "final"], "parent": fit, "other": other, "target": 1.0, "price": 9.0})
    made["box"] = pd.Series("2", made.index).astype(whole.features["box"].dtype)
    rows = replace(whole, weights=weights, synthetic=made).get_resampled_rows("test_0")
    [place] = np.flatnonzero(rows.table_position == -1)
    parent = np.flatnonzero(rows.table_position == whole.folds.index[whole.folds["row_id"] == fit][0])[0]
    assert (rows.x["price"][place], rows.x["box"][place], rows.y[place], rows.weight[place]) == (9.0, "2", 1.0, 1.0)
    assert np.isnan(rows.soft_label[place])
    assert rows.group[place] == rows.group[parent]
    assert rows.time[place] == rows.time[parent]
    assert rows.x.dtypes.equals(whole.features.drop(columns="row_id").dtypes)
    assert set(np.diff(rows.group)) <= {0, 1}


def test_fewer_inputs_leave_everything_else() -> None:
    rows = table().get_rows("test_0", "fit")
    fewer = rows.select_inputs(["box"])
    assert list(fewer.x) == ["box"]
    np.testing.assert_array_equal(fewer.y, rows.y)


@FEW
@given(st.floats(0, 1))
def test_a_blended_target_mixes_target_and_soft_label_if_there_is_one(share: float) -> None:
    rows = table().get_rows("final", "fit")
    expected = [y if np.isnan(t) else (1 - share) * y + share * t for y, t in zip(rows.y, rows.soft_label, strict=True)]
    np.testing.assert_allclose(rows.blend_target(share), expected)


def test_features_and_folds_are_read_back_as_written(tmp_path: Path) -> None:
    whole = table()
    table_schema.write_table(whole.features, tmp_path / "features.parquet")
    table_schema.write_table(whole.folds, tmp_path / "folds.parquet")
    again = read_fold_tables(tmp_path / "features.parquet", tmp_path / "folds.parquet")
    pd.testing.assert_frame_equal(again.get_rows("test_0", "fit").x, whole.get_rows("test_0", "fit").x)


def test_features_and_folds_of_other_rows_are_rejected(tmp_path: Path) -> None:
    whole = table()
    table_schema.write_table(whole.features, tmp_path / "features.parquet")
    table_schema.write_table(whole.folds[::-1], tmp_path / "folds.parquet")
    with pytest.raises(UserError, match="do not hold the same rows in the same order; run `dvc repro`"):
        read_fold_tables(tmp_path / "features.parquet", tmp_path / "folds.parquet")


@pytest.mark.parametrize("changed", ["features.parquet", "folds.parquet", "weights.parquet", "synthetic.parquet"])
def test_a_file_that_was_written_anew_in_its_place_is_read_anew(tmp_path: Path, changed: str) -> None:
    whole = table()
    weights = whole.folds[["row_id"]].assign(test_0=1.0, final=1.0)
    contents = {"features": whole.features, "folds": whole.folds, "weights": weights, "synthetic": nothing()}
    for name, content in contents.items():
        table_schema.write_table(content, tmp_path / f"{name}.parquet")
    paths = tmp_path / "features.parquet", tmp_path / "folds.parquet", tmp_path
    before = read_cached_tables(*paths)
    assert read_cached_tables(*paths) is before
    (tmp_path / changed).write_bytes((tmp_path / changed).read_bytes())  # the folder is as it was
    assert read_cached_tables(*paths) is not before
