"""Varied parameters: those in which runs differ, as numbers if all values are, most varied first."""

from typing import Any

from trueline.experiments.pages.varied_params import find_varied_params


def make_params(**train: Any) -> dict[str, Any]:
    return {"tasks": {"props": {"learner": "trees"}, "racing": {}}, "train": {"props": train}, "seed": 1}


def test_what_most_runs_differ_in_comes_first_under_its_shortest_name() -> None:
    runs = [make_params(depth=depth, trees={"rate": 0.1 if depth < 6 else 0.2}) for depth in (2, 4, 6)]
    varied = find_varied_params(runs, "props", 5)
    assert [(param.name, param.values) for param in varied] == [("depth", (2.0, 4.0, 6.0)), ("rate", (0.1, 0.1, 0.2))]
    assert find_varied_params(runs, "props", 1) == varied[:1]


def test_names_that_would_be_the_same_are_told_apart() -> None:
    runs = [make_params(one={"depth": depth}, two={"depth": -depth}) for depth in (1, 2)]
    assert [param.name for param in find_varied_params(runs, "props", 5)] == ["one.depth", "two.depth"]


def test_switches_and_missing_values_are_texts() -> None:
    runs = [make_params(deep=True, window=None), make_params(deep=False, window=60), make_params(deep=False)]
    values = {param.name: param.values for param in find_varied_params(runs, "props", 5)}
    assert values == {"deep": ("True", "False", "False"), "window": ("–", "60", "–")}


def test_other_tasks_descriptions_and_texts_of_many_kinds_are_left_out() -> None:
    runs = [
        make_params(label=f"word {number}")
        | {"experiment": {"hypothesis": number}, "evaluate": {"racing": {"edge": number}}, "workers": number}
        for number in range(9)
    ]
    assert find_varied_params(runs, "props", 5) == []
