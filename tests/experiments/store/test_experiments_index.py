"""The index: experiments are read from commits, the queue and the tags, and never take scores from another commit."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.experiments.store import dvc_queue, experiments_index, file_cache, git, workspace_tags
from trueline.experiments.store.experiment import Experiment


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    git_fixtures.start(tmp_path, dict(git_fixtures.made(0.5)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def head(folder: Path) -> str:
    return git_fixtures.git(folder, "rev-parse", "HEAD").strip()


def queued(monkeypatch: pytest.MonkeyPatch, *tasks: dvc_queue.QueuedTask) -> None:
    """Make DVC's queue hold some tasks."""
    experiments_index.QUEUE_FOLDER.mkdir(parents=True)
    monkeypatch.setattr(dvc_queue, "list_tasks", lambda: list(tasks))


def named(name: str, experiments: list[Experiment]) -> Experiment:
    return next(experiment for experiment in experiments if experiment.name == name)


def test_an_experiment_is_told_by_its_commit(world: Path) -> None:
    description: dict[str, Any] = {
        "type": "ablation",
        "hypothesis": "less is more",
        "tags": ["short", "cheap"],
        "parent": "old",
    }
    changes = {f"experiment__{key}": value for key, value in description.items()}
    revs = git_fixtures.experiments(
        world, head(world), {"weekly": git_fixtures.made(0.55, folds__props__test_days=7, **changes)}
    )
    experiment = experiments_index.list_experiments()[0]
    assert (experiment.name, experiment.rev, experiment.baseline, experiment.status) == (
        "weekly",
        revs["weekly"],
        head(world),
        "completed",
    )
    assert (experiment.type, experiment.hypothesis, experiment.tags, experiment.parent) == (
        *list(description.values())[:2],
        ("short", "cheap"),
        "old",
    )
    assert experiment.tasks == ("props",)
    assert experiment.scores["props"]["hit_rate"] == 0.55
    assert experiment.get_rows_hash("props") == git_fixtures.ROWS
    assert experiment.created == datetime.fromtimestamp(git_fixtures.START + 3600, UTC)


def test_experiments_of_all_baselines_come_newest_first_and_a_commit_hides_none(world: Path) -> None:
    git_fixtures.experiments(world, head(world), {"old": git_fixtures.made(0.5)})
    second = git_fixtures.commit(world, "more", {"notes": "x"}, at=git_fixtures.START + 60)
    git_fixtures.experiments(world, second, {"new": git_fixtures.made(0.5)}, first=2)
    assert [experiment.name for experiment in experiments_index.list_experiments()] == ["new", "old"]


def test_dvc_itself_sees_what_the_toy_world_makes(world: Path) -> None:
    base = head(world)
    git_fixtures.experiments(world, base, {"one": git_fixtures.made(0.5), "two": git_fixtures.made(0.6)})
    dvc = Path(sys.executable).with_name("dvc")
    subprocess.run([dvc, "init", "--quiet"], check=True, capture_output=True)
    output = subprocess.run(
        [dvc, "exp", "list", "-A", "--name-only"], check=True, capture_output=True, text=True
    ).stdout
    assert {line.strip() for line in output.splitlines()} >= {"one", "two"}


def test_what_dvc_keeps_under_its_refs_for_itself_is_no_experiment(world: Path) -> None:
    for ref in ("refs/exps/stash", "refs/exps/celery/stash", "refs/exps/exec/EXEC_HEAD", "refs/exps/apply/ORIG_HEAD"):
        git_fixtures.git(world, "update-ref", ref, "HEAD")
    assert experiments_index.list_experiments() == []


