"""The search: the default comes first, the table is the same however it is run, and a killed search resumes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.tune.search import FoldResult, Journal, ParamRange, Point, SearchSettings, search_params
from trueline.core.errors import UserError

SPACE = {
    "x": ParamRange(low=-3.0, high=3.0),
    "size": ParamRange(low=1, high=64, log=True),
    "kind": ParamRange(choices=["plain", "fancy"]),
}
DEFAULT = {"x": 2.0, "size": 8, "kind": "fancy", "left": "alone"}
FOLDS = ["tune_0", "tune_1"]
Asked = list[tuple[Point, str]]


def make_settings(trials: int = 24, batch: int = 4) -> SearchSettings:
    return SearchSettings(
        trials=trials,
        batch=batch,
        startup=6,
        patience=5,
        loss="none",
        min_gain_se=1.0,
        hopeless_se=None,
        most_rows=None,
    )


def answer(asked: Asked) -> list[FoldResult]:
    """Return losses with their minimum at x = 1, plain; the second fold is harder; twice the size is settled."""
    return [
        {
            "loss": (p["x"] - 1) ** 2 + (p["kind"] == "fancy") + 0.5 * (fold == "tune_1"),
            "settled": {"rounds": 2 * p["size"]},
        }
        for p, fold in asked
    ]


def noting(asked: list[Any]) -> Callable[[Asked], list[FoldResult]]:
    """Return an `evaluate` that records its requests."""

    def ask(items: Asked) -> list[FoldResult]:
        asked.extend(items)
        return answer(items)

    return ask


def run(ask: Callable[[Asked], list[FoldResult]] = answer, **changed: int) -> pd.DataFrame:
    return search_params(DEFAULT, SPACE, make_settings(**changed), FOLDS, 5, ask)[0]


def test_the_default_is_the_first_trial_and_is_never_pruned() -> None:
    first = run().iloc[0]
    assert (first["param_x"], first["param_size"], first["param_kind"]) == (2.0, 8, "fancy")
    assert first["state"] == "complete"
    assert first["loss"] == 1 + 1 + 0.25


def test_the_search_finds_what_loses_least() -> None:
    trials = run(trials=40)
    best = trials[trials["state"] == "complete"].sort_values("loss").iloc[0]
    assert best["loss"] < 0.35
    assert best["param_kind"] == "plain"


def test_a_trial_worse_than_the_median_of_the_finished_is_stopped_after_its_first_fold() -> None:
    trials = run(trials=40)
    pruned = trials[trials["state"] == "pruned"]
    assert len(pruned)
    assert pruned["tune_1"].isna().all()
    assert pruned["loss"].min() > trials.loc[trials["state"] == "complete", "loss"].min()


def test_a_trial_without_hope_against_the_default_is_stopped_after_its_first_fold() -> None:
    settings, asked = make_settings(trials=6, batch=2), list[Any]()
    trials, _ = search_params(DEFAULT, SPACE, settings, FOLDS, 5, noting(asked), lambda default, trial: True)
    assert trials["state"].tolist() == ["complete", *["pruned"] * 5]
    assert len(asked) == 2 + 5
    pairs: list[tuple[float, float]] = []

    def note_pair(default: list[FoldResult], trial: list[FoldResult]) -> bool:
        pairs.append((default[0]["loss"], len(default) - len(trial)))
        return False

    search_params(DEFAULT, SPACE, settings, FOLDS, 5, answer, note_pair)
    assert set(pairs) == {(2.0, 0)}


def test_what_early_stopping_settled_is_kept_as_a_parameter() -> None:
    trials = run()
    assert (trials["param_rounds"] == 2 * trials["param_size"]).all()


def test_two_searches_are_the_same_and_another_seed_is_another() -> None:
    pd.testing.assert_frame_equal(run(), run())
    assert not run()["param_x"].equals(search_params(DEFAULT, SPACE, make_settings(), FOLDS, 6, answer)[0]["param_x"])


@pytest.mark.parametrize("killed_after", [1, 7, 20, 33])
def test_a_killed_search_goes_on_where_it_was_and_ends_the_same(tmp_path: Path, killed_after: int) -> None:
    asked: list[Any] = []

    def mortal(items: Asked) -> list[FoldResult]:
        if len(asked) >= killed_after:
            raise KeyboardInterrupt
        return noting(asked)(items)

    path = tmp_path / "journal.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(lambda items: Journal(path).evaluate_cached(items, mortal))
    path.write_text(path.read_text() + '\n{"asked": "torn')
    before, later = len(asked), list[Any]()
    journal = Journal(path)
    resumed = run(lambda items: journal.evaluate_cached(items, noting(later)))
    pd.testing.assert_frame_equal(resumed, run())
    total: list[Any] = []
    run(noting(total))
    assert before + len(later) == len({str(item) for item in total})


def test_a_line_of_the_journal_with_another_byte_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    undisturbed = run(lambda items: Journal(path).evaluate_cached(items, answer))
    content = path.read_bytes()
    place = content.index(b'"loss": ') + len(b'"loss": ')
    for damaged in (b"9", b"\xff"):
        path.write_bytes(content[:place] + damaged + content[place + 1 :])
        journal, asked = Journal(path), list[Any]()
        pd.testing.assert_frame_equal(run(lambda items: journal.evaluate_cached(items, noting(asked))), undisturbed)  # noqa: B023
        assert len(asked) == 1


def test_lines_of_another_journal_or_that_are_no_entries_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    run(lambda items: Journal(path).evaluate_cached(items, answer))
    (tmp_path / "other.jsonl").write_text(path.read_text() + '\n["asked"]\n5\n"answer"')
    assert Journal(path).results_by_key
    assert not Journal(tmp_path / "other.jsonl").results_by_key


def test_a_journal_knows_what_was_asked_since_it_was_opened_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    requests: Asked = [({"x": value}, "tune_0") for value in (1.0, 2.0)]
    Journal(path).evaluate_cached(requests, lambda items: [{"loss": 0.0} for _ in items])
    journal = Journal(path)
    journal.evaluate_cached([requests[1]], answer)
    assert list(journal.asked_keys) == list(journal.results_by_key)[1:]


def test_a_journal_that_cannot_be_written_stops_no_search(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal.jsonl")
    pd.testing.assert_frame_equal(run(lambda items: journal.evaluate_cached(items, answer)), run())


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"low": 3.0, "high": 1.0}, "low ≤ high"),
        ({"low": 3.0}, "low ≤ high"),
        ({"low": 5.0, "high": 9.0}, "the default of x, 2.0, lies outside its range"),
        ({"choices": ["a"]}, "lies outside its range"),
    ],
)
def test_an_invalid_range_or_one_without_the_default_is_rejected(span: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        search_params(DEFAULT, {"x": ParamRange(**span)}, make_settings(), FOLDS, 5, answer)


def test_a_space_for_a_parameter_that_the_learner_lacks_is_rejected() -> None:
    with pytest.raises(UserError, match="'depht'"):
        search_params(DEFAULT, {"depht": ParamRange(low=1, high=2)}, make_settings(), FOLDS, 5, answer)


def test_without_a_space_every_trial_is_the_default() -> None:
    trials, _ = search_params(DEFAULT, {}, make_settings(trials=2, batch=2), FOLDS, 5, answer)
    assert set(trials["loss"]) == {2.25}
