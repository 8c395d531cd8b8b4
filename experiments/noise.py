"""Noise: is a candidate better than what stands, beyond the luck of having tried often?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.grading import USUAL, by_edge, grade
from core.intervals import Interval, bootstrap
from core.prices import break_even
from core.races import codes, losses
from core.refusals import Refusal, suggest
from experiments.gates import Gate
from experiments.paired import RISK, Sums, Verdict, judge
from stages.evaluate._tag_board import Board

ARM = "tuned"
FLOOR = "floor"


class Rival(NamedTuple):
    """What a candidate must beat: an arm of some predictions, under a name for people."""

    name: str
    predictions: pd.DataFrame
    arm: str


def gate(scorer: str, candidate: pd.DataFrame, rival: Rival, looks: int, seed: int) -> Gate:
    """Stop a candidate whose lead over its rival is within reach of the luckiest of `looks` tries on these rows.

    Compared are whole groups (days, races, clusters of texts) whose rows and outcomes are the same in both predictions.
    """
    measure, unit = _measure(scorer)
    one, other, left_out = same_rows(candidate, rival.predictions)
    mine, theirs = (_sums(measure(rows, arm)) for rows, arm in ((one, ARM), (other, rival.arm)))
    found = judge(mine, theirs, looks, seed)
    where = f" ({left_out} groups that only one scored, or with other outcomes, left out)" if left_out else ""
    said = f"{unit} less that of {rival.name}: {found.difference:+.4f} on {found.blocks} groups{where}"
    return _answer("noise", said, found, looks)


def claim(predictions: pd.DataFrame, prepared: pd.DataFrame, edge: float, looks: int, seed: int) -> Gate:
    """Stop the claim that bets of the tuned arm on real lines pay, unless the hit rate is beyond luck above break-even.

    A bet is made at `edge` units from the line or more; the odds are the usual −110 on both sides.
    """
    facts = prepared.set_index("row_id").reindex(predictions["row_id"])
    line = np.where(facts["line_type"] == "actual", facts["line"].astype(float), np.nan)
    picks = grade(by_edge(predictions[ARM].to_numpy(float), line, edge), line, predictions["target"].to_numpy(float))
    asked = float(break_even(USUAL))
    rows = _table(predictions["group"], (picks.decided & ~picks.won).astype(float), picks.decided.astype(float))
    rows = rows[rows["below"] > 0]
    if not len(rows):
        return Gate("break-even", False, "No bet on a real line was decided, so none can pay.")
    found = judge(_sums(rows), 1 - asked, looks, seed)
    said = f"Bets lost less the {1 - asked:.2%} that may be: {found.difference:+.4f} on {found.blocks} days with bets"
    return _answer("break-even", said, found, looks)


def mean_error(predictions: pd.DataFrame, seed: int) -> Interval:
    """Return the mean of prediction − target with its interval over groups, in the target's unit."""
    error = predictions[ARM].to_numpy(float) - predictions["target"].to_numpy(float)
    rows = _table(predictions["group"], error, np.ones(len(error)))
    return bootstrap(rows["above"].to_numpy(float), rows["below"].to_numpy(float), seed)


def same_rows(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return two runs' predictions of the groups that both scored with equal rows and outcomes, and how many are not.

    Refuses runs without such a group.
    """
    if one is other:
        return one, other, 0
    outcomes = sorted(name for name in map(str, one) if name == "target" or name.startswith("target:"))
    if missing := [name for name in outcomes if name not in other]:
        raise Refusal(
            f"what stands knows nothing of {missing[0]}; evaluate it on the candidate's tags, or use --force."
        )
    first, second = (run.drop_duplicates("row_id").set_index("row_id")[["group", *outcomes]] for run in (one, other))
    both = first.add_suffix(" ").join(second.add_suffix("  "), how="outer")
    equal = pd.Series(True, both.index)
    for name in ("group", *outcomes):
        equal &= both[f"{name} "] == both[f"{name}  "]
    torn = set(both.loc[~equal, "group "].dropna()) | set(both.loc[~equal, "group  "].dropna())
    kept = set(both.loc[equal, "group "]) - torn
    if not kept:
        raise Refusal("the candidate and what stands share no test rows; evaluate what stands on the same ones first.")
    return one[one["group"].isin(kept)], other[other["group"].isin(kept)], len(torn)


def _answer(name: str, said: str, found: Verdict, looks: int) -> Gate:
    figures = {**found._asdict(), "looks": looks}
    if found.chance is None:
        return Gate(name, False, f"{said}: too few groups to tell it from luck.", figures)
    where = "these rows or at a test period that overlaps theirs"
    tries = f"{RISK:.0%} over {looks} looks at {where}" if looks > 1 else f"the first look at {where}"
    strict = f"chance of luck {found.chance:.2g}, allowed {found.level:.2g} ({tries})"
    return Gate(
        name, found.better, f"{said}, {strict}: {'more than luck' if found.better else 'luck does that'}.", figures
    )


def _sums(rows: pd.DataFrame) -> Sums:
    return Sums(rows["above"].to_numpy(float), rows["below"].to_numpy(float))


def _table(group: pd.Series, above: np.ndarray, below: np.ndarray) -> pd.DataFrame:
    """Return the sums of rows by group, in the order of their names, so that two runs' blocks lie side by side."""
    rows = pd.DataFrame({"above": above, "below": below})
    return rows.groupby(group.to_numpy(), sort=True).sum()


def _errors(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    return _table(rows["group"], np.abs(_known(rows, arm) - rows["target"].to_numpy(float)), np.ones(len(rows)))


def _race_losses(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    code = codes(rows["group"])
    races = rows.drop_duplicates("group")["group"]
    lost = losses(_known(rows, arm), rows["target"].to_numpy(float), code)
    return _table(races, lost, np.ones(len(races)))


def _missed(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return by cluster the tags missed and wrongly given, and what 1 − F1 divides them by, over all repeats."""
    board = Board.of(rows)
    if arm not in board.arms:
        raise Refusal(f"the {arm} arm has no answer for some rows; run calibrate again.")
    given, truth = board.arms[arm].given, board.truth[None]
    wrong, right = np.abs(given - truth).sum(axis=(0, 2)), (given * truth).sum(axis=(0, 2))
    return _table(pd.Series(board.group), wrong, 2 * right + wrong)


def _known(rows: pd.DataFrame, arm: str) -> np.ndarray:
    if arm not in rows or rows[arm].isna().any():
        raise Refusal(f"the {arm} arm has no prediction for some rows; run calibrate again.")
    return np.asarray(rows[arm], dtype=np.float64)


MEASURES: dict[str, tuple[Callable[[pd.DataFrame, str], pd.DataFrame], str]] = {
    "market": (_errors, "Mean absolute error"),
    "race": (_race_losses, "Log loss per race"),
    "tags": (_missed, "1 − micro-F1"),
}


def _measure(scorer: str) -> tuple[Callable[[pd.DataFrame, str], pd.DataFrame], str]:
    if scorer not in MEASURES:
        raise Refusal(f"predictions of the scorer {scorer!r} cannot be weighed; {suggest(scorer, MEASURES)}")
    return MEASURES[scorer]
