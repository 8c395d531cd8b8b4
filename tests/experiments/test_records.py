"""Records: what the commits, the queue and the tags tell of an experiment, and nothing borrowed."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.refusals import UserError
from experiments import parsed, queue, records, repository, tags
from experiments.experiment import Experiment
from tests.experiments import worlds


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    worlds.start(tmp_path, dict(worlds.made(0.5)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def head(folder: Path) -> str:
    return worlds.git(folder, "rev-parse", "HEAD").strip()


def queued(monkeypatch: pytest.MonkeyPatch, *tasks: queue.QueuedTask) -> None:
    """Let DVC's queue hold some tasks."""
    records.QUEUE_FOLDER.mkdir(parents=True)
    monkeypatch.setattr(queue, "list_tasks", lambda: list(tasks))


def named(name: str, experiments: list[Experiment]) -> Experiment:
    return next(each for each in experiments if each.name == name)


def test_an_experiment_is_told_by_its_commit(world: Path) -> None:
    said: dict[str, Any] = {
        "type": "ablation",
        "hypothesis": "less is more",
        "tags": ["short", "cheap"],
        "parent": "old",
    }
    changes = {f"experiment__{key}": value for key, value in said.items()}
    revs = worlds.experiments(world, head(world), {"weekly": worlds.made(0.55, folds__props__test_days=7, **changes)})
    found = records.list_experiments()[0]
    assert (found.name, found.rev, found.baseline, found.status) == ("weekly", revs["weekly"], head(world), "completed")
    assert (found.type, found.hypothesis, found.tags, found.parent) == (
        *list(said.values())[:2],
        ("short", "cheap"),
        "old",
    )
    assert found.tasks == ("props",)
    assert found.scores["props"]["hit_rate"] == 0.55
    assert found.get_rows_hash("props") == worlds.ROWS
    assert found.created == datetime.fromtimestamp(worlds.START + 3600, UTC)


def test_experiments_of_all_baselines_come_newest_first_and_a_commit_hides_none(world: Path) -> None:
    worlds.experiments(world, head(world), {"old": worlds.made(0.5)})
    second = worlds.commit(world, "more", {"notes": "x"}, at=worlds.START + 60)
    worlds.experiments(world, second, {"new": worlds.made(0.5)}, first=2)
    assert [each.name for each in records.list_experiments()] == ["new", "old"]


def test_dvc_itself_sees_what_the_toy_world_makes(world: Path) -> None:
    base = head(world)
    worlds.experiments(world, base, {"one": worlds.made(0.5), "two": worlds.made(0.6)})
    dvc = Path(sys.executable).with_name("dvc")
    subprocess.run([dvc, "init", "--quiet"], check=True, capture_output=True)
    said = subprocess.run([dvc, "exp", "list", "-A", "--name-only"], check=True, capture_output=True, text=True).stdout
    assert {line.strip() for line in said.splitlines()} >= {"one", "two"}


def test_what_dvc_keeps_under_its_refs_for_itself_is_no_experiment(world: Path) -> None:
    for ref in ("refs/exps/stash", "refs/exps/celery/stash", "refs/exps/exec/EXEC_HEAD", "refs/exps/apply/ORIG_HEAD"):
        worlds.git(world, "update-ref", ref, "HEAD")
    assert records.list_experiments() == []


