"""Evidence: what the corridor wrote about one task, as the checks of the last room see it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypedDict

import pandas as pd

from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_roles import FoldRoles
from trueline.core.splits.walk_forward import NO_CLOCK, TARGET
from trueline.core.tables.lazy_parquet import LazyTable, make_frame
from trueline.core.tables.row_lookup import Ints, encode_row_ids, flag_first_occurrences, lookup_rows
from trueline.core.tables.table_schema import Column

# bytes of columns that are kept once they are read: several checks go through all features
CACHE_BYTES_BY_TABLE = {"features": 1 << 30, "folds": 1 << 28, "prepared": 1 << 28, "predictions": 0}


class Finding(TypedDict):
    """What a check found: a status, one sentence, and the figures behind it."""

    status: Literal["ok", "warning", "failed", "declined"]
    summary: str
    details: dict[str, Any]


class CheckLimits(StageSettings):
    """The bounds at which the checks speak up."""

    missing_share: float  # of the score rows in which an input is missing
    shift: float  # population stability index beyond that of chance
    slope_low: float  # calibration slopes between these two are as good as 1
    slope_high: float
    r2_too_good: float  # an R² that no honest forecast of this task reaches
    r2_over_market: float  # R² above that of a market which is not yet known
    segment_groups: int  # groups below which a segment is not judged
    twin_share: float  # of the score rows that share all inputs with another
    default_share: float  # of the score rows in which a number of many values takes one and the same
    # of quantities that a market has a line for; null where there is none
    market_bias: float | None  # mean distance of predictions from the market, in the target's unit
    hit_edge: float | None  # distance from the line at which a pick counts, in the target's unit
    hit_rate_too_good: float | None  # a rate that no honest forecast reaches against a real line
    hit_rate_picks: int | None  # picks below which that rate is not judged
    error_below_market: float | None  # mean absolute error below the market's that none reaches


@dataclass(frozen=True, eq=False)  # compared and cached as the one thing it is, not by its tables
class Evidence:
    """The tables of one task, row by row as written; predictions hold score rows of test folds only.

    Tables that are stored are read column by column; their row ids are numbers and their texts categories. What is
    told of all rows is told once: to be read, never written to.
    """

    task: str
    predictions: pd.DataFrame
    prepared: Any  # this and the next two are a Table; Any, for whoever made data frames may change them as such
    columns: list[Column]
    features: Any
    folds: Any
    report: dict[str, Any]
    audit: dict[str, Any]
    limits: CheckLimits
    seed: int

    @cached_property
    def input_names(self) -> list[str]:
        """The names of the features."""
        return [str(name) for name in self.features.columns if name != "row_id"]

    @cached_property
    def roles(self) -> FoldRoles:
        """Which role each row of the folds plays in each of them."""
        return FoldRoles.from_table(self.folds)

    @property
    def is_timeless(self) -> bool:
        """Whether the rows have no clock."""
        return bool((self.folds["time"] == NO_CLOCK).all())

    @cached_property
    def scored_rows(self) -> pd.DataFrame:
        """The rows that test folds score, each once: row_id, group, time; place in the folds and in the features.

        The last is −1 for a row without features.
        """
        positions = self.roles.is_scored.nonzero()[0]
        positions = positions[flag_first_occurrences(self.folds["row_id"].iloc[positions])]
        rows = make_frame(self.folds, ["row_id", "group", "time"], positions)
        return rows.assign(place=positions, inputs=lookup_rows(rows["row_id"], self.features["row_id"]))

    @cached_property
    def fold_positions(self) -> Ints:
        """Where the row of each row of features stands in the folds, −1 where the folds do not know it."""
        return lookup_rows(self.features["row_id"], self.folds["row_id"])


def open_evidence_tables(paths: dict[str, Path]) -> dict[str, Any]:
    """Return the tables of evidence from their files: predictions, prepared, features, folds.

    Of the predictions those columns are left out that no target of that name stands beside (`tuned:spread`).
    """
    ids = encode_row_ids({name: paths[name] for name in ("features", "folds", "prepared", "predictions")})
    tables = {name: LazyTable(paths[name], {"row_id": ids[name]}, CACHE_BYTES_BY_TABLE[name]) for name in ids}
    names = [str(name) for name in tables["predictions"].columns]
    target_suffixes = {name.partition(":")[2] for name in names if name.startswith(TARGET)} | {""}
    selected_names = [name for name in names if name.partition(":")[2] in target_suffixes]
    return {**tables, "predictions": make_frame(tables["predictions"], selected_names)}


def make_finding(status: Literal["ok", "warning", "failed", "declined"], summary: str, **details: Any) -> Finding:
    """Return a finding."""
    return {"status": status, "summary": summary, "details": details}
