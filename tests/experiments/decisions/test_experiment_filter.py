"""`--where` selects by scores and parameters, says what it cannot read, and executes nothing."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.experiments.decisions.experiment_filter import select_experiments
from trueline.experiments.store.experiment import Experiment

PARAMS: dict[str, Any] = {
    "tasks": {"racing": {"learner": "trees"}, "props": {"learner": "trees"}},
    "train": {
        "defaults": {"trees": {"depth": 3, "l2": 1.0}, "forest": {"depth": 9}},
        "racing": {"trees": {}, "forest": {}},
        "props": {"trees": {"depth": 6}},
    },
    "folds": {"defaults": {"window_days": None}, "racing": {}, "props": {}},
}


def build(name: str, depth: int = 3, r2: float | None = 0.2, **changes: Any) -> Experiment:
    params = copy.deepcopy(PARAMS)
    params["train"]["racing"]["trees"] = {"depth": depth}
    now, scores = datetime(2026, 1, 1, tzinfo=UTC), {} if r2 is None else {"racing": {"r2": r2}}
    words: dict[str, Any] = dict.fromkeys(("type", "hypothesis", "parent", "error"))
    experiment = Experiment(name, name, "b", "completed", now, ("racing",), tags=(), scores=scores, scored={},
                            params=params, **words)  # fmt: skip
    return replace(experiment, **changes)


EXPERIMENTS = [build("flat", 2, 0.21), build("deep", 7, 0.18), build("both", 7, 0.25), build("unscored", 9, None)]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("depth>4 and r2>0.19", "both"),
        ("r2 > 0.19", "flat both"),
        ("not r2 > 0.19", "deep unscored"),
        ("racing.r2 >= 0.25 or depth == 9", "both unscored"),
        ("2 < train.racing.trees.depth < 9", "deep both"),
        ("trees.l2 == 1.0", "flat deep both unscored"),
        ("learner == 'trees' and believable == 'unknown'", "flat deep both unscored"),
        ("learner > 4", ""),
        ("window_days > 3", ""),
        ("window_days == None", "flat deep both unscored"),
        ("depth != -1", "flat deep both unscored"),
        (None, "flat deep both unscored"),
    ],
)
def test_a_condition_selects_by_the_experiments_own_learner_and_scores(condition: str | None, names: str) -> None:
    assert [experiment.name for experiment in select_experiments(EXPERIMENTS, condition)] == names.split()


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')", "depth", "depth > f(4)", "depth > [x for x in 'a']", "depth + 1 > 2",
        "depth in (3, 4)", "(lambda: 1) > 0", "a[0] > 1", "depth > 4; r2 > 1", "(" * 900, "f'{depth}' > 'a'",
        "depth := 4", "depth >", "",
    ],
)  # fmt: skip
def test_anything_but_comparisons_is_rejected_in_one_sentence(condition: str) -> None:
    with pytest.raises(UserError, match=r"^--where .* cannot be read; compare names"):
        select_experiments(EXPERIMENTS, condition)


def test_a_parameter_of_other_learners_is_none_of_the_experiments() -> None:
    plain = build("plain")
    plain.params["tasks"]["racing"]["learner"] = "logit"
    assert select_experiments([plain, *EXPERIMENTS], "depth > 4 or depth < 3")[0].name == "flat"
    assert select_experiments([plain], "forest.depth == 9") == [plain]


def test_an_unknown_name_is_suggested_and_an_ambiguous_one_lists_its_paths() -> None:
    with pytest.raises(UserError, match="no experiment has a score or a parameter 'dept'; did you mean 'depth'"):
        select_experiments(EXPERIMENTS, "dept > 4")
    forest = build("forest")
    forest.params["tasks"]["racing"]["learner"] = "logit"
    with pytest.raises(UserError, match=r"'depth' may mean .*train\.racing\.trees\.depth"):
        select_experiments([forest], "depth > 4")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(-1, 1, allow_nan=False)), max_size=6),
    st.integers(0, 9),
    st.floats(-1, 1, allow_nan=False),
)
def test_the_selection_is_that_of_a_plain_comprehension(rows: list[tuple[int, float]], depth: int, r2: float) -> None:
    experiments = [build(str(index), *row) for index, row in enumerate(rows)]
    chosen = select_experiments(experiments, f"depth >= {depth} and not r2 < {r2!r}")
    expected = [str(index) for index, row in enumerate(rows) if row[0] >= depth and row[1] >= r2]
    assert [experiment.name for experiment in chosen] == expected