def test_a_failed_pending_or_running_one_has_no_scores_though_its_commit_holds_the_baselines(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a queue entry's commit holds the metrics of where it started: DVC shows them as if they were its own
    stash = worlds.commit(world, "queue entry", {"params.yaml": worlds.params(train__props__depth=9)})
    when = datetime(2026, 2, 1, tzinfo=UTC)
    states: list[Any] = ["failed", "pending", "running"]
    queued(
        monkeypatch,
        *(
            queue.QueuedTask(f"a-{state}", stash, state, when, "boom" if state == "failed" else None)
            for state in states
        ),
    )
    found = records.list_experiments()
    assert [each.status for each in sorted(found, key=lambda each: each.name)] == states
    assert all(each.scores == {} and each.intervals == {} and not each.is_finished for each in found)
    assert named("a-failed", found).error == "boom"
    assert named("a-failed", found).tasks == ("props",)


def test_a_failed_one_is_forgotten_once_a_newer_one_of_its_name_ended_well(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds.experiments(world, head(world), {"again": worlds.made(0.5), "late": worlds.made(0.5)})
    old, new = (datetime.fromtimestamp(worlds.START + wait, UTC) for wait in (0, 10**6))
    queued(
        monkeypatch,
        queue.QueuedTask("again", head(world), "failed", old, "boom"),
        queue.QueuedTask("late", head(world), "failed", new, "boom"),
        queue.QueuedTask("done", head(world), "completed", new, None),
    )
    found = {(each.name, each.status) for each in records.list_experiments()}
    assert found == {("again", "completed"), ("late", "completed"), ("late", "failed")}
    assert records.find_experiment("late").status == "completed"


def test_a_run_that_stopped_short_of_evaluate_has_no_scores_though_its_commit_holds_the_baselines(world: Path) -> None:
    unread = {**worlds.made(0.5), "params.yaml": worlds.params(folds__props__test_days=7)}
    unlinked = {
        **worlds.made(0.5, train__props__depth=9),
        "dvc.lock": worlds.lock(predictions="old").replace(f"md5: {worlds.md5('old')}", f"md5: {worlds.md5('new')}", 1),
    }
    worlds.experiments(world, head(world), {"unread": unread, "unlinked": unlinked, "whole": worlds.made(0.6)})
    found = {each.name: each for each in records.list_experiments()}
    assert {name: list(each.scores) for name, each in found.items()} == {
        "unread": [],
        "unlinked": [],
        "whole": ["props"],
    }
    assert found["unread"].error == "props: not run up to evaluate with its parameters"
    assert found["unread"].scored == {}


def test_what_was_promoted_or_archived_is_said_of_its_commit(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revs = worlds.experiments(world, head(world), {"first": worlds.made(0.5), "second": worlds.made(0.6)})
    worlds.git(world, "tag", "props-model@v1.0.0", revs["second"])
    monkeypatch.setattr(tags, "get_current_assignments", lambda: {revs["second"]: "promoted"})
    states = {each.name: each.status for each in records.list_experiments()}
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
        # what the baseline says of itself is not said of an experiment about something else
        ({"experiment__task": "racing", "train__props__depth": 9}, ("props",)),
    ],
)
def test_an_experiment_is_about_the_tasks_whose_parameters_it_changed(
    world: Path, changes: dict[str, Any], tasks: tuple[str, ...]
) -> None:
    worlds.experiments(world, head(world), {"one": worlds.made(0.5, **changes)})
    assert records.find_experiment("one").tasks == tasks


def test_a_name_that_two_experiments_have_must_be_told_by_commit(world: Path) -> None:
    first = worlds.experiments(world, head(world), {"same": worlds.made(0.5)})["same"]
    second = worlds.commit(world, "more", {"notes": "x"})
    worlds.experiments(world, second, {"same": worlds.made(0.6)}, first=2)
    with pytest.raises(UserError, match=f"several experiments .*{first[:7]}"):
        records.find_experiment("same")
    assert records.find_experiment(first[:9]).rev == first


def test_a_name_that_nobody_has_is_refused_with_the_nearest(world: Path) -> None:
    worlds.experiments(world, head(world), {"weekly": worlds.made(0.5)})
    with pytest.raises(UserError, match=r"'weakly' is neither .* did you mean 'weekly'\?"):
        records.find_experiment("weakly")


def test_a_commit_that_is_no_experiment_is_read_as_one_about_all_tasks(world: Path) -> None:
    found = records.find_experiment("main")
    assert (found.name, found.rev, found.tasks) == ("main", head(world), ("props", "racing"))
    assert found.scores == {"props": found.scores["props"]}


def test_what_was_parsed_is_remembered_and_a_torn_memory_is_made_anew(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds.experiments(world, head(world), {"one": worlds.made(0.5)})
    first = records.list_experiments()
    for file in parsed.CACHE_FOLDER.rglob("*.json"):
        file.write_text(file.read_text()[:-2])
    assert records.list_experiments() == first
    monkeypatch.setattr(parsed, "parse_file", None)  # nothing is parsed again
    assert records.list_experiments() == first


def test_a_broken_file_of_a_commit_breaks_no_list(world: Path) -> None:
    broken = {**worlds.made(0.5), "metrics/props/scores.json": "{", "dvc.lock": "]["}
    worlds.experiments(world, head(world), {"broken": broken, "bare": {"params.yaml": None}})
    assert {each.name: each.scores for each in records.list_experiments()} == {"broken": {}, "bare": {}}


def test_files_of_commits_come_back_as_they_are_and_absent_ones_as_none(world: Path) -> None:
    odd = b"\x00\xff no newline at the end"
    rev = worlds.commit(world, "odd", {"a file.bin": odd, "empty": ""})
    assert repository.read_file(rev, "a file.bin") == odd
    assert repository.read_file(rev, "empty") == b""
    assert repository.read_file(rev, "absent") is None
    assert repository.read_file("0" * 40, "empty") is None
