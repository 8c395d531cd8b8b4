"""The board of tags: every row's truth, and what each arm answered in each repeat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.stats.group_ops import Floats

TARGET_PREFIX = "target:"  # opens the name of the 0/1 column that holds the truth of a tag
GIVEN_SUFFIX = ":given"  # closes the name of the 0/1 column that says whether an arm gives a tag
ARM_ORDER = ("floor", "default", "tuned", "natural")  # and rivals after them
EVEN_CHANCE = 0.5  # the chance from which a tag is given where no thresholds were chosen

Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class TagAnswers:
    """What was said of every row: chances, or whatever else ranks its tags, and which are given (1 and 0)."""

    scores: Floats  # repeats × rows × tags
    predicted: Floats  # the same
    has_probabilities: bool = True


@dataclass(frozen=True)
class ScoredTags:
    """Scored rows by id; a repeat scores each of them once."""

    tags: list[str]
    row_id: Labels
    group: Labels
    truth: Floats  # rows × tags
    fold: Labels  # repeats × rows
    arms: dict[str, TagAnswers]
    excluded_arms: list[str]  # arms that have no answer in some fold

    @classmethod
    def from_predictions(cls, predictions: pd.DataFrame) -> "ScoredTags":
        """Return the board of predictions; what has no `given` columns gives the tags at even odds or better.

        Refuses predictions without tags, of a row twice in a fold or not as often as of another, and ones that lack the
        tuned arm.
        """
        tags = list_target_tags(predictions)
        rows, repeats = _sort_by_row(predictions)
        answers_by_arm = {arm: _read_answers(rows, arm, tags, repeats) for arm in _list_arms(rows, tags[0])}
        arms = {arm: answers for arm, answers in answers_by_arm.items() if not np.isnan(answers.scores).any()}
        if "tuned" not in arms:
            raise UserError("the tuned arm has no chance for some tag of some row; run calibrate again.")
        unique_rows = rows.iloc[::repeats]
        truth = unique_rows[[TARGET_PREFIX + tag for tag in tags]].to_numpy(np.float64)
        fold = rows["fold"].to_numpy(dtype=object).reshape(-1, repeats).T
        row_id, group = (unique_rows[name].to_numpy(dtype=object) for name in ("row_id", "group"))
        return cls(tags, row_id, group, truth, fold, arms, sorted(answers_by_arm.keys() - arms.keys()))

    @property
    def repeat_count(self) -> int:
        """How often every row is scored."""
        return len(self.fold)

    def list_fold_masks(self) -> list[npt.NDArray[np.bool_]]:
        """Return for each fold, by its number, where its answers stand: repeats × rows."""
        return [self.fold == name for name in sorted(set(self.fold.ravel()), key=_parse_fold_number)]

    def lookup_prepared(self, prepared: pd.DataFrame) -> pd.DataFrame:
        """Return the prepared rows of the scored ones, in their order; refuses one that is not prepared."""
        missing_ids = set(self.row_id) - set(prepared["row_id"])
        if missing_ids:
            raise UserError(
                f"{len(missing_ids)} rows that were predicted are not prepared; run the stages from prepare on."
            )
        return prepared.set_index("row_id").loc[list(self.row_id)]


def list_target_tags(table: pd.DataFrame) -> list[str]:
    """Return the tags that a table has the truth of; refuses one with none."""
    tags = [str(name).removeprefix(TARGET_PREFIX) for name in table if str(name).startswith(TARGET_PREFIX)]
    if not tags:
        raise UserError("there is no column target:<tag>; the scorer `tags` is for a task whose rows have tags.")
    return tags


def _sort_by_row(predictions: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the predictions by row, those of a row by repeat, and how often each row occurs."""
    row_counts = predictions.groupby("row_id").size()
    if not len(row_counts) or row_counts.min() != row_counts.max() or predictions.duplicated(["row_id", "fold"]).any():
        raise UserError(
            "predictions must score every row once a repeat, in folds of its own; these score a row "
            f"{row_counts.min() if len(row_counts) else 0} to {row_counts.max() if len(row_counts) else 0} times: run train again."
        )
    # folds come repeat by repeat, so a row's folds by number are its repeats
    keys = predictions[["row_id"]].assign(number=predictions["fold"].map(_parse_fold_number)).reset_index(drop=True)
    return predictions.iloc[keys.sort_values(["row_id", "number"]).index], int(row_counts.min())


def _list_arms(rows: pd.DataFrame, tag: str) -> list[str]:
    """Return the arms that told a tag, simple ones first: so reports and sentences name them."""
    columns = [str(name) for name in rows if str(name).endswith(f":{tag}") and str(name) != TARGET_PREFIX + tag]
    names = [name for name in (column.removesuffix(f":{tag}") for column in columns) if ":" not in name]
    return sorted(names, key=lambda name: (ARM_ORDER.index(name) if name in ARM_ORDER else len(ARM_ORDER), name))


def _parse_fold_number(fold: str) -> int:
    return int(fold.rsplit("_", 1)[-1])


def _read_answers(rows: pd.DataFrame, arm: str, tags: list[str], repeats: int) -> TagAnswers:
    names = [f"{arm}:{tag}" for tag in tags]
    scores = rows[names].to_numpy(np.float64)
    above_even = (scores >= EVEN_CHANCE).astype(np.float64)
    stored_labels = rows.reindex(columns=[name + GIVEN_SUFFIX for name in names]).to_numpy(np.float64)
    predicted = np.where(np.isnan(stored_labels), above_even, stored_labels)
    shape = (-1, repeats, len(tags))
    return TagAnswers(scores.reshape(shape).transpose(1, 0, 2), predicted.reshape(shape).transpose(1, 0, 2))
