"""Stacking: learners that another one combines, scored only on rows later than those they were fitted on."""

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pydantic

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import Floats, FoldData

Learners = dict[str, tuple[ModuleType, StageSettings]]


def load_learners(owner: str, names: Iterable[str], settings_by_name: Mapping[str, Mapping[str, Any]]) -> Learners:
    """Return each named learner and its settings; raises UserError if a member of `owner` has none or invalid ones."""
    learners = {}
    for name in names:
        learner = load_plugin("train", name)
        if name not in settings_by_name:
            raise UserError(f"the {owner}'s member {name} has no settings; add member_settings.{name}.")
        try:
            learners[name] = (learner, learner.Settings.model_validate(settings_by_name[name]))
        except pydantic.ValidationError as errors:
            first_error = errors.errors()[0]
            setting_path = ".".join([name, *map(str, first_error["loc"])])
            raise UserError(f"the {owner}'s member_settings.{setting_path}: {first_error['msg']}.") from None
    return learners


def score_forward(rows: FoldData, learners: Learners, starts: Sequence[np.datetime64], seed: int) -> Floats:
    """Return rows × learners of scores; each block from one start to the next is scored by fits on all rows before it.

    Rows before the first start have NaN.
    """
    scores = np.full((len(rows.y), len(learners)), np.nan)
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        earlier_rows = rows.select_rows(rows.time < start)
        is_in_block = (rows.time >= start) & (True if end is None else rows.time < end)
        for column, (learner, settings) in enumerate(learners.values()):
            scores[is_in_block, column] = learner.score(learner.fit(earlier_rows, settings, seed), rows.x[is_in_block])
    return scores
