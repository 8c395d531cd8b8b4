"""root_cause: why is the newest window better or worse than the days before it?"""

import pandas as pd

from stages.diagnose.root_cause import cause_scoring
from stages.diagnose.root_cause.explain import build_cause_explainer
from stages.diagnose.root_cause.low_quality_inputs import find_newly_unsound_inputs
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.graded_units import build_graded_units

NAME = "Why did it get better or worse?"
ASKS = "health"


class Settings(cause_scoring.Settings):
    """Which periods are compared, and from which size a difference counts."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Find the cause by which the newest scored days differ from the days before them: see `CauseExplainer`.

    If it is data quality, the inputs that became unsound are listed too: see `find_newly_unsound_inputs`. Warns of
    every cause except none and undecided. Declines without a clock, without graded units, and with too few days.
    """
    if evidence.is_timeless:
        return decline("The rows have no clock, so nothing comes before anything.")
    if build_graded_units(evidence).empty or evidence.scored_rows.empty:
        return decline("Nothing that is predicted can be graded.")
    newest: pd.Timestamp = evidence.scored_rows["time"].max().normalize()  # predicted or not
    explanation = build_cause_explainer(evidence, settings).explain_window(newest)
    if explanation["confidence"] is None and explanation["cause"] == "undecided":
        return decline(explanation["sentence"])
    sentence = explanation.pop("sentence")
    if explanation["cause"] == "data_quality":
        explanation["inputs"] = find_newly_unsound_inputs(evidence, newest, settings)
    return make_finding("ok" if explanation["cause"] in ("none", "undecided") else "warning", sentence, **explanation)
