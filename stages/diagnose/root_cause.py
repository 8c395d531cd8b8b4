"""root_cause: why is the newest window better or worse than the days before it?"""

import pandas as pd

from core.evidence import Evidence, Finding, finding
from stages.diagnose._causes import judgement
from stages.diagnose._causes.causes import cause
from stages.diagnose._causes.inputs import worse
from stages.diagnose._causes.quality import quality, segments
from stages.diagnose._graded import graded

NAME = "Why did it get better or worse?"


class Settings(judgement.Settings):
    """What is compared with what, and from where on a difference counts."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Name what explains the newest days that test folds score, beside those before: see `_causes.causes.cause`.

    Where it is the data's quality, the inputs that became unsound are named as well: see `_causes.inputs.worse`.
    Warns of every cause but none and undecided. Declines without a clock, without graded units, and with too few days.
    """
    if evidence.timeless:
        return finding("declined", "The rows have no clock, so nothing comes before anything.")
    units = graded(evidence)
    if units.empty or evidence.asked.empty:
        return finding("declined", "Nothing that is predicted can be graded.")
    newest = _newest(evidence)
    parts = segments(evidence, [*settings.population, *settings.lines])
    found = cause(units, quality(evidence), parts, newest, settings, evidence.seed)
    if found["confidence"] is None and found["cause"] == "undecided":
        return finding("declined", found["sentence"])
    said = found.pop("sentence")
    if found["cause"] == "data_quality":
        found["inputs"] = worse(evidence, newest, settings)
    return finding("ok" if found["cause"] in ("none", "undecided") else "warning", said, **found)


def _newest(evidence: Evidence) -> pd.Timestamp:
    """Return the newest day that a test fold scores, predicted or not."""
    newest: pd.Timestamp = evidence.asked["time"].max().normalize()
    return newest
