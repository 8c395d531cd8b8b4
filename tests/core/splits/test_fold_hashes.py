"""Fold hashes: later rows change no hash and nothing that a learner sees; a changed row does."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.runtime.memory import NO_MEMORY, Memory
from trueline.core.splits.fold_data import FoldData, FoldTables
from trueline.core.splits.fold_hashes import FoldHashes, hash_table_rows

FEW = settings(deadline=None, max_examples=6)
FOLD = "test_0"


def make_tables(seed: int, rows: int = 24) -> FoldTables:
    """Return tables in time order; a later row may have a category that no earlier one has."""
    random = np.random.default_rng(seed)
    number = np.arange(rows)
    keys = pd.DataFrame(
        {
            "row_id": [f"r{index:03}" for index in number],
            "group": [f"race {index // 4}" for index in number],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(number // 8, "D"),
            "target": random.integers(0, 2, rows).astype(float),
            "soft_label": np.where(random.random(rows) < 0.5, np.nan, random.random(rows)),
        }
    )
    venues = np.where(number < 16, random.choice(["york", "ascot"], rows), "aintree")
    inputs = pd.DataFrame(
        {
            "price": np.where(random.random(rows) < 0.2, np.nan, random.normal(size=rows)),
            "box": random.integers(1, 9, rows),
            "venue": pd.Categorical(pd.Series(venues, dtype=object).where(random.random(rows) < 0.8, None)),
            "text": random.choice(np.array(["a b", "c", None], dtype=object), rows),
        }
    )
    role = pd.Series(np.select([number < 8, number < 12, number < 16], ["fit", "calibrate", "score"], "")).replace(
        "", None
    )
    weights = pd.DataFrame(
        {"row_id": keys["row_id"], FOLD: np.where(number < 8, random.choice([1.0, 0.5], rows), np.nan)}
    )
    synthetic = pd.DataFrame({"fold": [FOLD], "parent": ["r001"], "other": ["r002"], "target": [1.0], "price": [0.5]})
    synthetic = synthetic.assign(box=3, venue=pd.Categorical(["york"]), text="c")
    features = pd.concat([keys[["row_id"]], inputs], axis=1)
    return FoldTables(features, keys.assign(**{FOLD: role}), weights, synthetic)


def cut(tables: FoldTables, rows: int) -> FoldTables:
    """Return the tables as they are before the later rows come, with categories of their own."""
    features = tables.features[:rows].assign(venue=tables.features["venue"][:rows].cat.remove_unused_categories())
    return FoldTables(features, tables.folds[:rows], tables.weights[:rows], tables.synthetic)


def list_hashes(tables: FoldTables, memory: Memory = NO_MEMORY) -> list[str]:
    hashes = FoldHashes(tables, memory)
    return [hashes.hash_rows(FOLD, role) for role in ("fit", "calibrate", "score")] + [hashes.hash_resampled_rows(FOLD)]


def list_seen_rows(tables: FoldTables) -> list[FoldData]:
    rows = [tables.get_rows(FOLD, role) for role in ("fit", "calibrate", "score")] + [tables.get_resampled_rows(FOLD)]
    return [data.hide_other_rows() for data in rows]


@FEW
@given(st.integers(0, 9999), st.sampled_from([16, 20, 24]))
def test_later_rows_change_no_hash_and_nothing_that_a_learner_sees(seed: int, rows: int) -> None:
    whole = make_tables(seed)
    earlier = cut(whole, rows)
    assert list_hashes(earlier) == list_hashes(whole)
    for before, after in zip(list_seen_rows(earlier), list_seen_rows(whole), strict=True):
        pd.testing.assert_frame_equal(before.x, after.x)
        for name in [field.name for field in fields(FoldData) if field.name not in ("x", "tags")]:
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_hashes_of_rows_that_were_hashed_before_are_recalled_and_the_same(tmp_path: Path) -> None:
    memory, tables = Memory(tmp_path), make_tables(1)
    hashed = list_hashes(tables, memory)
    kept = sorted(tmp_path.iterdir())
    equal_tables = replace(tables, features=tables.features.copy())  # another object, as another stage reads it
    assert list_hashes(equal_tables, memory) == hashed == list_hashes(tables)
    assert sorted(tmp_path.iterdir()) == kept != []
    dearer = replace(tables, features=tables.features.assign(price=2.5))
    assert list_hashes(dearer, memory) == list_hashes(dearer) != hashed


@FEW
@given(st.integers(0, 9999), st.integers(0, 15), st.sampled_from(["target", "soft_label", "row_id", "group", "time"]))
def test_another_key_or_outcome_changes_the_hash_of_its_role_alone(seed: int, row: int, name: str) -> None:
    tables = make_tables(seed)
    folds = tables.folds.copy()
    changes: dict[str, Any] = {
        "target": 7.0,
        "soft_label": 7.0,
        "row_id": "other",
        "group": "other",
        "time": pd.Timestamp(0),
    }
    folds.loc[row, name] = changes[name]
    expect_change(tables, replace(tables, folds=folds), row)


@FEW
@given(st.integers(0, 9999), st.integers(0, 15), st.sampled_from(["price", "box", "venue", "text"]))
def test_another_input_changes_the_hash_of_its_role_alone(seed: int, row: int, name: str) -> None:
    tables = make_tables(seed)
    features = tables.features.copy()
    values: dict[str, Any] = {"price": 7.5, "box": 77, "venue": "aintree", "text": "new"}
    features.loc[row, name] = values[name]
    expect_change(tables, replace(tables, features=features), row)


def expect_change(before: FoldTables, after: FoldTables, row: int) -> None:
    role = before.folds[FOLD][row]
    changed = [old != new for old, new in zip(list_hashes(before), list_hashes(after), strict=True)]
    assert changed == [role == "fit", role == "calibrate", role == "score", role == "fit"]


@pytest.mark.parametrize("value", [0.25, 0.0])
def test_another_weight_or_synthetic_row_changes_only_the_hash_of_the_resampled_rows(value: float) -> None:
    tables = make_tables(1)
    weights = tables.weights.copy()
    weights.loc[3, FOLD] = value
    others = [replace(tables, weights=weights), replace(tables, synthetic=tables.synthetic.assign(price=value))]
    for other in [*others, replace(tables, synthetic=tables.synthetic[:0])]:
        changed = [old != new for old, new in zip(list_hashes(tables), list_hashes(other), strict=True)]
        assert changed == [False, False, False, True]


def test_another_order_name_or_type_of_the_inputs_is_another_hash() -> None:
    tables = make_tables(2)
    others = [
        tables.features.rename(columns={"price": "odds"}),
        tables.features[["row_id", "box", "price", "venue", "text"]],
        tables.features.astype({"box": float}),
        tables.features.astype({"venue": object}),
        tables.features.drop(columns="text"),
    ]
    hashes = [list_hashes(tables)[0], *(list_hashes(replace(tables, features=features))[0] for features in others)]
    assert len(set(hashes)) == len(hashes)


def test_another_order_of_the_levels_that_occur_is_another_hash_and_that_of_others_is_not() -> None:
    tables = make_tables(2)
    venue = tables.features["venue"].cat.set_categories(["ascot", "york", "aintree"])
    codes = ["ascot", "york", "aintree"], ["york", "ascot", "aintree"], ["aintree", "ascot", "york"]
    features = [tables.features.assign(venue=venue.cat.reorder_categories(levels)) for levels in codes]
    features.append(tables.features.assign(venue=venue.cat.as_ordered()))
    hashes = [list_hashes(replace(tables, features=each))[0] for each in features]  # no fit row is at aintree
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3
    assert len({list_hashes(replace(tables, features=each))[3] for each in features}) == 3


def test_weights_of_another_type_are_another_hash() -> None:
    tables = make_tables(2)
    narrow = replace(tables, weights=tables.weights.astype({FOLD: "float32"}))
    assert list_hashes(tables)[3] != list_hashes(narrow)[3]


def test_rows_that_are_added_before_all_others_change_nothing_that_a_learner_sees() -> None:
    tables = make_tables(2)
    day_before = tables.folds["time"] - pd.Timedelta(days=1)
    first_keys = tables.folds[:1].assign(row_id="a", group="a", time=day_before)
    first_keys[FOLD] = first_keys[FOLD].mask(np.array([True]))
    first_weights = tables.weights[:1].assign(row_id="a")
    first_weights[FOLD] = np.nan
    later = FoldTables(
        pd.concat([tables.features[:1].assign(row_id="a"), tables.features], ignore_index=True),
        pd.concat([first_keys, tables.folds], ignore_index=True),
        pd.concat([first_weights, tables.weights], ignore_index=True),
        tables.synthetic,
    )
    assert list_hashes(tables) == list_hashes(later)
    for before, after in zip(list_seen_rows(tables), list_seen_rows(later), strict=True):
        np.testing.assert_array_equal(before.table_position, after.table_position)


def test_rows_that_differ_hash_differently_and_equal_ones_alike() -> None:
    rows = pd.DataFrame({"a": [1.0, 1.0, 2.0, np.nan], "b": ["x", "x", "x", None]})
    digests = [digest.tobytes() for digest in hash_table_rows(rows)]
    assert len(set(digests)) == 3
    assert digests[0] == digests[1]
    assert hash_table_rows(rows[:0]).shape == (0, 16)
    assert len({digest.tobytes() for digest in hash_table_rows(rows.assign(b=None))}) == 3
