"""The noise gate: is a candidate better than the current model, beyond the luck of many tries?"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from trueline.core.betting.american_odds import STANDARD_ODDS, compute_break_even_rate
from trueline.core.betting.grading import grade_picks, pick_by_edge
from trueline.core.errors import UserError
from trueline.core.runtime.plugins import load_plugin
from trueline.core.scorer_description import load_description
from trueline.core.stats.block_bootstrap import bootstrap_ratio
from trueline.core.stats.confidence_intervals import Interval
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.decisions.paired_bootstrap import FAMILY_ERROR_RATE, BlockSums, Verdict, compare_figures

TUNED_ARM = "tuned"
BASELINE_ARM = "baseline"


class Reference(NamedTuple):
    """The model that a candidate must beat: an arm of some predictions, with a name for messages."""

    name: str
    predictions: pd.DataFrame
    arm: str


def check_noise(scorer: str, candidate: pd.DataFrame, reference: Reference, evaluation_count: int, seed: int) -> Gate:
    """Stop a candidate whose lead could be that of the luckiest of `evaluation_count` equal tries on these rows.

    Whole groups (days, races, clusters of texts) are compared, those with the same rows and outcomes in both
    predictions.
    """
    candidate_sums, reference_sums, left_out = _sum_losses(scorer, candidate, reference)
    verdict = compare_figures(candidate_sums, reference_sums, evaluation_count, seed)
    summary = _describe_difference(scorer, reference, verdict, left_out)
    return _build_gate("noise", summary, verdict, evaluation_count)


def check_not_worse(
    scorer: str, candidate: pd.DataFrame, reference: Reference, evaluation_count: int, seed: int
) -> Gate:
    """Stop a candidate that is worse than another model beyond luck; say whether it is better beyond luck.

    Few days seldom prove a lead, so that none is required; `evaluation_count` makes only the proof of a lead stricter.
    """
    candidate_sums, reference_sums, left_out = _sum_losses(scorer, candidate, reference)
    verdict = compare_figures(candidate_sums, reference_sums, evaluation_count, seed)
    is_worse = compare_figures(reference_sums, candidate_sums, 1, seed).is_better
    answer = "worse" if is_worse else "better" if verdict.is_better else "undecided"
    summary = _describe_difference(scorer, reference, verdict, left_out)
    return Gate("sealed", not is_worse, f"{summary}: {answer}.", {**verdict._asdict(), "answer": answer})


def check_break_even(
    predictions: pd.DataFrame, prepared: pd.DataFrame, edge: float, evaluation_count: int, seed: int
) -> Gate:
    """Stop the claim that the tuned arm's bets on real lines pay, unless the hit rate beats break-even beyond luck.

    A bet is made at `edge` units or more from the line; the odds are the usual −110 on both sides.
    """
    facts = prepared.set_index("row_id").reindex(predictions["row_id"])
    line = np.where(facts["line_type"] == "actual", facts["line"].astype(float), np.nan)
    picks = grade_picks(
        pick_by_edge(predictions[TUNED_ARM].to_numpy(float), line, edge), line, predictions["target"].to_numpy(float)
    )
    break_even_rate = float(compute_break_even_rate(STANDARD_ODDS))
    rows = _sum_by_group(
        predictions["group"], (picks.is_decided & ~picks.is_won).astype(float), picks.is_decided.astype(float)
    )
    rows = rows[rows["below"] > 0]
    if not len(rows):
        return Gate("break-even", False, "No bet on a real line was decided, so none can pay.")
    verdict = compare_figures(_convert_to_sums(rows), 1 - break_even_rate, evaluation_count, seed)
    summary = (
        f"Bets lost less the {1 - break_even_rate:.2%} that may be: "
        f"{verdict.difference:+.4f} on {verdict.blocks} days with bets"
    )
    return _build_gate("break-even", summary, verdict, evaluation_count)


def compute_mean_error(predictions: pd.DataFrame, seed: int) -> Interval:
    """Return the mean of prediction − target with its interval over groups, in the target's unit."""
    error = predictions[TUNED_ARM].to_numpy(float) - predictions["target"].to_numpy(float)
    rows = _sum_by_group(predictions["group"], error, np.ones(len(error)))
    return bootstrap_ratio(rows["above"].to_numpy(float), rows["below"].to_numpy(float), seed)


