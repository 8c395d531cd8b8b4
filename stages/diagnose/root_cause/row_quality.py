"""Row quality: how sound each row's inputs are, and the segments that the row belongs to."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence
from trueline.core.stored_tables.lazy_parquet import ColumnTable, is_number_column, iter_columns
from trueline.core.stored_tables.row_lookup import RowIndexer, convert_to_slice, lookup_rows, take_or_nan

SAMPLE_ROWS = 20_000  # rows that show how an input behaves
MIN_DISTINCT_MEASURED = 30  # a number with more distinct values is a measurement, not a count or a choice
COMMON_VALUE_SHARE = 0.01  # a value of a measured input with at least this share of rows may be a default
LIVELY_SHARE = 0.5  # an input is lively if it changes from an entity's previous row in more than this share of rows
FROZEN_SHARE = 0.9  # a row is stale if at least this share of the lively inputs is unchanged from the previous row
STRETCH_COUNT = 10  # stretches of time over which the usual share of matches is a median
MATCH_SHARE = 0.95  # an input that equals a prepared column in at least this share of rows is expected to equal it
PROBE_ROWS = 200  # enough rows to rule out most pairs
PROBE_MATCH_SHARE = 0.85  # with at least this share of matches among them, the whole sample is compared
MISSING_LEVEL = "(missing)"  # no column has a level of this name
MAX_NUMBER_LEVELS = 12  # a number column with more distinct values is cut into quartile bands
BAND_COUNT = 4


def score_row_quality(evidence: Evidence) -> pd.DataFrame:
    """Return one row per row_id that a test fold scores, with its day and scores from 0 (sound) to 1 (unsound).

    `missing` is the share of missing inputs; `defaulted` the share of measured inputs at their commonest value; `stale`
    is 1 if nearly all inputs that usually change equal those of the entity's previous row; `contrary` is the share,
    among the inputs that nearly always equal a column of the prepared table, of those that do not equal it here.
    `repeated` is 1 if the row is predicted more than once, `unpredicted` if not at all. An input that lags but still
    changes is detected only if it usually equals a prepared column.
    """
    scored_rows = evidence.scored_rows
    prepared_rows = lookup_rows(scored_rows["row_id"], evidence.prepared["row_id"])
    prediction_rows = lookup_rows(evidence.predictions["row_id"], scored_rows["row_id"])
    prediction_counts = np.bincount(prediction_rows[prediction_rows >= 0], minlength=len(scored_rows))
    quality_columns = {
        "day": scored_rows["time"].dt.normalize().astype("datetime64[ns]").to_numpy(),
        **_score_inputs(evidence, scored_rows, prepared_rows),
        "repeated": (prediction_counts > 1).astype(float),
        "unpredicted": (prediction_counts == 0).astype(float),
    }
    return pd.DataFrame(quality_columns, index=pd.Index(scored_rows["row_id"]))


def _score_inputs(evidence: Evidence, scored_rows: pd.DataFrame, prepared_rows: Ints) -> dict[str, Floats]:
    """Return the scores of the inputs, in one pass over them."""
    entity_code = pd.factorize(evidence.prepared["entity"].array.take(prepared_rows, allow_fill=True))[0]
    soundness = _SoundnessScorer(entity_code, scored_rows["time"].to_numpy())
    contradiction = _ContradictionScorer(evidence.prepared, convert_to_slice(prepared_rows), len(prepared_rows))
    number_names = [name for name in evidence.input_names if is_number_column(evidence.features, name)]
    feature_rows = convert_to_slice(scored_rows["inputs"].to_numpy())
    for _, column in iter_columns(evidence.features, number_names):
        values = take_or_nan(column.to_numpy(float, na_value=np.nan), feature_rows)
        soundness.add_input(values)
        contradiction.add_input(values)
    return {**soundness.compute_scores(len(number_names)), "contrary": contradiction.compute_scores()}


def build_segments(evidence: Evidence, columns: list[str]) -> pd.DataFrame:
    """Return the named columns that are prepared, by row_id, as levels; numbers with many values in quartile bands.

    `line_origin` is derived here if lines are known, from what the market's number equals: "estimate" (the estimated
    line, or a line of that type), "open" (the opening line), "moved" (neither) or "none" (no line).
    """
    prepared = evidence.prepared
    segment_columns = {name: _name_levels(prepared[name]) for name in columns if name in prepared}
    if "line_origin" in columns and "soft_label" in prepared:
        segment_columns["line_origin"] = _label_line_origin(prepared)
    return pd.DataFrame(segment_columns, index=pd.Index(prepared["row_id"]))


def _label_line_origin(prepared: ColumnTable) -> "pd.Categorical[str]":
    missing_column = pd.Series(np.nan, index=range(len(prepared)))
    source_names = ("soft_label", "line_type", "estimated_line", "open_line")
    available = {name: prepared[name] for name in source_names if name in prepared}
    soft_label, line_type, *lines = (available.get(name, missing_column) for name in source_names)
    line_values = soft_label.to_numpy(float)
    is_estimate, is_open = (line_values == line.to_numpy(float) for line in lines)
    is_estimate |= (line_type == "estimated").to_numpy(bool)
    code = np.select([np.isnan(line_values), is_estimate, is_open], [0, 1, 2], 3)
    return pd.Categorical.from_codes(code, pd.Index(["none", "estimate", "open", "moved"]))


def _name_levels(values: pd.Series) -> "pd.Categorical[str]":
    """Return the name of each row's level; missing values have a name too."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > MAX_NUMBER_LEVELS:
        finite = values.where(np.isfinite(values.to_numpy(float, na_value=np.nan)))
        levels = pd.qcut(finite, BAND_COUNT, duplicates="drop").astype("category")
    else:
        levels = values.astype("category")
    names = [*map(str, levels.cat.categories), MISSING_LEVEL]
    code, unique = pd.factorize(np.array(names, dtype=object))
    return pd.Categorical.from_codes(code[levels.cat.codes.to_numpy()], pd.Index([str(name) for name in unique]))


