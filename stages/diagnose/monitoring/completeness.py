"""Completeness: how many rows of a day should have been predicted, how many were, and with what quality of inputs."""

import numpy as np
import pandas as pd

from stages.diagnose.monitoring.daily_sums import index_days
from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.scored_units import ARM
from trueline.core.stored_tables.lazy_parquet import is_number_column, iter_columns
from trueline.core.stored_tables.row_lookup import flag_first_occurrences, lookup_rows, take_or_nan

ROWS_PER_DAY = 200  # evenly spaced rows of a day on which its inputs are judged
HISTORY_DAYS = 60  # days before the first scored one that show how an input usually behaves
MIN_DISTINCT_MEASURED = 30  # a number with more distinct values is a measurement, not a count or a choice
COMMON_VALUE_SHARE = 0.05  # a value with this share of a measured input's history is its default
SHARED_VALUE_SHARE = 0.5  # a value with this share of a day's rows stands for missing values,
USUAL_SHARED_SHARE = 0.25  # unless half the days have one with this share (a league's mean, the day of the season)


def count_rows_by_day(evidence: Evidence, units: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return for each day the counts of existing, requested, predicted and graded rows, and its status.

    Status: graded; ungraded (predicted, no result that counts); no_data (requested, nothing predicted: an outage);
    not_scored (rows that no test fold scores); no_games (no row at all). A row predicted twice counts once.
    """
    folds, predictions = evidence.folds, evidence.predictions
    is_predicted = predictions[ARM].notna().to_numpy() if ARM in predictions else np.zeros(len(predictions), dtype=bool)
    predicted_rows = predictions.loc[is_predicted & flag_first_occurrences(predictions["row_id"]), ["group", "time"]]
    is_race = "market_hit" in units
    graded_times = predicted_rows.loc[predicted_rows["group"].isin(units["block"]), "time"] if is_race else units["day"]
    day_counts = pd.DataFrame({
        "rows": count_times_by_day(folds["time"], days),
        "asked": count_times_by_day(folds["time"].iloc[evidence.roles.is_scored.nonzero()[0]], days),
        "made": count_times_by_day(predicted_rows["time"], days),
        "graded": count_times_by_day(graded_times, days),
    })  # fmt: skip
    conditions = [day_counts[name] > 0 for name in ("graded", "made", "asked", "rows")]
    statuses = ["graded", "ungraded", "no_data", "not_scored"]
    return day_counts.assign(status=np.select(conditions, statuses, "no_games").astype(object))


def count_times_by_day(times: pd.Series, days: pd.DatetimeIndex) -> Ints:
    """Return how many of the times fall on each day."""
    day_index = index_days(times, days)
    return np.bincount(day_index[(day_index >= 0) & (day_index < len(days))], minlength=len(days))


def compute_feature_quality(evidence: Evidence, days: pd.DatetimeIndex) -> Floats:
    """Return for each day the percentage of inputs that are present and not defaulted, in requested rows.

    At most ROWS_PER_DAY rows of a day are used. A measured input (one with many values) is at its default if it has its
    commonest value of the HISTORY_DAYS before the first scored day, provided that value has a share of at least
    COMMON_VALUE_SHARE there, or if it has a value that half the day's rows share although that is unusual for it. NaN
    on days without requests. A row without inputs has none present.
    """
    requested_rows, history_rows = _sample_feature_rows(evidence, days)
    number_names = [name for name in evidence.input_names if is_number_column(evidence.features, name)]
    if not number_names:
        return np.full(len(days), np.nan)
    sound_counts = np.zeros(requested_rows.shape)
    for _, column in iter_columns(evidence.features, number_names):
        values = column.to_numpy(float, na_value=np.nan)
        sound_counts += _flag_sound_values(take_or_nan(values, requested_rows), take_or_nan(values, history_rows))
    has_row = requested_rows != NO_ROW
    row_counts = has_row.sum(axis=1)
    sound_totals = np.where(has_row, sound_counts, 0).sum(axis=1)
    return np.where(row_counts > 0, 100 * sound_totals / np.maximum(row_counts * len(number_names), 1), np.nan)


NO_ROW = -2  # marks an unused slot of a day; −1 is a row without inputs


def _flag_sound_values(values: Floats, history: Floats) -> Mask:
    """Return which of the values (days × rows) are present and not at a default."""
    is_sound = np.isfinite(values)
    past_values = history[np.isfinite(history)]
    distinct_values, value_counts = np.unique(past_values, return_counts=True)
    if len(distinct_values) <= MIN_DISTINCT_MEASURED:
        return is_sound
    if value_counts.max() >= COMMON_VALUE_SHARE * len(past_values):
        is_sound &= values != distinct_values[value_counts.argmax()]
    usual_shares = _find_commonest_values(history)[1]
    if usual_shares.any() and np.median(usual_shares[usual_shares > 0]) < USUAL_SHARED_SHARE:
        commonest, share = _find_commonest_values(values)
        is_sound &= ~((share >= SHARED_VALUE_SHARE)[:, None] & (values == commonest[:, None]))
    return np.asarray(is_sound)


def _find_commonest_values(values: Floats) -> tuple[Floats, Floats]:
    """Return each day's commonest value and its share of the present ones; the share is 0 with fewer than two."""
    ordered = np.sort(values, axis=1)  # NaN comes last
    present_counts = np.isfinite(ordered).sum(axis=1)
    commonest, longest_run = np.full(len(ordered), np.nan), np.zeros(len(ordered))
    current_run, previous = np.zeros(len(ordered)), commonest
    for column in ordered.T:
        is_same, previous = column == previous, column
        current_run = np.where(is_same, current_run + 1, np.isfinite(column).astype(float))
        is_longer = current_run > longest_run
        commonest, longest_run = np.where(is_longer, column, commonest), np.where(is_longer, current_run, longest_run)
    return commonest, np.where(present_counts > 1, longest_run / np.maximum(present_counts, 1), 0.0)


def _sample_feature_rows(evidence: Evidence, days: pd.DatetimeIndex) -> tuple[Ints, Ints]:
    """Return feature positions, days × ROWS_PER_DAY: of the days' requested rows, and of the history days' rows."""
    folds = evidence.folds
    day_index = index_days(folds["time"], days)
    is_requested = evidence.roles.is_scored & (day_index >= 0) & (day_index < len(days))
    requested_rows = _select_spread_rows(np.flatnonzero(is_requested), day_index, len(days))
    is_history = (day_index < 0) & (day_index >= -HISTORY_DAYS)
    history_rows = _select_spread_rows(np.flatnonzero(is_history), day_index + HISTORY_DAYS, HISTORY_DAYS)
    feature_rows = lookup_rows(folds["row_id"], evidence.features["row_id"])
    requested, history = (
        np.where(rows == NO_ROW, NO_ROW, feature_rows[rows]) for rows in (requested_rows, history_rows)
    )
    return requested, history


def _select_spread_rows(rows: Ints, day_index: Ints, day_count: int) -> Ints:
    """Return days × ROWS_PER_DAY: evenly spaced rows of each day in the given order; NO_ROW fills unused slots."""
    order = rows[np.argsort(day_index[rows], kind="stable")]
    day_edges = np.searchsorted(day_index[order], np.arange(day_count + 1))
    day_sizes = np.diff(day_edges)
    steps = np.maximum(day_sizes, ROWS_PER_DAY)[:, None] / ROWS_PER_DAY
    offsets = np.floor(np.arange(ROWS_PER_DAY) * steps).astype(np.int64)
    is_inside = offsets < day_sizes[:, None]
    if not len(order):
        return np.full((day_count, ROWS_PER_DAY), NO_ROW, dtype=np.int64)
    return np.where(is_inside, order[np.minimum(day_edges[:-1, None] + offsets, len(order) - 1)], NO_ROW)