def select_common_rows(
    predictions: pd.DataFrame, reference_predictions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return both predictions of the groups scored with equal rows and outcomes, and the number of other groups.

    Raises UserError if there is no common group, or if the other run lacks one of the candidate's targets.
    """
    if predictions is reference_predictions:
        return predictions, reference_predictions, 0
    outcomes = sorted(name for name in map(str, predictions) if name == "target" or name.startswith("target:"))
    if missing := [name for name in outcomes if name not in reference_predictions]:
        raise UserError(f"the current model has no {missing[0]}; evaluate it on the candidate's tags, or use --force.")
    outcomes_by_row, reference_outcomes_by_row = (
        run.drop_duplicates("row_id").set_index("row_id")[["group", *outcomes]]
        for run in (predictions, reference_predictions)
    )
    joined = outcomes_by_row.add_suffix(" ").join(reference_outcomes_by_row.add_suffix("  "), how="outer")
    equal = pd.Series(True, joined.index)
    for name in ("group", *outcomes):
        equal &= joined[f"{name} "] == joined[f"{name}  "]
    differing_groups = set(joined.loc[~equal, "group "].dropna()) | set(joined.loc[~equal, "group  "].dropna())
    common_groups = set(joined.loc[equal, "group "]) - differing_groups
    if not common_groups:
        raise UserError(
            "the candidate and the current model share no test rows; evaluate the current one on the same rows first."
        )
    return (
        predictions[predictions["group"].isin(common_groups)],
        reference_predictions[reference_predictions["group"].isin(common_groups)],
        len(differing_groups),
    )


def share_groups(predictions: pd.DataFrame, reference_predictions: pd.DataFrame) -> bool:
    """Return whether two predictions are of some rows in common, so that they can be compared."""
    return not set(predictions["row_id"]).isdisjoint(reference_predictions["row_id"])


def _sum_losses(scorer: str, candidate: pd.DataFrame, reference: Reference) -> tuple[BlockSums, BlockSums, int]:
    """Return the losses of both models by group, of groups that both scored, and the number of other groups."""
    plugin = load_plugin("evaluate", scorer, "compute_losses")
    candidate_rows, reference_rows, left_out = select_common_rows(candidate, reference.predictions)
    candidate_sums, reference_sums = (
        _convert_to_sums(_sum_by_group(*plugin.compute_losses(_require_arm(rows, arm), arm)))
        for rows, arm in ((candidate_rows, TUNED_ARM), (reference_rows, reference.arm))
    )
    return candidate_sums, reference_sums, left_out


def _describe_difference(scorer: str, reference: Reference, verdict: Verdict, left_out: int) -> str:
    left_out_note = f" ({left_out} groups that only one scored, or with other outcomes, left out)" if left_out else ""
    difference = f"{verdict.difference:+.4f} on {verdict.blocks} groups{left_out_note}"
    return f"{load_description(scorer).loss} less that of {reference.name}: {difference}"


def _build_gate(name: str, summary: str, verdict: Verdict, evaluation_count: int) -> Gate:
    figures = {**verdict._asdict(), "looks": evaluation_count}
    if verdict.chance is None:
        return Gate(name, False, f"{summary}: too few groups to tell it from luck.", figures)
    scope = "these rows or at a test period that overlaps theirs"
    tries = (
        f"{FAMILY_ERROR_RATE:.0%} over {evaluation_count} looks at {scope}"
        if evaluation_count > 1
        else f"the first look at {scope}"
    )
    strict = f"chance of luck {verdict.chance:.2g}, allowed {verdict.level:.2g} ({tries})"
    return Gate(
        name,
        verdict.is_better,
        f"{summary}, {strict}: {'more than luck' if verdict.is_better else 'luck does that'}.",
        figures,
    )


def _convert_to_sums(rows: pd.DataFrame) -> BlockSums:
    return BlockSums(rows["above"].to_numpy(float), rows["below"].to_numpy(float))


def _sum_by_group(group: pd.Series, numerator: np.ndarray, denominator: np.ndarray) -> pd.DataFrame:
    """Return the sums of rows by group, sorted by group, so that the blocks of two runs line up."""
    rows = pd.DataFrame({"above": numerator, "below": denominator})
    return rows.groupby(group.to_numpy(), sort=True).sum()


def _require_arm(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    columns = [name for name in map(str, rows) if name.partition(":")[0] == arm]
    if not columns or rows[columns].isna().any(axis=None):
        raise UserError(f"the {arm} arm has no prediction for some rows; run calibrate again.")
    return rows
