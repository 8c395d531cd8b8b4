"""The leak audit: a feature must not change when values that were not yet known change."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from trueline.core.history.input_selection import FeatureSelection
from trueline.core.history.kept_leak_audits import NOTHING_KEPT, KeptLeakAudits
from trueline.core.tables.table_schema import Column

Build = Callable[[pd.DataFrame], pd.DataFrame]

LATER_ROWS = 10_000  # rows after a moment that are kept with other values; those after them are removed


class DecisionSettings(FeatureSelection):
    """When the decision is made, on which inputs, and how many moments are audited; plugins add their own settings.

    `untimed_quotes` says what to do with inputs known only at the start if no quote has a time to show that it stood.
    `past` says whether a row sees earlier times of its own day, or earlier days only, which is what is known of all
    rows of a day in its morning.
    """

    decision: Literal["before", "at_start"]
    untimed_quotes: Literal["refuse", "doubtful"] = "refuse"
    audits: int = Field(ge=1)
    past: Literal["earlier_times", "earlier_days"] = "earlier_times"

    def date_rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with the times that decide which of them are in whose past: their own, or their days."""
        return rows.assign(time=rows["time"].dt.normalize()) if self.past == "earlier_days" else rows


def audit_features(
    build: Build,
    table: pd.DataFrame,
    features: pd.DataFrame,
    columns: Sequence[Column],
    settings: DecisionSettings,
    seed: int,
    kept_audits: KeptLeakAudits = NOTHING_KEPT,
) -> list[str]:
    """Return the names of the features that use information they should not have, sorted.

    `features` is what `build` made of the table. At each of a few moments, drawn by the seed, the outcomes at and
    after the moment are replaced by other values (so are the values known at the off: only after the moment if the
    decision is made at the off), and rows long after it are removed, all of which `features` had; in a second run every
    later row is removed. The rows up to the moment must have bit-identical features in both. What `kept_audits` knows
    of the same rows is not built again. Limit: what a builder reads from outside the table is not audited.
    """
    leaking: set[str] = set()
    for moment in _draw_moments(table["time"], settings.audits, seed):
        expected = _take_rows(features, (table["time"] <= moment).to_numpy())
        kept_rows = _select_until(table, _find_last_kept_time(table["time"], moment))
        tampered_rows = _replace_later_values(kept_rows, columns, moment, settings.decision, seed)
        for rows in (tampered_rows, _select_until(table, moment)):
            compare = partial(_compare_until, moment, build, rows, expected)
            leaking |= kept_audits.find_or_compute(rows, expected, compare)
    return sorted(leaking)


def _compare_until(moment: pd.Timestamp, build: Build, rows: pd.DataFrame, expected: pd.DataFrame) -> set[str]:
    """Return the names of the features that differ from those expected of the rows up to a moment."""
    return _find_differing_columns(expected, _take_rows(build(rows), (rows["time"] <= moment).to_numpy()))


def _take_rows(table: pd.DataFrame, is_taken: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows that are taken; the first rows, as those of a table in order of time are, without a copy."""
    row_count = np.count_nonzero(is_taken)
    return table.iloc[:row_count] if is_taken[:row_count].all() else table[is_taken]


def find_start_inputs(
    build: Build, table: pd.DataFrame, features: pd.DataFrame, columns: Sequence[Column]
) -> list[str]:
    """Return the names of the features that change when the present values known only at the start change, sorted.

    `build` makes the features of the present rows that it is given; their past must stay as it is.
    """
    random, tampered = np.random.default_rng(0), table.copy()
    for column in columns:
        if column.known == "at_start":
            tampered[column.name] = _sample_other_values(table[column.name], random)
    return sorted(_find_differing_columns(features, build(tampered)))


def _draw_moments(time: pd.Series, count: int, seed: int) -> list[pd.Timestamp]:
    """Return moments that the seed draws by a hash of each time, so that a later time seldom changes who is drawn."""
    times = np.sort(time.unique())
    candidate_times = times[1:] if len(times) > 1 else times  # if all rows are simultaneous, all outcomes are replaced
    hashes = pd.util.hash_array(candidate_times.astype("datetime64[ns]").astype(np.int64) ^ _hash_seed(seed))
    drawn_times = candidate_times[np.argsort(hashes, kind="stable")[:count]]
    return [pd.Timestamp(moment) for moment in np.sort(drawn_times)]


def _hash_seed(seed: int) -> np.int64:
    return np.random.default_rng(seed).integers(2**62)


def _select_until(table: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    return _take_rows(table, (table["time"] <= moment).to_numpy()).reset_index(drop=True)


def _find_last_kept_time(time: pd.Series, moment: pd.Timestamp) -> pd.Timestamp:
    """Return the time of the LATER_ROWS-th row after a moment, or of the last row."""
    later_times = np.sort(time[time > moment])
    return pd.Timestamp(later_times[:LATER_ROWS][-1]) if len(later_times) else moment


def _replace_later_values(
    table: pd.DataFrame, columns: Sequence[Column], moment: pd.Timestamp, decision: str, seed: int
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    from_moment, after_moment = table["time"] >= moment, table["time"] > moment
    tampered = table.copy()
    for column in columns:
        if column.known == "before":
            continue
        rows = (after_moment if column.known == "at_start" and decision == "at_start" else from_moment).to_numpy()
        tampered.loc[rows, column.name] = _sample_other_values(table.loc[rows, column.name], random)
    return tampered


def _sample_other_values(values: pd.Series, random: np.random.Generator) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(random.normal(1.0, 1.0, len(values)) * (1.0 + values.abs().max()), index=values.index)
    return values.sample(frac=1.0, random_state=int(random.integers(2**31))).set_axis(values.index)


def _find_differing_columns(original: pd.DataFrame, rebuilt: pd.DataFrame) -> set[str]:
    tables = original.reset_index(drop=True), rebuilt.reset_index(drop=True)
    if set(original.columns) != set(rebuilt.columns):
        return set(original.columns) ^ set(rebuilt.columns)
    return {str(name) for name in original.columns if not _has_same_values(tables[0][name], tables[1][name])}


def _has_same_values(original: pd.Series, rebuilt: pd.Series) -> bool:
    """Return whether two columns are equal; a category equals its text, and a missing value any missing value."""
    if original.dtype == rebuilt.dtype == np.float64:
        return np.array_equal(original.to_numpy(), rebuilt.to_numpy(), equal_nan=True)
    return original.astype(object).equals(rebuilt.astype(object))