def test_a_failed_pending_or_running_one_has_no_scores_though_its_commit_holds_the_baselines(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a queue entry's commit holds the metrics of the commit it started from; DVC shows them as its own
    stash = git_fixtures.commit(world, "queue entry", {"params.yaml": git_fixtures.params(train__props__depth=9)})
    when = datetime(2026, 2, 1, tzinfo=UTC)
    states: list[Any] = ["failed", "pending", "running"]
    queued(
        monkeypatch,
        *(
            dvc_queue.QueuedTask(f"a-{state}", stash, state, when, "boom" if state == "failed" else None)
            for state in states
        ),
    )
    experiments = experiments_index.list_experiments()
    assert [experiment.status for experiment in sorted(experiments, key=lambda experiment: experiment.name)] == states
    assert all(
        experiment.scores == {} and experiment.intervals == {} and not experiment.is_finished
        for experiment in experiments
    )
    assert named("a-failed", experiments).error == "boom"
    assert named("a-failed", experiments).tasks == ("props",)


def test_a_failed_one_is_forgotten_once_a_newer_one_of_its_name_ended_well(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_fixtures.experiments(world, head(world), {"again": git_fixtures.made(0.5), "late": git_fixtures.made(0.5)})
    old, new = (datetime.fromtimestamp(git_fixtures.START + wait, UTC) for wait in (0, 10**6))
    queued(
        monkeypatch,
        dvc_queue.QueuedTask("again", head(world), "failed", old, "boom"),
        dvc_queue.QueuedTask("late", head(world), "failed", new, "boom"),
        dvc_queue.QueuedTask("done", head(world), "completed", new, None),
    )
    statuses = {(experiment.name, experiment.status) for experiment in experiments_index.list_experiments()}
    assert statuses == {("again", "completed"), ("late", "completed"), ("late", "failed")}
    assert experiments_index.find_experiment("late").status == "completed"


def test_a_run_that_stopped_short_of_evaluate_has_no_scores_though_its_commit_holds_the_baselines(world: Path) -> None:
    unread = {**git_fixtures.made(0.5), "params.yaml": git_fixtures.params(folds__props__test_days=7)}
    unlinked = {
        **git_fixtures.made(0.5, train__props__depth=9),
        "dvc.lock": git_fixtures.lock(predictions="old").replace(
            f"md5: {git_fixtures.md5('old')}", f"md5: {git_fixtures.md5('new')}", 1
        ),
    }
    git_fixtures.experiments(
        world, head(world), {"unread": unread, "unlinked": unlinked, "whole": git_fixtures.made(0.6)}
    )
    by_name = {experiment.name: experiment for experiment in experiments_index.list_experiments()}
    assert {name: list(experiment.scores) for name, experiment in by_name.items()} == {
        "unread": [],
        "unlinked": [],
        "whole": ["props"],
    }
    assert by_name["unread"].error == "props: not run up to evaluate with its parameters"
    assert by_name["unread"].scored == {}


def test_what_was_promoted_or_archived_is_said_of_its_commit(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revs = git_fixtures.experiments(
        world, head(world), {"first": git_fixtures.made(0.5), "second": git_fixtures.made(0.6)}
    )
    git_fixtures.git(world, "tag", "props-model@v1.0.0", revs["second"])
    monkeypatch.setattr(workspace_tags, "get_current_assignments", lambda: {revs["second"]: "promoted"})
    states = {experiment.name: experiment.status for experiment in experiments_index.list_experiments()}
    assert states == {"first": "completed", "second": "promoted"}


@pytest.mark.parametrize(
    ("changes", "tasks"),
    [
        ({"folds__racing__test_days": 3}, ("racing",)),
        ({"folds__racing__test_days": 3, "train__props__depth": 9}, ("props", "racing")),
        ({"seed": 2}, ("props", "racing")),
        ({"seed": 2, "experiment__task": "props"}, ("props",)),
        ({}, ("props", "racing")),
        ({"experiment__task": "racing"}, ("racing",)),
        # the task that the baseline names does not apply to an experiment about another one
        ({"experiment__task": "racing", "train__props__depth": 9}, ("props",)),
    ],
)
def test_an_experiment_is_about_the_tasks_whose_parameters_it_changed(
    world: Path, changes: dict[str, Any], tasks: tuple[str, ...]
) -> None:
    git_fixtures.experiments(world, head(world), {"one": git_fixtures.made(0.5, **changes)})
    assert experiments_index.find_experiment("one").tasks == tasks


def test_a_name_that_two_experiments_have_must_be_told_by_commit(world: Path) -> None:
    first = git_fixtures.experiments(world, head(world), {"same": git_fixtures.made(0.5)})["same"]
    second = git_fixtures.commit(world, "more", {"notes": "x"})
    git_fixtures.experiments(world, second, {"same": git_fixtures.made(0.6)}, first=2)
    with pytest.raises(UserError, match=f"several experiments .*{first[:7]}"):
        experiments_index.find_experiment("same")
    assert experiments_index.find_experiment(first[:9]).rev == first


def test_a_name_that_nobody_has_is_rejected_with_the_nearest(world: Path) -> None:
    git_fixtures.experiments(world, head(world), {"weekly": git_fixtures.made(0.5)})
    with pytest.raises(UserError, match=r"'weakly' is neither .* did you mean 'weekly'\?"):
        experiments_index.find_experiment("weakly")


def test_a_commit_that_is_no_experiment_is_read_as_one_about_all_tasks(world: Path) -> None:
    experiment = experiments_index.find_experiment("main")
    assert (experiment.name, experiment.rev, experiment.tasks) == ("main", head(world), ("props", "racing"))
    assert experiment.scores == {"props": experiment.scores["props"]}


def test_what_was_parsed_is_remembered_and_a_torn_memory_is_made_anew(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_fixtures.experiments(world, head(world), {"one": git_fixtures.made(0.5)})
    first = experiments_index.list_experiments()
    for file in file_cache.CACHE_FOLDER.rglob("*.json"):
        file.write_text(file.read_text()[:-2])
    assert experiments_index.list_experiments() == first
    monkeypatch.setattr(file_cache, "parse_file", None)  # nothing is parsed again
    assert experiments_index.list_experiments() == first


def test_a_broken_file_of_a_commit_breaks_no_list(world: Path) -> None:
    broken = {**git_fixtures.made(0.5), "metrics/props/scores.json": "{", "dvc.lock": "]["}
    git_fixtures.experiments(world, head(world), {"broken": broken, "bare": {"params.yaml": None}})
    assert {experiment.name: experiment.scores for experiment in experiments_index.list_experiments()} == {
        "broken": {},
        "bare": {},
    }


def test_names_that_are_not_utf_8_break_no_list(world: Path) -> None:
    rev = git_fixtures.experiments(world, head(world), {"plain": git_fixtures.made(0.5)})["plain"]
    git_fixtures.git(world, "update-ref", os.fsdecode(git_fixtures.ref(head(world), "caf").encode() + b"\xe9"), rev)
    git_fixtures.git(world, "tag", os.fsdecode(b"caf\xe9-model#prod#1"))
    names = {experiment.name for experiment in experiments_index.list_experiments()}
    assert names == {"plain", "caf\N{REPLACEMENT CHARACTER}"}


def test_files_of_commits_come_back_as_they_are_and_absent_ones_as_none(world: Path) -> None:
    odd = b"\x00\xff no newline at the end"
    rev = git_fixtures.commit(world, "odd", {"a file.bin": odd, "empty": ""})
    assert git.read_file(rev, "a file.bin") == odd
    assert git.read_file(rev, "empty") == b""
    assert git.read_file(rev, "absent") is None
    assert git.read_file("0" * 40, "empty") is None
