"""Stacking: learners that another learner joins, judged on rows later than those they were fitted on."""

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pydantic

from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows
from core.shelf import tool

Learners = dict[str, tuple[ModuleType, Knobs]]


def learned(owner: str, words: Iterable[str], knobs: Mapping[str, Mapping[str, Any]]) -> Learners:
    """Return each word's learner and settings; refuse a member of `owner` without settings or with wrong ones."""
    found = {}
    for word in words:
        learner = tool("train", word)
        if word not in knobs:
            raise Refusal(f"the {owner}'s member {word} has no knobs; add member_settings.{word}.")
        try:
            found[word] = (learner, learner.Settings.model_validate(knobs[word]))
        except pydantic.ValidationError as errors:
            first = errors.errors()[0]
            knob = ".".join([word, *map(str, first["loc"])])
            raise Refusal(f"the {owner}'s member_settings.{knob}: {first['msg']}.") from None
    return found


def forward(rows: Rows, learners: Learners, starts: Sequence[np.datetime64], seed: int) -> Floats:
    """Return rows × learners of scores: each block from one start to the next by learners fitted on all before it.

    Missing for the rows before the first start.
    """
    scores = np.full((len(rows.y), len(learners)), np.nan)
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        before = rows.chosen(rows.time < start)
        block = (rows.time >= start) & (True if end is None else rows.time < end)
        for place, (learner, settings) in enumerate(learners.values()):
            scores[block, place] = learner.score(learner.fit(before, settings, seed), rows.x[block])
    return scores
