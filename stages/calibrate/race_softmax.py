"""race_softmax: one share of success divided within each group by a softmax of one temperature."""

from typing import Any

from core.params import Knobs
from core.races import Codes, Floats, check, lead, softmax, temperature
from core.refusals import Refusal


class Settings(Knobs):
    """No knobs."""


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the factor `b` for which softmax(b·score) has the least loss per group; 1 where no score stands out.

    `b` stays between e⁻⁴ and e⁴. Refuses no rows, no winner, targets that are not a share of a win, scores not finite.
    """
    check(target, "race_softmax", score)
    if not target.any():
        raise Refusal(
            f"race_softmax found no winner among {len(target)} calibrate rows; raise folds.<task>.calibrate_days."
        )
    return {"b": temperature(score, target, group) if lead(score, group).any() else 1.0}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return softmax(b·score) within each group."""
    return softmax(state["b"] * score, group)
