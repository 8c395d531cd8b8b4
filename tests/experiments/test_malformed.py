"""Malformed files: one that cannot be read counts as missing for its commit, and affects no other commit."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import promoted_repo
from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.experiments import __main__ as entry_point
from trueline.experiments.cli import to_json
from trueline.experiments.decisions import run_gates
from trueline.experiments.decisions.promotion import promote_experiment
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.store import file_cache
from trueline.experiments.store.experiments_index import find_experiment

COMMANDS = (["list"], ["best"], ["leaderboard"], ["show", "odd"], ["compare", "odd", "HEAD", "--task", "props"])
SCORES, REPORT = "metrics/props/scores.json", "metrics/props/report.json"
HIT_RATE = '{{"props": {{"hit_rate": {}, "bets": 1000}}}}'


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    git_fixtures.start(tmp_path, dict(git_fixtures.made(0.5)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(folder: Path, **files: str) -> None:
    """Make two experiments, "even" and then "odd", where some files of "odd" are malformed."""
    base = git_fixtures.git(folder, "rev-parse", "HEAD").strip()
    odd = git_fixtures.named({**git_fixtures.made(0.9, train__props__depth=9), **files}, predictions="odd")
    even = git_fixtures.made(0.55, train__props__depth=8)
    git_fixtures.experiments(folder, base, {"even": even, "odd": {**odd, **files}})


def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Return the output of a command, or its error message."""
    monkeypatch.setattr(sys, "argv", ["experiments", *words])
    try:
        entry_point.main()
    except UserError as error:
        return str(error)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "content", "scored"),
    [
        (SCORES, '{"props": [1]}', []),
        (SCORES, '{"racing": [1], "props": {"hit_rate": 0.9}}', []),
        (SCORES, '{"props": {"hit_rate": "low"}}', []),
        (SCORES, '{"props": {"hit_rate": 0.9, "bets": [1]}}', []),
        (SCORES, '{"props": {"hit_rate": 0.9, "hit_rate_low": true}}', []),
        (SCORES, "[" * 100_000, []),
        (REPORT, "[]", ["props"]),
        (REPORT, '{"scored": [1]}', ["props"]),
        (
            REPORT,
            '{"scored": {}, "picks": {"by_edge": [{"hit_rate": {"low": "x", "high": []}}]}}',
            ["props"],
        ),
        ("params.yaml", "[1]", []),
        ("params.yaml", "tasks: [props]", []),
        ("params.yaml", "experiment: a word", []),
        ("params.yaml", "experiment: {tags: 5}", []),
        ("dvc.lock", "stages: {evaluate@props: {params: [1]}}", []),
        ("dvc.lock", "stages: [1]", []),
    ],
)
def test_a_malformed_file_counts_as_missing_for_its_experiment_alone(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    path: str, content: str, scored: list[str],
) -> None:  # fmt: skip
    add(world, **{path: content})
    for words in COMMANDS:
        for json_too in ([], ["--json"]):
            assert ask(capsys, monkeypatch, *words, *json_too)
    by_name = {experiment.name: experiment for experiment in Registry().experiments}
    assert by_name["even"].scores["props"]["hit_rate"] == 0.55
    assert list(by_name["odd"].scores) == scored
    assert Registry().rank_experiments(RankingQuery("hit_rate", "props")).ranked[-1].name == "even"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_metric_that_is_no_number_is_never_the_best_and_null_in_json(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    add(world, **{SCORES: HIT_RATE.format(value)})
    registry = Registry()
    best = registry.best("hit_rate")
    assert best.experiment.name == "even"
    assert [each.name for each in best.ranking.ranked] == ["even"]
    assert [each["best"] for each in registry.list_test_periods()] == [0.55]
    shown = ask(capsys, monkeypatch, "show", "odd", "--json")
    assert json.loads(shown, parse_constant=pytest.fail)["scores"]["props"] == {"hit_rate": None, "bets": 1000}
    listed = json.loads(ask(capsys, monkeypatch, "list", "--json"), parse_constant=pytest.fail)
    assert [each["name"] for each in listed["experiments"]] == ["odd", "even"]


def test_json_is_strict_however_deep_the_number_lies() -> None:
    value = {"a": [1, float("nan"), (float("inf"), "NaN")], "b": {"c": -float("inf"), "d": None}, "e": True}
    assert to_json.replace_non_finite(value) == {"a": [1, None, [None, "NaN"]], "b": {"c": None, "d": None}, "e": True}


def test_text_in_a_score_that_is_not_ranked_is_kept() -> None:
    scores = {"racing": {"log_loss": 1.6, "races": 9, "resampling": "none", "roi": None}}
    assert file_cache.parse_file("scores.json", json.dumps(scores).encode()) == scores


def rewrite(folder: Path, name: str, content: str) -> Any:
    """Commit an experiment that passes every gate except that one report is replaced, and return its gates' outcome."""
    promoted_repo.write(folder, skill=1.0, seed=1)
    path = folder / f"metrics/{promoted_repo.TASK}/{name}.json"
    lock = folder / "dvc.lock"
    old, new = (git_fixtures.md5(text) for text in (path.read_text(), content))
    path.write_text(content)
    lock.write_text(lock.read_text().replace(old, new))
    promoted_repo.commit(folder, "rewritten")
    return promote_experiment(find_experiment("HEAD"), dry_run=True)


def test_a_commit_whose_lock_is_broken_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    (folder / "dvc.lock").write_text("][")
    promoted_repo.commit(folder, "a merge went wrong")
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=r"racing: made by hand, dvc\.lock names nothing of it\); run `dvc repro`"):
        find_experiment("HEAD")


