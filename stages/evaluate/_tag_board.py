"""The board of tags: every row's truth, and what each arm answered in each repeat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.races import Floats
from core.refusals import Refusal

TARGET = "target:"  # opens the name of the 0/1 column that holds the truth of a tag
GIVEN = ":given"  # closes the name of the 0/1 column that says whether an arm gives a tag
ARMS = ("floor", "default", "tuned", "natural")  # and rivals after them
EVEN = 0.5  # the chance from which a tag is given where no thresholds were chosen

Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """What was said of every row: chances, or whatever else ranks its tags, and which are given (1 and 0)."""

    chance: Floats  # repeats × rows × tags
    given: Floats  # the same
    are_chances: bool = True


@dataclass(frozen=True)
class Board:
    """Scored rows by id; a repeat scores each of them once."""

    tags: list[str]
    row_id: Labels
    group: Labels
    truth: Floats  # rows × tags
    fold: Labels  # repeats × rows
    arms: dict[str, Answers]
    left_out: list[str]  # arms that have no answer in some fold

    @classmethod
    def of(cls, predictions: pd.DataFrame) -> "Board":
        """Return the board of predictions; what has no `given` columns gives the tags at even odds or better.

        Refuses predictions without tags, of a row twice in a fold or not as often as of another, and ones that lack the
        tuned arm.
        """
        tags = tags_of(predictions)
        rows, repeats = _in_order(predictions)
        found = {arm: _answers(rows, arm, tags, repeats) for arm in _arms(rows, tags[0])}
        arms = {arm: answers for arm, answers in found.items() if not np.isnan(answers.chance).any()}
        if "tuned" not in arms:
            raise Refusal("the tuned arm has no chance for some tag of some row; run calibrate again.")
        once = rows.iloc[::repeats]
        truth = once[[TARGET + tag for tag in tags]].to_numpy(np.float64)
        fold = rows["fold"].to_numpy(dtype=object).reshape(-1, repeats).T
        row_id, group = (once[name].to_numpy(dtype=object) for name in ("row_id", "group"))
        return cls(tags, row_id, group, truth, fold, arms, sorted(found.keys() - arms.keys()))

    @property
    def repeats(self) -> int:
        """How often every row is scored."""
        return len(self.fold)

    def folds(self) -> list[npt.NDArray[np.bool_]]:
        """Return for each fold, by its number, where its answers stand: repeats × rows."""
        return [self.fold == name for name in sorted(set(self.fold.ravel()), key=_number)]

    def facts(self, prepared: pd.DataFrame) -> pd.DataFrame:
        """Return the prepared rows of the scored ones, in their order; refuses one that is not prepared."""
        absent = set(self.row_id) - set(prepared["row_id"])
        if absent:
            raise Refusal(f"{len(absent)} rows that were predicted are not prepared; run the stages from prepare on.")
        return prepared.set_index("row_id").loc[list(self.row_id)]


def tags_of(table: pd.DataFrame) -> list[str]:
    """Return the tags that a table has the truth of; refuses one with none."""
    tags = [str(name).removeprefix(TARGET) for name in table if str(name).startswith(TARGET)]
    if not tags:
        raise Refusal("there is no column target:<tag>; the scorer `tags` is for a task whose rows have tags.")
    return tags


def _in_order(predictions: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the predictions by row, those of a row by repeat, and how often each row occurs."""
    times = predictions.groupby("row_id").size()
    if not len(times) or times.min() != times.max() or predictions.duplicated(["row_id", "fold"]).any():
        raise Refusal(
            "predictions must score every row once a repeat, in folds of its own; these score a row "
            f"{times.min() if len(times) else 0} to {times.max() if len(times) else 0} times: run train again."
        )
    # folds come repeat by repeat, so a row's folds by number are its repeats
    keys = predictions[["row_id"]].assign(number=predictions["fold"].map(_number)).reset_index(drop=True)
    return predictions.iloc[keys.sort_values(["row_id", "number"]).index], int(times.min())


def _arms(rows: pd.DataFrame, tag: str) -> list[str]:
    """Return the arms that told a tag, simple ones first: so reports and sentences name them."""
    ends = [str(name) for name in rows if str(name).endswith(f":{tag}") and str(name) != TARGET + tag]
    names = [name for name in (end.removesuffix(f":{tag}") for end in ends) if ":" not in name]
    return sorted(names, key=lambda name: (ARMS.index(name) if name in ARMS else len(ARMS), name))


def _number(fold: str) -> int:
    return int(fold.rsplit("_", 1)[-1])


def _answers(rows: pd.DataFrame, arm: str, tags: list[str], repeats: int) -> Answers:
    names = [f"{arm}:{tag}" for tag in tags]
    chance = rows[names].to_numpy(np.float64)
    even = (chance >= EVEN).astype(np.float64)
    told = rows.reindex(columns=[name + GIVEN for name in names]).to_numpy(np.float64)
    given = np.where(np.isnan(told), even, told)
    shape = (-1, repeats, len(tags))
    return Answers(chance.reshape(shape).transpose(1, 0, 2), given.reshape(shape).transpose(1, 0, 2))
