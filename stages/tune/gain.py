"""Gain: how much less a configuration loses than the default, and how much of that could be chance."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Gain(NamedTuple):
    """The default's loss minus the candidate's, averaged over folds, and its standard error; in units of the loss."""

    value: float
    standard_error: float

    def is_proved(self, standard_errors: float) -> bool:
        """Return whether the gain is above zero and at least that many standard errors."""
        return self.value > 0 and self.value >= standard_errors * self.standard_error

    def is_lost(self, standard_errors: float) -> bool:
        """Return whether the gain is below zero by at least that many standard errors."""
        return self.value < 0 and -self.value >= standard_errors * self.standard_error


def compute_paired_gain(default_results: Sequence[dict[str, Any]], candidate_results: Sequence[dict[str, Any]]) -> Gain:
    """Return what a candidate gains over the default, from the losses of both on the same groups, fold by fold.

    A result holds `groups`, the code of each scored group in the whole table, and the `total` loss and the number of
    `units` of each. Groups count as independent, the rows within one do not; a group that several folds score counts as
    one. The difference of a fold is a ratio of sums, linearised at its own value. The standard error is infinite if
    there is only one group. Raises ValueError if the two were scored on different groups.
    """
    differences, deviation = [], np.zeros(1 + max(max(fold_result["groups"]) for fold_result in default_results))
    for default_fold, candidate_fold in zip(default_results, candidate_results, strict=True):
        if default_fold["groups"] != candidate_fold["groups"]:
            raise ValueError("a gain is paired: both configurations must be scored on the same groups.")
        units = np.asarray(default_fold["units"])
        loss_saved = np.asarray(default_fold["total"]) - np.asarray(candidate_fold["total"])
        differences.append(loss_saved.sum() / units.sum())
        deviation[default_fold["groups"]] += (loss_saved - differences[-1] * units) / units.sum() / len(default_results)
    group_count = len({group for fold_result in default_results for group in fold_result["groups"]})
    standard_error = (
        np.sqrt(group_count / (group_count - 1) * np.square(deviation).sum()) if group_count > 1 else np.inf
    )
    return Gain(float(np.mean(differences)), float(standard_error))