@pytest.mark.parametrize("content", ["{", "[]", "5", ""])
def test_a_broken_report_is_rejected_by_promote_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=r"has no metrics/racing/report\.json that can be read"):
        rewrite(folder, "report", content)


@pytest.mark.parametrize(
    ("name", "content", "gate"),
    [
        ("leaks", "[1]", "leaks"),
        ("leaks", '{"audited": 3}', "leaks"),
        ("diagnosis", '{"checks": [1]}', "bias"),
        ("diagnosis", '{"checks": {"calibration_slope": {"summary": "x"}}}', "bias"),
        ("diagnosis", "{", "bias"),
        ("report", '{"baselines": [1], "scored": {"hash": "x"}}', "baselines"),
        (
            "report",
            '{"baselines": {"tuned": {"log_loss": {"low": 1, "value": "x"}}}, "scored": {"hash": "x"}}',
            "interval",
        ),
        ("report", '{"baselines": {}, "scored": "x"}', "noise"),
    ],
)
def test_a_malformed_report_stops_the_gates_that_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, gate: str
) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    outcome = rewrite(folder, name, content)
    assert gate in outcome.stopped
    assert all("\n" not in str(each) for each in outcome.gates)


def test_the_noise_gate_counts_evaluations_at_test_periods_that_overlap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    evaluation: dict[str, Any] = {"rows": "r", "predictions": "p", "metrics": {}, "data": None, "folds": None}
    days = {"from": "2024-01-01", "to": "2024-02-01"}
    lines = [
        evaluation | days | {"kind": "look", "task": "racing", "rows": str(n), "predictions": str(n)} for n in range(20)
    ]
    shifted = {"scored": {"hash": "new", "from": "2024-01-02", "to": "2024-02-02"}}
    later = {"scored": {"hash": "new", "from": "2024-02-02", "to": "2024-03-02"}}
    assert run_gates._count_evaluations("racing", shifted, None, lines) == 20
    assert run_gates._count_evaluations("racing", later, None, lines) == 1
    assert run_gates._count_evaluations("racing", {"scored": {}}, None, lines) is None
