"""Stacking: members are scored only on rows later than those they were fitted on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.learner_cases import FOREST, LOGISTIC, SEED, quantities
from trueline.core.errors import UserError
from trueline.core.models.tabular.stacking import Learners, load_learners, score_forward
from trueline.core.splits.fold_data import FoldData

SETTINGS: dict[str, dict[str, Any]] = {
    "logistic": LOGISTIC | {"target": "quantity"},
    "forest": FOREST | {"target": "quantity", "trees": 5},
}
ROWS = quantities(1, count=60)
STARTS = [ROWS.time[0] + np.timedelta64(days, "D") for days in (2, 4, 6)]


def members() -> Learners:
    return load_learners("stack", SETTINGS, SETTINGS)


def at(rows: FoldData, begin: int, end: int | None = None) -> npt.NDArray[np.bool_]:
    """Return True for the rows of a block from one start to another."""
    return np.asarray((rows.time >= STARTS[begin]) & (rows.time < (rows.time[-1] + 1 if end is None else STARTS[end])))


def test_each_block_is_scored_by_learners_fitted_on_all_rows_before_it() -> None:
    scores = score_forward(ROWS, members(), STARTS, SEED)
    assert np.isnan(scores[ROWS.time < STARTS[0]]).all()
    for begin, end in ((0, 1), (1, 2), (2, None)):
        block = at(ROWS, begin, end)
        for place, (learner, settings) in enumerate(members().values()):
            fitted = learner.fit(ROWS.select_rows(ROWS.time < STARTS[begin]), settings, SEED)
            np.testing.assert_array_equal(scores[block, place], learner.score(fitted, ROWS.x[block]))
    assert np.isfinite(scores[ROWS.time >= STARTS[0]]).all()


def test_members_come_in_the_order_that_they_are_named() -> None:
    assert list(load_learners("stack", ["forest", "logistic"], SETTINGS)) == ["forest", "logistic"]
    there, back = (
        score_forward(ROWS, load_learners("stack", names, SETTINGS), STARTS, SEED)
        for names in (SETTINGS, [*SETTINGS][::-1])
    )
    np.testing.assert_array_equal(there, back[:, ::-1])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_poisoned_later_rows_leave_the_scores_before_them_as_they_were(place: int) -> None:
    clean = score_forward(ROWS, members(), STARTS, SEED)
    later = ROWS.time >= STARTS[place]
    poisoned = replace(ROWS, y=np.where(later, -1000.0, ROWS.y), weight=np.where(later, 50.0, ROWS.weight))
    scores = score_forward(poisoned, members(), STARTS, SEED)
    until = ROWS.time < (ROWS.time[-1] + 1 if place == 2 else STARTS[place + 1])
    np.testing.assert_array_equal(scores[until], clean[until])  # the poisoned block's own scores too
    assert place == 2 or not np.array_equal(scores[~until], clean[~until])


def test_inputs_of_a_block_move_its_own_scores_only() -> None:
    clean = score_forward(ROWS, members(), STARTS, SEED)
    block = at(ROWS, 2)
    moved = score_forward(replace(ROWS, x=ROWS.x.assign(form=ROWS.x["form"] + 3 * block)), members(), STARTS, SEED)
    np.testing.assert_array_equal(moved[~block], clean[~block])
    assert (moved[block] != clean[block]).any()


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: load_learners("stack", ["oracle"], {}), r"^stages/train has no plugin 'oracle'; [^.]*\.$"),
        (
            lambda: load_learners("stack", ["forest"], {}),
            r"^the stack's member forest has no settings; add member_settings\.forest\.$",
        ),
        (
            lambda: load_learners("stack", ["forest"], {"forest": SETTINGS["forest"] | {"trees": 0}}),
            r"^the stack's member_settings\.forest\.trees: Input should be greater than or equal to 1\.$",
        ),
        (
            lambda: load_learners("stack", ["forest"], {"forest": SETTINGS["forest"] | {"leaves": 3}}),
            r"^the stack's member_settings\.forest\.leaves: Extra inputs are not permitted\.$",
        ),
    ],
)
def test_a_member_that_cannot_be_built_is_rejected_in_one_sentence(load: Callable[[], Learners], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load()
