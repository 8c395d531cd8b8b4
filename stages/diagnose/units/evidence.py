"""Evidence: the outputs of the pipeline for one task, as the checks read them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypedDict, TypeVar, cast

import pandas as pd

from trueline.core.runtime.memory import NO_MEMORY, Memory
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_roles import FoldRoles
from trueline.core.splits.walk_forward import NO_CLOCK, TARGET
from trueline.core.stored_tables.lazy_parquet import LazyTable, make_frame
from trueline.core.stored_tables.row_lookup import Ints, encode_row_ids, flag_first_occurrences, lookup_rows
from trueline.core.tables.table_schema import Column

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
# bytes of columns that are cached after reading, because several checks go through all features
CACHE_BYTES_BY_TABLE = {"features": 1 << 30, "folds": 1 << 28, "prepared": 1 << 28, "predictions": 0}


class Finding(TypedDict):
    """The result of a check: a status, a one-sentence summary, and the figures behind it."""

    status: Literal["ok", "warning", "failed", "declined"]
    summary: str
    details: dict[str, Any]


class CheckLimits(StageSettings):
    """The limits beyond which the checks warn or fail."""

    missing_share: float  # share of the score rows in which an input may be missing
    shift: float  # population stability index in excess of what chance gives
    slope_low: float  # calibration slopes between these two count as good
    slope_high: float
    r2_too_good: float  # an R² that no honest forecast of this task reaches
    r2_over_market: float  # R² in excess of that of a market which is not yet known
    gain_doubtful: float  # what predictions may add to the market, as R², before they are doubtful, or unbelievable
    gain_too_good: float
    segment_groups: int  # a segment with fewer groups is not judged
    equal_inputs_share: float  # share of the score rows that may share all inputs with another row
    default_share: float  # share of the score rows in which a number with many values may take one value
    # for quantities with a market line; null without one
    market_bias: float | None  # mean distance of predictions from the market, in the target's unit
    hit_edge: float | None  # distance from the line at which a pick counts, in the target's unit
    hit_rate_too_good: float | None  # a hit rate that no honest forecast reaches against real lines
    hit_rate_picks: int | None  # with fewer picks the hit rate is not judged
    error_below_market: float | None  # advantage in mean absolute error that no honest forecast reaches
    result_correlation: float | None  # rank correlation of prediction − line with result − line that none reaches


@dataclass(frozen=True, eq=False)  # compared by identity, not by its tables
class Evidence:
    """The tables of one task, with the rows as written; predictions hold score rows of test folds only.

    Stored tables are read column by column; their row ids are integers and their texts categories. Cached results are
    shared between checks and must not be modified.
    """

    task: str
    predictions: pd.DataFrame
    prepared: Any  # a LazyTable or a DataFrame, as are features and folds; Any, so that DataFrames can be modified
    columns: list[Column]
    features: Any
    folds: Any
    report: dict[str, Any]
    audit: dict[str, Any]
    limits: CheckLimits
    seed: int
    results: list[tuple[Any, Any]] = field(default_factory=list, init=False, repr=False)  # see `compute_once`
    quality: dict[str, Any] = field(default_factory=dict)
    score_audits: dict[str, dict[str, Any]] = field(default_factory=dict)  # by stage
    hashes: dict[str, str] = field(default_factory=dict)  # of the files of features and predictions
    memory: Memory = NO_MEMORY  # results of earlier runs

    @cached_property
    def input_names(self) -> list[str]:
        """The names of the features."""
        return [str(name) for name in self.features.columns if name != "row_id"]

    @cached_property
    def roles(self) -> FoldRoles:
        """The role of each row in each fold."""
        return FoldRoles.from_table(self.folds)

    @property
    def is_timeless(self) -> bool:
        """Whether the rows have no clock."""
        return bool((self.folds["time"] == NO_CLOCK).all())

    @cached_property
    def scored_rows(self) -> pd.DataFrame:
        """The rows that test folds score, each once: row_id, group, time, `place` in folds, `inputs` in features.

        `place` and `inputs` are row positions; `inputs` is −1 for a row without features.
        """
        positions = self.roles.is_scored.nonzero()[0]
        positions = positions[flag_first_occurrences(self.folds["row_id"].iloc[positions])]
        rows = make_frame(self.folds, ["row_id", "group", "time"], positions)
        return rows.assign(place=positions, inputs=lookup_rows(rows["row_id"], self.features["row_id"]))

    @cached_property
    def fold_positions(self) -> Ints:
        """The position in folds of each row of features, −1 if it is not there."""
        return lookup_rows(self.features["row_id"], self.folds["row_id"])


def compute_once(
    build: Callable[Concatenate[Evidence, Arguments], Result],
) -> Callable[Concatenate[Evidence, Arguments], Result]:
    """Make a function compute its result once for each evidence, which keeps it; so it must not be modified."""

    @wraps(build)
    def get_result(evidence: Evidence, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        call = (build, arguments, named)
        for known_call, result in evidence.results:
            if known_call == call:
                return cast(Result, result)
        result = build(evidence, *arguments, **named)
        evidence.results.append((call, result))
        return result

    return get_result


def open_evidence_tables(paths: dict[str, Path]) -> dict[str, Any]:
    """Open the tables of evidence from their files: predictions, prepared, features, folds.

    Prediction columns whose suffix is not that of a target (`tuned:spread`) are left out.
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


def decline(reason: str, **details: Any) -> Finding:
    """Return the finding of a check that cannot be run."""
    return make_finding("declined", reason, **details)
