"""Scored rows with tags: the truth of every row, and the answer of each arm in each repeat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.stats.group_ops import Floats

TARGET_PREFIX = "target:"  # prefix of the 0/1 column with the truth of a tag
GIVEN_SUFFIX = ":given"  # suffix of the 0/1 column that says whether an arm gives a tag
ARM_ORDER = ("baseline", "default", "tuned", "unresampled", "without_vectors")  # comparison learners come after them
EVEN_CHANCE = 0.5  # the probability from which a tag is given if no thresholds were chosen

Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class TagAnswers:
    """The answers for every row: probabilities, or other scores that rank tags, and which tags are given (1 or 0)."""

    scores: Floats  # repeats × rows × tags
    predicted: Floats  # repeats × rows × tags
    has_probabilities: bool = True


@dataclass(frozen=True)
class ScoredTags:
    """Scored rows in order of id; each repeat scores every row once."""

    tags: list[str]
    row_id: Labels
    group: Labels
    truth: Floats  # rows × tags
    fold: Labels  # repeats × rows
    arms: dict[str, TagAnswers]
    excluded_arms: list[str]  # arms that have no answer in some fold

    @classmethod
    def from_predictions(cls, predictions: pd.DataFrame) -> "ScoredTags":
        """Read the predictions; without `given` columns, tags with a probability of 0.5 or more are given.

        Raises UserError if there are no tags, if a row is predicted twice in a fold or not as often as others, or if
        the tuned arm lacks some probability.
        """
        tags = list_target_tags(predictions)
        rows, repeats = _sort_by_row(predictions)
        answers_by_arm = {arm: _read_answers(rows, arm, tags, repeats) for arm in _list_arms(rows, tags[0])}
        arms = {arm: answers for arm, answers in answers_by_arm.items() if not np.isnan(answers.scores).any()}
        if "tuned" not in arms:
            raise UserError("the tuned arm lacks a probability for some tag of some row; run calibrate again.")
        unique_rows = rows.iloc[::repeats]
        truth = unique_rows[[TARGET_PREFIX + tag for tag in tags]].to_numpy(np.float64)
        fold = rows["fold"].to_numpy(dtype=object).reshape(-1, repeats).T
        row_id, group = (unique_rows[name].to_numpy(dtype=object) for name in ("row_id", "group"))
        return cls(tags, row_id, group, truth, fold, arms, sorted(answers_by_arm.keys() - arms.keys()))

    @property
    def repeat_count(self) -> int:
        """How many times every row is scored."""
        return len(self.fold)

    def list_fold_masks(self) -> list[npt.NDArray[np.bool_]]:
        """Return for each fold, in order of its number, the mask of its answers (repeats × rows)."""
        return [self.fold == name for name in sorted(set(self.fold.ravel()), key=_parse_fold_number)]

    def lookup_prepared(self, prepared: pd.DataFrame) -> pd.DataFrame:
        """Return the prepared rows of the scored ones, in their order; raises UserError if one is not prepared."""
        missing_ids = set(self.row_id) - set(prepared["row_id"])
        if missing_ids:
            raise UserError(
                f"{len(missing_ids)} predicted rows are not in the prepared table; rerun all stages from prepare on."
            )
        return prepared.set_index("row_id").loc[list(self.row_id)]


def list_target_tags(table: pd.DataFrame) -> list[str]:
    """Return the tags whose truth is in the table; raises UserError if there are none."""
    tags = [str(name).removeprefix(TARGET_PREFIX) for name in table if str(name).startswith(TARGET_PREFIX)]
    if not tags:
        raise UserError("there is no column target:<tag>; use the scorer `tags` only for a task whose rows have tags.")
    return tags


def _sort_by_row(predictions: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the predictions sorted by row, then by repeat, and the number of repeats."""
    row_counts = predictions.groupby("row_id").size()
    if not len(row_counts) or row_counts.min() != row_counts.max() or predictions.duplicated(["row_id", "fold"]).any():
        raise UserError(
            "predictions must score every row exactly once per repeat, each repeat in its own folds; these score a row "
            f"{row_counts.min() if len(row_counts) else 0} to {row_counts.max() if len(row_counts) else 0} times: "
            "run train again."
        )
    # folds are numbered repeat by repeat, so a row's folds in order of number are its repeats
    keys = predictions[["row_id"]].assign(number=predictions["fold"].map(_parse_fold_number)).reset_index(drop=True)
    return predictions.iloc[keys.sort_values(["row_id", "number"]).index], int(row_counts.min())


def _list_arms(rows: pd.DataFrame, tag: str) -> list[str]:
    """Return the arms that predict a tag, simple ones first: the order in which reports and sentences name them."""
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
