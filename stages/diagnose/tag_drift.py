"""tag_drift: do tags come, are they told, and do texts speak, as before?"""

from typing import Any

import numpy as np
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import NO_CLOCK
from core.places import once
from core.stored import frame
from core.vocabulary import words
from stages.diagnose import drift
from stages.diagnose.drift import watched

NAME = "Are tags, what is told of them, and the words of the texts, as they were?"

TARGET, ARM, TEXT = "target:", "tuned:", "text"
KINDS = ("tags", "predictions", "promise", "vocabulary")
WORDS = 1000  # of a text that are looked at


class Settings(drift.Settings):
    """How long the reference is, how rarely a period without change may alarm, and how finely time is cut."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Name the tags whose frequency, mean probability, or accuracy beyond what was promised left the reference.

    Of texts, the share of words is watched that no text before the first scored one has. Promised accuracy is the mean
    of max(p, 1 − p), which needs no label; it is true where probabilities are. Each of the kinds is watched at its part
    of `false_alarms`. A row that several folds score counts with its mean probability.
    Declines tasks without tags, without a clock, and with too few rows for a reference in blocks.
    """
    rows = _rows(evidence)
    tags = [str(name)[len(ARM) :] for name in rows if str(name).startswith(ARM)]
    tags = [tag for tag in tags if TARGET + tag in rows]
    if not tags:
        return finding("declined", "No tags are told.")
    if (rows["time"] == NO_CLOCK).all():
        return finding("declined", "The rows have no clock, so nothing comes before anything.")
    if len(rows) * settings.reference_share < 2 * settings.block_steps:
        return finding("declined", f"{len(rows)} rows are too few for a reference in blocks.")
    tables = _tables(rows, tags)
    tables["vocabulary"] = _unheard(evidence, rows)
    kinds = [kind for kind in KINDS if len(tables[kind].columns)]
    found = {kind: watched(tables[kind], None, settings, evidence.seed + n, len(kinds)) for n, kind in enumerate(kinds)}
    seen = [{"kind": kind, **one, "day": _day(rows, one["row"])} for kind in kinds for one in found[kind]["seen"]]
    promise = {name: float(tables["told"][name].mean()) for name in ("promised", "realised")}
    if not seen:
        said = f"accuracy {promise['realised']:.3f}, promised {promise['promised']:.3f}"
        return finding("ok", f"Nothing of {len(tags)} tags left its reference; {said}.", seen=[], **promise)
    said = ", ".join(f"{one['kind']} of {one['name']} ({one['day']})" for one in seen[:3])
    return finding("warning", f"{len(seen)} figures left their reference: {said}.", seen=seen, **promise)


def _rows(evidence: Evidence) -> pd.DataFrame:
    """Return each row once, in time order, with the mean of its probabilities and its truth."""
    given = evidence.predictions
    arms = [name for name in given if str(name).startswith(ARM)]
    told = given.groupby("row_id", sort=False)[arms].mean()
    truth = [str(name) for name in evidence.prepared.columns if str(name).startswith(TARGET)]
    prepared = once(frame(evidence.prepared, ["row_id", "time", *truth])).set_index("row_id")
    rows = told.join(prepared, how="inner")
    return rows.sort_values("time", kind="stable").reset_index()


def _tables(rows: pd.DataFrame, tags: list[str]) -> dict[str, pd.DataFrame]:
    p, y = (rows[[lead + tag for tag in tags]].to_numpy(float) for lead in (ARM, TARGET))
    promised, realised = np.maximum(p, 1 - p), ((p >= 0.5) == (y > 0.5)).astype(float)
    told: dict[str, Any] = {"promised": promised.mean(axis=1), "realised": realised.mean(axis=1)}
    return {
        "tags": pd.DataFrame(y, columns=tags),
        "predictions": pd.DataFrame(p, columns=tags),
        "promise": pd.DataFrame(realised - promised, columns=tags),
        "told": pd.DataFrame(told),
    }


def _unheard(evidence: Evidence, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each row's words that no text before the first of these rows has; no column without any."""
    if TEXT not in evidence.features:
        return pd.DataFrame(index=rows.index)
    inputs = once(frame(evidence.features, ["row_id", TEXT])).set_index("row_id")
    time = once(frame(evidence.prepared, ["row_id", "time"])).set_index("row_id")["time"].reindex(inputs.index)
    told = inputs[TEXT].astype(object).fillna("").map(lambda text: words(str(text), WORDS))
    known = {word for text in told[time < rows["time"].min()] for word in text}
    if not known:
        return pd.DataFrame(index=rows.index)
    share = told.reindex(rows["row_id"]).map(lambda text: sum(word not in known for word in text) / max(len(text), 1))
    return pd.DataFrame({"unheard words": share.to_numpy(float)})


def _day(rows: pd.DataFrame, row: int) -> str:
    return f"{rows['time'].iloc[row]:%Y-%m-%d}"
