"""Scores of the place chances, beside Harville's model of the same win chances and the place market."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.race.baseline_losses import summarise_baselines
from trueline.core.stats.group_ops import Codes, Floats, encode_groups, sum_by_group
from trueline.core.stats.place_chances import compute_place_chances
from trueline.core.stats.probability_scores import compute_log_losses, estimate_calibration_slope

PLACE_CHANCE = "tuned:place"
VERDICT_PHRASES = {
    "better": "better than",
    "worse": "worse than",
    "undecided": "neither better nor worse, beyond chance, than",
}
COMPARED_WITH = {"harville": "Harville's model of the same win chances", "market": "the place market"}
Report = dict[str, Any]


def evaluate_places(rows: pd.DataFrame, prepared: pd.DataFrame, seed: int) -> Report | None:
    """Return the log loss per runner and the calibration slope of the place chances and of what they are compared with.

    Judged are races that pay fewer places than they have runners and say of each runner whether it was placed, if some
    were. What a runner gets by the model is compared with whether it was paid, so that a dead heat, or a race that pays
    more places than fields of its size do, counts against the model. None without place chances or such races.
    """
    if PLACE_CHANCE not in rows or "placed" not in prepared:
        return None
    outcomes = prepared.set_index("row_id").reindex(rows["row_id"])
    placed = outcomes["placed"].to_numpy(float)
    is_judged = _flag_judged_races(rows[PLACE_CHANCE].to_numpy(float), placed, encode_groups(rows["group"]))
    if not is_judged.any():
        return None
    judged_rows, placed = rows[is_judged], placed[is_judged]
    code = encode_groups(judged_rows["group"])
    market = outcomes["place_p"].to_numpy(float)[is_judged] if "place_p" in outcomes else np.full(len(code), np.nan)
    chances = _collect_place_chances(judged_rows, market, code)
    baselines = _summarise_place_chances(chances, placed, code, seed)
    counts = _count_races(rows, chances["tuned"], placed, code)
    return counts | {"baselines": baselines, "sentences": _describe_places(counts, baselines)}


def _flag_judged_races(chance: Floats, placed: Floats, code: Codes) -> npt.NDArray[np.bool_]:
    promised, paid = sum_by_group(chance, code), sum_by_group(placed, code)  # missing if any of the race is
    field_size = np.bincount(code)[code]
    return np.asarray((paid > 0) & (promised > 0.5) & (promised < field_size - 0.5))


def _collect_place_chances(rows: pd.DataFrame, market: Floats, code: Codes) -> dict[str, Floats]:
    chance, win = rows[PLACE_CHANCE].to_numpy(float), rows["tuned"].to_numpy(float)
    paid_places = np.round(sum_by_group(chance, code))
    chances = {
        "uniform": paid_places / np.bincount(code)[code],
        "harville": compute_place_chances(win, paid_places, code, discount=0.0),
        "market": np.where(np.isnan(sum_by_group(market, code)), np.nan, market),
        "tuned": chance,
    }
    return {name: values for name, values in chances.items() if not np.isnan(values).all()}


def _summarise_place_chances(chances: dict[str, Floats], placed: Floats, code: Codes, seed: int) -> dict[str, Report]:
    losses = {
        name: np.bincount(code, weights=compute_log_losses(chance, placed)).astype(np.float64)
        for name, chance in chances.items()
    }
    runners = np.bincount(code).astype(np.float64)
    summaries = summarise_baselines(losses, losses["uniform"], runners, seed)
    for name, chance in chances.items():
        if name == "uniform":
            continue
        is_priced = ~np.isnan(chance)
        priced_code = np.unique(code[is_priced], return_inverse=True)[1]
        line = estimate_calibration_slope(chance[is_priced], placed[is_priced], priced_code, seed)
        summaries[name] |= {"slope": line["slope"]} if line else {}
    return summaries


def _count_races(rows: pd.DataFrame, chance: Floats, placed: Floats, code: Codes) -> Report:
    """Return how many races and runners are judged, how many races are not, and how many paid another number."""
    race_count = int(code.max()) + 1
    pays_other = np.abs(np.bincount(code, weights=placed) - np.bincount(code, weights=chance)) > 0.5
    return {
        "races": race_count,
        "runners": len(code),
        "not_judged": int(rows["group"].nunique()) - race_count,
        "other_number": int(pays_other.sum()),
    }


def _describe_places(counts: Report, baselines: dict[str, Report]) -> list[str]:
    tuned = baselines["tuned"]
    comparisons = [
        f"{VERDICT_PHRASES[baselines[name]['tuned_is']]} {label}"
        for name, label in COMPARED_WITH.items()
        if name in baselines
    ]
    sentences = [
        f"The chance of a paid place is judged on {counts['runners']:,} runners of {counts['races']:,} races: by log "
        f"loss it is {', and '.join(comparisons)}."
    ]
    if "slope" in tuned and tuned["slope"]["low"] is not None:
        slope = tuned["slope"]
        sentences.append(f"Its calibration slope is {slope['value']:.3f} ({slope['low']:.3f} to {slope['high']:.3f}).")
    if counts["not_judged"]:
        sentences.append(
            f"{counts['not_judged']:,} races are not judged: they pay no place or every runner, or do not say who was "
            "placed."
        )
    if counts["other_number"]:
        sentences.append(
            f"{counts['other_number']:,} of the judged races paid another number of places than is usual for their "
            "field, or a dead heat; they count as they were paid."
        )
    return sentences
