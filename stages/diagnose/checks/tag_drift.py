"""tag_drift: have tag frequencies, their predictions or the vocabulary of the texts changed?"""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.checks import drift
from stages.diagnose.checks.drift import detect_column_drift
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.stored_tables.lazy_parquet import ColumnTable, make_frame
from trueline.core.stored_tables.row_lookup import drop_duplicate_ids

NAME = "Are tags, what is told of them, and the words of the texts, as they were?"
ASKS = "health"

TARGET_PREFIX, ARM_PREFIX, TEXT_COLUMN = "target:", "tuned:", "text"
KINDS = ("tags", "predictions", "promise", "vocabulary")
MAX_WORDS = 1000  # words of a text that are used


class Settings(drift.Settings):
    """The length of the reference, the allowed rate of false alarms, and how finely time is cut."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Warn of tags whose frequency, mean probability, or accuracy in excess of its promise left the reference.

    Of the texts, the share of words that occur in no text before the first scored one is watched. Promised accuracy is
    the mean of max(p, 1 − p), which needs no labels and is right if the probabilities are. Each kind is watched at an
    equal part of `false_alarms`. A row that several folds score counts with its mean probability. Declines for tasks
    without tags, without a clock, and with too few rows for a reference in blocks.
    """
    rows = _build_rows(evidence)
    tags = [str(name)[len(ARM_PREFIX) :] for name in rows if str(name).startswith(ARM_PREFIX)]
    tags = [tag for tag in tags if TARGET_PREFIX + tag in rows]
    if not tags:
        return decline("No tags are told.")
    if (rows["time"] == NO_CLOCK).all():
        return decline("The rows have no clock, so nothing comes before anything.")
    if len(rows) * settings.reference_share < 2 * settings.block_steps:
        return decline(f"{len(rows)} rows are too few for a reference in blocks.")
    tables = _build_tables(rows, tags)
    tables["vocabulary"] = _compute_unseen_word_shares(evidence, rows)
    kinds = [kind for kind in KINDS if len(tables[kind].columns)]
    results = {
        kind: detect_column_drift(tables[kind], None, settings, evidence.seed + kind_index, len(kinds))
        for kind_index, kind in enumerate(kinds)
    }
    changes = [
        {"kind": kind, **change, "day": _format_day(rows, change["row"])}
        for kind in kinds
        for change in results[kind]["seen"]
    ]
    accuracy = {name: float(tables["told"][name].mean()) for name in ("promised", "realised")}
    if not changes:
        summary = f"accuracy {accuracy['realised']:.3f}, promised {accuracy['promised']:.3f}"
        return make_finding("ok", f"Nothing of {len(tags)} tags left its reference; {summary}.", seen=[], **accuracy)
    summary = ", ".join(f"{change['kind']} of {change['name']} ({change['day']})" for change in changes[:3])
    return make_finding("warning", f"{len(changes)} figures left their reference: {summary}.", seen=changes, **accuracy)


def _build_rows(evidence: Evidence) -> pd.DataFrame:
    """Return each row once, in time order, with its mean probabilities and its truth."""
    predictions = evidence.predictions
    arm_columns = [name for name in predictions if str(name).startswith(ARM_PREFIX)]
    mean_probabilities = predictions.groupby("row_id", sort=False)[arm_columns].mean()
    target_columns = [str(name) for name in evidence.prepared.columns if str(name).startswith(TARGET_PREFIX)]
    prepared = _read_columns(evidence.prepared, ["time", *target_columns])
    rows = mean_probabilities.join(prepared, how="inner")
    return rows.sort_values("time", kind="stable").reset_index()


def _read_columns(table: ColumnTable, names: list[str]) -> pd.DataFrame:
    """Return columns by row_id, each row once."""
    return drop_duplicate_ids(make_frame(table, ["row_id", *names])).set_index("row_id")


def _build_tables(rows: pd.DataFrame, tags: list[str]) -> dict[str, pd.DataFrame]:
    p, y = (rows[[prefix + tag for tag in tags]].to_numpy(float) for prefix in (ARM_PREFIX, TARGET_PREFIX))
    promised, realised = np.maximum(p, 1 - p), ((p >= 0.5) == (y > 0.5)).astype(float)
    accuracies: dict[str, Any] = {"promised": promised.mean(axis=1), "realised": realised.mean(axis=1)}
    return {
        "tags": pd.DataFrame(y, columns=tags),
        "predictions": pd.DataFrame(p, columns=tags),
        "promise": pd.DataFrame(realised - promised, columns=tags),
        "told": pd.DataFrame(accuracies),
    }


def _compute_unseen_word_shares(evidence: Evidence, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each row's words that occur in no text before the first of these rows.

    The table has no column if there are no texts or no earlier ones.
    """

    if TEXT_COLUMN not in evidence.features:
        return pd.DataFrame(index=rows.index)
    from trueline.core.text.words import find_first_words  # here, so that it is a dependency of text tasks only

    inputs = _read_columns(evidence.features, [TEXT_COLUMN])
    time = _read_columns(evidence.prepared, ["time"])["time"].reindex(inputs.index)
    token_lists = inputs[TEXT_COLUMN].astype(object).fillna("").map(lambda text: find_first_words(str(text), MAX_WORDS))
    known_words = {token for text in token_lists[time < rows["time"].min()] for token in text}
    if not known_words:
        return pd.DataFrame(index=rows.index)
    shares = token_lists.reindex(rows["row_id"]).map(
        lambda text: sum(token not in known_words for token in text) / max(len(text), 1)
    )
    return pd.DataFrame({"unheard words": shares.to_numpy(float)})


def _format_day(rows: pd.DataFrame, row: int) -> str:
    return f"{rows['time'].iloc[row]:%Y-%m-%d}"
