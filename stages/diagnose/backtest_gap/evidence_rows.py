"""Evidence rows: the backtest's predictions and the production log side by side, from the outputs of the pipeline."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.paired_rows import REQUIRED_COLUMNS, convert_to_floats
from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.scored_units import ARM
from trueline.core.gap_measure import GapMeasure
from trueline.core.splits.walk_forward import NO_CLOCK, TARGET
from trueline.core.stored_tables.lazy_parquet import make_frame
from trueline.core.stored_tables.row_lookup import lookup_rows, take_or_nan

LOG_COLUMNS = ("production_line", "production_line_type", "production_model", "production_hash", "production_at")
PRODUCTION = "production"


def join_evidence_rows(evidence: Evidence, measure: GapMeasure, segments: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of both sides: the tuned arm's predictions, and the production log.

    If a row has several targets there is a row for each of them, with its name in `target_name`. `segments` are further
    columns of the prepared rows to keep. Rows that neither side predicts are kept within the period of the log, to show
    on which days there were events. Empty without a log; without predictions of the arm the backtest's are missing.
    """
    prepared, predictions = evidence.prepared, evidence.predictions
    suffixes = [name.removeprefix(PRODUCTION) for name in map(str, prepared.columns) if _is_prediction(name)]
    suffixes = [suffix for suffix in suffixes if f"{TARGET}{suffix}" in prepared]
    logged = [convert_to_floats(prepared, f"{PRODUCTION}{suffix}") for suffix in suffixes]
    is_logged = np.any([np.isfinite(values) for values in logged], axis=0) if logged else np.zeros(len(prepared), bool)
    if not is_logged.any():
        return pd.DataFrame(columns=list(REQUIRED_COLUMNS))
    position = lookup_rows(prepared["row_id"], predictions["row_id"])  # the first of several
    backtest = [take_or_nan(_read_arm(predictions, suffix), position) for suffix in suffixes]
    day = prepared["time"].to_numpy("datetime64[D]")
    is_requested = (day >= day[is_logged].min()) & (day <= day[is_logged].max())
    is_requested |= np.any([np.isfinite(values) for values in backtest], axis=0)
    facts = _collect_facts(evidence, measure, segments, is_requested, position)
    tables = [
        facts.assign(
            target_name=suffix.removeprefix(":"),
            target=convert_to_floats(prepared, f"{TARGET}{suffix}")[is_requested],
            backtest=backtest[number][is_requested],
            production=logged[number][is_requested],
        )
        for number, suffix in enumerate(suffixes)
    ]
    if measure.has_lines:
        return pd.concat(tables, ignore_index=True)
    # an entity may be in two races of a day
    keyed_tables = [table.assign(entity=table["row_id"].astype(str) + ":" + table["target_name"]) for table in tables]
    return pd.concat(keyed_tables, ignore_index=True)


def _is_prediction(name: str) -> bool:
    return name == PRODUCTION or name.startswith(f"{PRODUCTION}:")


def _read_arm(predictions: pd.DataFrame, suffix: str) -> Floats:
    name = f"{ARM}{suffix}"
    return convert_to_floats(predictions, name) if name in predictions else np.full(len(predictions), np.nan)


def _collect_facts(
    evidence: Evidence, measure: GapMeasure, segments: Sequence[str], is_requested: Mask, position: Ints
) -> pd.DataFrame:
    """Return what is known of each requested row besides its target and predictions, once for all targets."""
    prepared, rows = evidence.prepared, np.flatnonzero(is_requested)
    names = [
        "row_id",
        "group",
        "entity",
        "start_time",
        *LOG_COLUMNS,
        *measure.seen_columns,
        *measure.seen_columns.values(),
        *segments,
    ]
    facts = make_frame(prepared, [name for name in dict.fromkeys(names) if name in prepared], rows)
    time = prepared["time"].to_numpy("datetime64[us]")[rows]
    day = time.astype("datetime64[D]")
    facts = facts.assign(day=day.astype("datetime64[s]"))
    if "fold" in evidence.predictions:
        facts["fold"] = evidence.predictions["fold"].astype(object).array.take(position[rows], allow_fill=True)
    if "start_time" not in facts:
        facts["start_time"] = np.where(time == day, np.datetime64("NaT"), time)
    if (time == NO_CLOCK.to_datetime64()).all():  # nobody knows when the events are
        facts = facts.drop(columns=["start_time", "production_at"], errors="ignore")
    return facts.assign(backtest_line=facts["soft_label"].to_numpy(float) if "soft_label" in facts else np.nan)
