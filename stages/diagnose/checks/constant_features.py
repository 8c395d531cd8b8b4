"""constant_features: which inputs carry no information in the rows that are scored, or only there?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.splits.fold_roles import FoldRoles
from trueline.core.splits.walk_forward import ROLES
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stored_tables.lazy_parquet import iter_columns
from trueline.core.stored_tables.row_lookup import convert_to_slice

MISSING_RISE = 0.1  # share of the rows by which an input must be missing more often than in the fit rows
MIN_DISTINCT_MEASURED = 30  # a number with more distinct values is a measurement, not a count or a choice

NAME = "Do all inputs say something, in fitting and in scoring?"
ASKS = "health"


def check(evidence: Evidence) -> Finding:
    """Warn of inputs that say less in the score rows than in the fit rows, or that only wake there.

    Named are inputs that vary in the fit rows and are constant in the score rows, that are missing in every score row,
    or in over `missing_share` of them and clearly more often than in the fit rows, and those that are dead in the fit
    rows. What is constant or sparse on both sides is listed in the details: it says little, but nothing wrong. Missing
    counts as a value: an input that is 1 or missing is not constant. A number with many values, one of which fills more
    than the share `default_share` of rows, looks like a default that hides missing values, unless it is the least or
    the greatest of them, as a zero of what has not happened is. Declines below 30 score rows.
    """
    position, roles = evidence.fold_positions, evidence.roles
    is_scored = (position >= 0) & (roles.is_scored[position] if len(roles.row_pattern) else False)
    if is_scored.sum() < MIN_BLOCKS:
        return decline(f"Only {is_scored.sum()} score rows; {MIN_BLOCKS} are needed to call an input constant.")
    stretch_code = np.where(position >= 0, roles.row_pattern[position], len(roles.pattern_roles))
    ranges, defaulted = _summarise_inputs(evidence, stretch_code, is_scored)
    tests = [roles.folds.index(name) for name in roles.test_folds]
    scored_ranges = ranges.combine_stretches((roles.pattern_roles[:, tests] == ROLES.index("score")).any(axis=1))
    fit_ranges = ranges.combine_stretches((roles.pattern_roles[:, tests] == ROLES.index("fit")).any(axis=1))
    missing = 1 - scored_ranges.present / scored_ranges.rows
    missing_in_fit = 1 - fit_ranges.present / max(fit_ranges.rows, 1)
    dead_in_fit = set(missing.index[fit_ranges.is_dead()])
    all_missing = list(missing.index[scored_ranges.present == 0])
    constant = list(missing.index[scored_ranges.is_constant()])
    limit = evidence.limits.missing_share
    sparse = missing[(missing > limit) & (scored_ranges.present > 0)].sort_values(ascending=False, kind="stable")
    awakened = _find_awakened_inputs(roles, ranges)
    details = {
        "constant": constant, "all_missing": all_missing, "mostly_missing": sparse.to_dict(), "defaulted": defaulted,
        "awakened": awakened,
    }  # fmt: skip
    problems = {
        "constant": [name for name in constant if name not in dead_in_fit],
        "missing in every score row": all_missing,
        f"missing in over {limit:.0%} of the score rows": [
            name for name in sparse.index if missing[name] > missing_in_fit[name] + MISSING_RISE
        ],
        f"one and the same number in over {evidence.limits.default_share:.0%} of the score rows": list(defaulted),
        "constant or missing in fit rows but alive in the rows scored": list(awakened),
    }
    messages = [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {problem}"
        for problem, names in problems.items()
        if names
    ]
    if messages:
        return make_finding("warning", f"{'; '.join(messages)}.", **details)
    if constant:
        summary = f"{', '.join(constant)} {'is' if len(constant) == 1 else 'are'} constant in the fit rows as well"
        return make_finding(
            "ok", f"{summary}; all other inputs vary in the {scored_ranges.rows} score rows.", **details
        )
    return make_finding("ok", f"All {len(missing)} inputs vary in the {scored_ranges.rows} score rows.", **details)


@dataclass(frozen=True)
class _InputRanges:
    """The minimum, the maximum and the count of known values of each input in some rows."""

    low: pd.Series
    high: pd.Series
    present: pd.Series
    rows: int

    def is_constant(self) -> np.ndarray:
        """Return which inputs have one value in all rows."""
        return np.asarray((self.low == self.high) & (self.present == self.rows))

    def is_dead(self) -> np.ndarray:
        """Return which inputs are constant or missing in all rows."""
        return np.asarray(self.is_constant() | (self.present == 0).to_numpy())


@dataclass(frozen=True)
class _StretchRanges:
    """Rows grouped by their roles in all folds; any part of any fold is a union of these stretches.

    Folds overlap, so reading each fold's rows separately would read the table dozens of times.
    """

    names: list[str]
    rows: Ints  # in each stretch; the last stretch holds rows that are in no fold table
    low: Floats  # inputs × stretches
    high: Floats
    present: Ints

    def combine_stretches(self, stretch_mask: Mask) -> _InputRanges:
        """Return the ranges over several stretches together."""
        selected = np.append(stretch_mask, False) & (self.rows > 0)
        low = np.fmin.reduce(self.low[:, selected], axis=1, initial=np.nan)
        high = np.fmax.reduce(self.high[:, selected], axis=1, initial=np.nan)
        present = self.present[:, selected].sum(axis=1)
        low_series, high_series, present_series = (pd.Series(values, self.names) for values in (low, high, present))
        return _InputRanges(low_series, high_series, present_series, int(self.rows[selected].sum()))


def _summarise_inputs(
    evidence: Evidence, stretch_code: Ints, is_scored: Mask
) -> tuple[_StretchRanges, dict[str, float]]:
    """Return the ranges of all inputs by stretch, and the inputs that mostly take one value, in one pass over each."""
    run_starts = np.flatnonzero(np.r_[True, stretch_code[1:] != stretch_code[:-1]])
    scored_slice = convert_to_slice(np.flatnonzero(is_scored))
    shape = len(evidence.input_names), len(evidence.roles.pattern_roles) + 1
    low, high, present = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    defaulted = {}
    for input_index, (name, column) in enumerate(iter_columns(evidence.features, evidence.input_names)):
        values = _convert_to_floats(column)
        present_counts = np.add.reduceat(~np.isnan(values), run_starts, dtype=np.int64)
        np.fmin.at(low[input_index], stretch_code[run_starts], np.fmin.reduceat(values, run_starts))
        np.fmax.at(high[input_index], stretch_code[run_starts], np.fmax.reduceat(values, run_starts))
        np.add.at(present[input_index], stretch_code[run_starts], present_counts)
        if (share := _find_commonest_share(values[scored_slice], evidence.limits.default_share)) is not None:
            defaulted[name] = share
    rows = np.bincount(stretch_code, minlength=shape[1])
    return _StretchRanges(evidence.input_names, rows, low, high, present), defaulted


def _find_commonest_share(values: Floats, limit: float) -> float | None:
    """Return the share of the commonest of many values if it exceeds the limit and is no bound of them, else None.

    In sorted order a value that fills so many rows covers at least one of the positions that lie that far apart.
    """
    values = values[~np.isnan(values)]
    stride = max(1, int(limit * len(values)))
    positions = np.arange(stride - 1, len(values), stride)
    if not len(positions):
        return None
    candidates = np.unique(np.partition(values, positions)[positions])
    commonest = max(candidates, key=lambda candidate: np.count_nonzero(values == candidate))
    share = np.count_nonzero(values == commonest) / len(values)
    is_default = values.min() < commonest < values.max() and len(np.unique(values)) > MIN_DISTINCT_MEASURED
    return share if share > limit and is_default else None


def _find_awakened_inputs(roles: FoldRoles, ranges: _StretchRanges) -> dict[str, list[str]]:
    """Return input → the test folds in which it is constant or missing in the fit rows but varies in the score rows."""
    folds_by_input: dict[str, list[str]] = {}
    for fold in roles.test_folds:
        fit, score = (ranges.combine_stretches(roles.find_patterns(fold, role)) for role in ("fit", "score"))
        if fit.rows < MIN_BLOCKS or score.rows < MIN_BLOCKS:
            continue
        for name in fit.low.index[fit.is_dead() & ~score.is_dead()]:
            folds_by_input.setdefault(str(name), []).append(fold)
    return folds_by_input


def _convert_to_floats(values: pd.Series) -> Floats:
    """Return an input as floats; categories become level codes."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float, na_value=np.nan)
    codes = pd.factorize(values)[0].astype(float)
    return np.where(codes >= 0, codes, np.nan)
