"""intake: was the source read as it was meant, and how much of it was lost?"""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence, Finding, make_finding
from trueline.core.stored_tables.lazy_parquet import is_number_column, make_frame
from trueline.core.stored_tables.row_lookup import lookup_rows

NAME = "Was the source read as it was meant, and how much of it was lost?"
ASKS = "honesty"

MOST_LOST = 0.05  # share of the rows that may be set aside for one reason
MOST_WITHOUT_PAST = 0.5  # share of the score rows whose entity was never seen before
MIN_DISTINCT_MEASURED = 30  # a number with more distinct values is a measurement, not a count or a choice


def check(evidence: Evidence) -> Finding:
    """Warn of reasons for which many rows were lost, of columns and prices that look misread, and of missing history.

    History is missing if most score rows are of entities without an earlier row, though others have one. A column known
    before the end is at a default if a measurement has one value in more than `default_share` of the rows. Declines
    without a quality report that tells the intake.
    """
    # a further table has an intake of its own
    intakes = [section for name, section in evidence.quality.items() if name == "intake" or name.endswith("_intake")]
    if not intakes:
        return make_finding("declined", "The quality report does not tell what became of the raw rows.")
    lost = {
        reason: loss["share"]
        for intake in intakes
        for reason, loss in intake["set_aside"].items()
        if loss["is_loss"] and loss["share"] > MOST_LOST
    }
    look_meant = {name: target for intake in intakes for name, target in intake["look_meant"].items()}
    hints = [hint for intake in intakes for hint in intake["hints"]]
    without_past = _compute_share_without_past(evidence)
    at_default = _find_columns_at_default(evidence)
    details: dict[str, Any] = {
        "lost": lost,
        "without_past": without_past,
        "look_meant": look_meant,
        "at_default": at_default,
        "hints": hints,
    }
    messages = [f"{share:.1%} of the rows are set aside for {reason!r}" for reason, share in lost.items()]
    if without_past is not None and without_past > MOST_WITHOUT_PAST:
        messages.append(
            f"{without_past:.0%} of the score rows are of entities without a past: are names written in one way?"
        )
    messages += [f"{name} is ignored, though it is a usual name of {our_name}" for name, our_name in look_meant.items()]
    messages += [f"{name} has one value in {share:.0%} of the rows" for name, share in at_default.items()]
    messages += hints
    if messages:
        return make_finding("warning", f"{'; '.join(messages)}.", **details)
    kept, delivered = (sum(intake["rows"][name] for intake in intakes) for name in ("kept", "in"))
    return make_finding("ok", f"{kept:,} of {delivered:,} raw rows are used.", **details)


def _compute_share_without_past(evidence: Evidence) -> float | None:
    """Return the share of score rows whose entity has no earlier row; None without a clock or repeated entities."""
    rows = make_frame(evidence.prepared, ["entity", "time"])
    entity = pd.factorize(rows["entity"])[0]
    scored = lookup_rows(evidence.scored_rows["row_id"], evidence.prepared["row_id"])
    scored = scored[scored >= 0]
    if evidence.is_timeless or not len(scored) or len(np.unique(entity)) == len(entity):
        return None
    first_time = rows["time"].groupby(entity).transform("min")
    return float((rows["time"] == first_time).to_numpy()[scored].mean())


def _find_columns_at_default(evidence: Evidence) -> dict[str, float]:
    shares = {}
    for column in evidence.columns:
        is_judged = (
            column.known != "after" and column.kind == "number" and column.nullable and not column.evaluation_only
        )
        if (
            not is_judged
            or column.name not in evidence.prepared
            or not is_number_column(evidence.prepared, column.name)
        ):
            continue
        counts = evidence.prepared[column.name].value_counts()
        share = counts.iloc[0] / counts.sum() if len(counts) >= MIN_DISTINCT_MEASURED else 0.0
        if share > evidence.limits.default_share:
            shares[column.name] = float(share)
    return shares