class _SoundnessScorer:
    """Counts of missing, defaulted and unchanged inputs by row, compared with the entity's previous row."""

    def __init__(self, entity_code: Ints, time: npt.NDArray[np.datetime64]) -> None:
        self.order = np.lexsort((time, entity_code))
        self.has_previous = _flag_same_as_previous(entity_code[self.order])
        self.missing_counts, self.default_counts, self.unchanged_counts = (
            np.zeros(len(entity_code), dtype=np.int32) for _ in range(3)
        )
        self.measured_count = self.lively_count = 0

    def add_input(self, input_values: Floats) -> None:
        """Update the counts with one input's values."""
        sorted_values = input_values[self.order]
        is_missing = np.isnan(sorted_values)
        self.missing_counts += is_missing
        sample = pd.Series(sorted_values[:: max(1, len(sorted_values) // SAMPLE_ROWS)])
        if sample.nunique() > MIN_DISTINCT_MEASURED:
            self.measured_count += 1
            value_shares = sample.value_counts(normalize=True)
            if value_shares.iloc[0] >= COMMON_VALUE_SHARE:
                self.default_counts += sorted_values == value_shares.index[0]
        is_unchanged = self.has_previous & _flag_same_as_previous(sorted_values)
        if is_unchanged.sum() < (1 - LIVELY_SHARE) * (self.has_previous & ~is_missing).sum():
            self.lively_count += 1
            self.unchanged_counts += is_unchanged

    def compute_scores(self, input_count: int) -> dict[str, Floats]:
        """Return the scores in the order of the rows."""
        is_stale = (self.unchanged_counts >= FROZEN_SHARE * self.lively_count) & (self.lively_count > 0)
        position = np.empty_like(self.order)
        position[self.order] = np.arange(len(self.order))
        return {
            "missing": (self.missing_counts / max(input_count, 1))[position],
            "defaulted": (self.default_counts / max(self.measured_count, 1))[position],
            "stale": is_stale.astype(float)[position],
        }


class _ContradictionScorer:
    """Counts by row of the inputs that nearly always equal a prepared column but do not equal it there."""

    def __init__(self, prepared: ColumnTable, prepared_rows: RowIndexer, row_count: int) -> None:
        self.prepared, self.prepared_rows = prepared, prepared_rows
        self.sample_rows = np.linspace(0, row_count - 1, min(SAMPLE_ROWS, row_count)).astype(int)
        names = [str(name) for name in prepared.columns if name != "row_id"]
        number_names = [name for name in names if is_number_column(prepared, name)]
        self.prepared_samples = {
            name: take_or_nan(column.to_numpy(float, na_value=np.nan), prepared_rows)[self.sample_rows]
            for name, column in iter_columns(prepared, number_names)
        }
        self.mismatch_counts, self.pair_count = np.zeros(row_count, dtype=np.int32), 0

    def add_input(self, values: Floats) -> None:
        """Update the counts with one input's values."""
        sample = values[self.sample_rows]
        probe = slice(None, None, max(1, len(sample) // PROBE_ROWS))
        if len(np.unique(sample[probe])) == 1:
            return
        for name, prepared_sample in self.prepared_samples.items():
            if (
                _compute_typical_share(_flag_equal(sample[probe], prepared_sample[probe])) >= PROBE_MATCH_SHARE
                and _compute_typical_share(_flag_equal(sample, prepared_sample)) >= MATCH_SHARE
            ):
                self.pair_count += 1
                prepared_values = take_or_nan(self.prepared[name].to_numpy(float, na_value=np.nan), self.prepared_rows)
                self.mismatch_counts += ~_flag_equal(values, prepared_values)

    def compute_scores(self) -> Floats:
        """Return the share of these inputs that do not equal their column, by row."""
        return np.asarray(self.mismatch_counts / max(self.pair_count, 1))


def _flag_same_as_previous(values: Floats | Ints) -> Mask:
    return np.asarray(np.r_[False, values[1:] == values[:-1]][: len(values)])


def _compute_typical_share(is_match: Mask) -> float:
    """Return the median share over several stretches of time, so that a fault in one does not hide the usual share."""
    return float(np.median([stretch.mean() for stretch in np.array_split(is_match, STRETCH_COUNT)]))


def _flag_equal(first_values: Floats, second_values: Floats) -> Mask:
    return np.asarray(np.isclose(first_values, second_values, rtol=1e-5, atol=1e-6, equal_nan=True))
