"""gain: by how much a configuration loses less than the default, and how much of that could be chance."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Gain(NamedTuple):
    """The mean over folds of what the default loses more, and its standard error; both in the unit of the loss."""

    value: float
    standard_error: float

    def proved(self, standard_errors: float) -> bool:
        """Return whether the gain is above zero and at least so many standard errors."""
        return self.value > 0 and self.value >= standard_errors * self.standard_error


def paired_gain(default: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> Gain:
    """Return what a configuration gains over the default, from the losses of both on the same groups, fold by fold.

    An answer holds `groups`, the number of each group in the table, and the `total` loss and number of `units` of each.
    Groups are taken as independent, the rows of one are not; a group that several folds score counts as one. A fold's
    difference is a ratio of sums, linearised at its own value. One group alone tells nothing: its error is infinite.
    """
    differences, deviation = [], np.zeros(1 + max(max(answer["groups"]) for answer in default))
    for before, after in zip(default, other, strict=True):
        if before["groups"] != after["groups"]:
            raise ValueError("a gain is paired: both configurations must be judged on the same groups.")
        units = np.asarray(before["units"])
        saved = np.asarray(before["total"]) - np.asarray(after["total"])
        differences.append(saved.sum() / units.sum())
        deviation[before["groups"]] += (saved - differences[-1] * units) / units.sum() / len(default)
    number = len({group for answer in default for group in answer["groups"]})
    error = np.sqrt(number / (number - 1) * np.square(deviation).sum()) if number > 1 else np.inf
    return Gain(float(np.mean(differences)), float(error))
