"""The status follows the outputs: every figure is the report's own, and every null has its reason."""

import asyncio
import json
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service import status_fixtures
from trueline.core.scorer_description import get_path
from trueline.service.artifacts import experiments_client
from trueline.service.artifacts.verified_files import VerifiedFiles, open_workspace
from trueline.service.status.diagnostics import build_diagnostics
from trueline.service.status.headline_metrics import HEADLINE_FIELDS
from trueline.service.status.model_status import build_task_status
from trueline.service.status.stage_outputs import TaskOutputs, read_outputs
from trueline.service.status.status_cache import StatusCache, TimedCache
from trueline.service.status.status_schema import TaskStatus
from trueline.service.status.training_info import TrainingInfo, read_fold_roles, read_training_info

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
# keys that the status reads, each with any value at all
PLACES = (
    "scored", "tags", "tag", "runners", "baselines", "tuned", "log_loss", "importance", "loss", "checks", "always",
    "over", "wins", "calibration_slope", "details", "slope", "value", "rows", "verdict", "reliability",
)  # fmt: skip
SHAPES = st.dictionaries(st.sampled_from(PLACES), st.dictionaries(st.sampled_from(PLACES), JUNK, max_size=4) | JUNK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the sample's metrics, in git."""
    found = status_fixtures.repository(tmp_path_factory.mktemp("repository"))
    git(found, "init", "--quiet")
    commit(found, "2024-05-01T00:00:00+00:00")
    return found


def git(folder: Path, *words: str, when: str = "2024-01-01T00:00:00+00:00") -> str:
    """Return git's output, with made-up author and committer."""
    who = {f"GIT_{role}_{part}": "x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    when_ = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True, env=who | when_)
    return done.stdout.strip()


def commit(folder: Path, when: str) -> str:
    """Commit dvc.lock and return the commit."""
    git(folder, "add", "dvc.lock")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x", when=when)
    return git(folder, "rev-parse", "HEAD")


@cache
def build_status(folder: Path, task: str) -> tuple[TaskStatus, TaskOutputs]:
    """Return the status of a task, and the outputs that it was made from."""
    outputs = read_outputs(task, open_workspace(folder))
    held = read_fold_roles([outputs.folds]) if outputs.folds else {}
    return build_task_status(
        outputs, read_training_info(outputs, folder, held.get(outputs.folds) if outputs.folds else None)
    ), outputs


def nulls(found: Any, path: str = "") -> list[str]:
    """Return the paths of a status's fields that are null, two levels deep."""
    fields = [(f"{path}{name}", value) for name, value in found]
    own = [name for name, value in fields if value is None]
    parts = [
        one for name, value in fields if name in ("features", "samples", "version") for one in nulls(value, f"{name}.")
    ]
    return own + parts


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_every_figure_is_the_reports_own_with_its_interval(folder: Path, task: str) -> None:
    found = build_status(folder, task)[0]
    figures = [one for name in HEADLINE_FIELDS if (one := getattr(found, name))] + list(found.figures.values())
    assert len(figures) >= 5
    for figure in figures:
        file, _, path = figure.source.partition("#")
        held = get_path(json.loads((folder / file).read_text()), path)
        ends = held if isinstance(held, dict) else {"value": held, "low": None, "high": None}
        assert (figure.value, figure.low, figure.high) == (ends["value"], ends["low"], ends["high"])
        assert (figure.low is None) == (figure.reason is not None)


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_whatever_is_null_has_its_reason(folder: Path, task: str) -> None:
    found, _ = build_status(folder, task)
    assert set(nulls(found)) == set(found.reasons)
    assert all(reason.endswith(".") for reason in found.reasons.values())


def test_racing_is_shown_beside_its_market_and_its_classes_sum_to_one(folder: Path) -> None:
    found, outputs = build_status(folder, "racing")
    assert found.log_loss is not None
    assert found.class_balance is not None
    assert found.log_loss.beside["market"].value == outputs.report["baselines"]["market"]["log_loss"]["value"]
    assert sum(one.share for one in found.class_balance.classes) == pytest.approx(1)


def test_the_training_window_comes_from_the_folds(folder: Path) -> None:
    found, _ = build_status(folder, "props")
    assert found.training_window is not None
    assert (found.training_window.fit_from, found.training_window.fit_to) == status_fixtures.DAYS["fit"]
    assert (found.training_window.calibrate_from, found.training_window.calibrate_to) == status_fixtures.DAYS[
        "calibrate"
    ]
    assert (found.samples.fit, found.samples.calibrate) == (3, 1)


def test_rows_without_a_clock_have_no_window_but_are_counted(folder: Path) -> None:
    found, _ = build_status(folder, "events")
    assert found.training_window is None
    assert found.reasons["training_window"] == "The rows have no clock."
    assert found.samples.fit == 3


def test_a_model_was_trained_when_its_hash_came_into_git_for_the_last_time(tmp_path: Path) -> None:
    lock, outputs = tmp_path / "dvc.lock", made({"models/made/final": "a" * 32})
    git(tmp_path, "init", "--quiet")
    for day, text in enumerate(("a" * 32, "b" * 32, "a" * 32, f"{'a' * 32}\nand more"), 1):
        lock.write_text(text)
        head = commit(tmp_path, f"2024-01-0{day}T00:00:00+00:00")
    found = read_training_info(outputs, tmp_path, {})
    assert found.last_trained == "2024-01-03T00:00:00+00:00"
    assert found.commit == head


def test_what_is_not_committed_has_no_date_and_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "dvc.lock").write_text("b" * 32)
    commit(tmp_path, "2024-01-01T00:00:00+00:00")
    (tmp_path / "dvc.lock").write_text("a" * 32)
    found = read_training_info(made({"models/made/final": "a" * 32}), tmp_path, {})
    assert found.last_trained is found.commit is None
    assert "not committed" in found.reasons["last_trained"]
    assert "not committed" in found.reasons["commit"]


def test_a_promoted_version_is_dated_by_its_own_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "dvc.lock").write_text("a" * 32)
    first = commit(tmp_path, "2024-01-01T00:00:00+00:00")
    (tmp_path / "dvc.lock").write_text("b" * 32)
    commit(tmp_path, "2024-01-02T00:00:00+00:00")
    found = read_training_info(replace(made({"models/made/final": "a" * 32}), commit=first), tmp_path, {})
    assert (found.last_trained, found.commit) == ("2024-01-01T00:00:00+00:00", first)


def test_without_git_and_folds_the_reasons_are_given(tmp_path: Path) -> None:
    found = build_task_status(
        outputs := made({"models/made/final": "a" * 32}), read_training_info(outputs, tmp_path, None)
    )
    assert "no git repository" in found.reasons["last_trained"]
    assert "data/folds/made.parquet" in found.reasons["training_window"]
    assert set(nulls(found)) == set(found.reasons)


def test_folds_that_cannot_be_read_take_nothing_else_with_them(tmp_path: Path) -> None:
    torn = tmp_path / "torn.parquet"
    torn.write_text("no table")
    assert read_fold_roles([torn]) == {}
    assert read_fold_roles([]) == {}


@settings(max_examples=60, deadline=None)
@given(SHAPES, SHAPES, SHAPES, SHAPES, st.sampled_from(["race", "market", "tags", "other"]))
def test_outputs_of_another_shape_are_no_error(
    report: dict[str, Any], diagnosis: dict[str, Any], tuned: dict[str, Any], model: dict[str, Any], scorer: str
) -> None:
    outputs = replace(
        made({}), task_config={"scorer": scorer}, report=report, diagnosis=diagnosis, tuned=tuned, model=model
    )
    found = build_task_status(outputs, TrainingInfo())
    assert set(nulls(found)) <= set(found.reasons)
    assert json.loads(found.model_dump_json())
    assert json.loads(build_diagnostics(outputs).model_dump_json())


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_the_diagnosis_is_ordered_gravest_first(folder: Path, task: str) -> None:
    held = json.loads((folder / f"metrics/{task}/diagnosis.json").read_text())
    found = build_diagnostics(read_outputs(task, open_workspace(folder)))
    assert found.verdict == held["verdict"]
    assert {one.name: (one.status, one.summary) for one in found.checks} == {
        name: (one["status"], one["summary"]) for name, one in held["checks"].items()
    }
    ranks = [("failed", "warning", "ok", "declined").index(one.status) for one in found.checks]
    assert ranks == sorted(ranks)


def test_alerts_that_say_the_same_on_days_in_a_row_are_one() -> None:
    levels = ("none", "warning", "warning", "none", "warning")
    days = [
        {"game_date": f"2024-01-0{day}", "alert_level": level, "alert_message": "m"}
        for day, level in enumerate(levels, 1)
    ]
    found = build_diagnostics(replace(made({}), days=days))
    assert [(one.first, one.last, one.days) for one in found.alerts] == [
        ("2024-01-05", "2024-01-05", 1),
        ("2024-01-02", "2024-01-03", 2),
    ]
    assert found.newest is not None
    assert (found.newest.day, found.newest.alert) == ("2024-01-05", "warning")


def test_an_output_that_was_changed_is_absent_and_the_rest_is_shown(tmp_path: Path) -> None:
    folder = status_fixtures.repository(tmp_path)
    (folder / "metrics/racing/report.json").write_text("{}")
    found = read_outputs("racing", open_workspace(folder))
    assert "hash differs" in found.missing_reasons["metrics/racing/report.json"]
    assert found.report == {}
    assert found.diagnosis
    assert "hash differs" in build_task_status(found, TrainingInfo()).reasons["log_loss"]


def test_what_a_promoted_version_has_only_in_git_is_read_there(tmp_path: Path) -> None:
    folder = status_fixtures.repository(tmp_path)
    git(folder, "init", "--quiet")
    git(folder, "add", "dvc.lock", "metrics")
    head = commit(folder, "2024-01-01T00:00:00+00:00")
    here = read_outputs("props", open_workspace(folder))
    for name in ("report.json", "plots/reliability.csv"):
        (folder / "metrics/props" / name).write_text("")
    found = read_outputs("props", VerifiedFiles(folder, "props-model@v1.0.0", head))
    assert found.reliability == here.reliability != []
    assert (found.report, found.days) == (here.report, here.days)
    assert "metrics/props/report.json" not in found.missing_reasons
    assert "models/props/tuned.json" in found.missing_reasons


def test_without_a_repository_there_are_no_experiments_and_a_reason(tmp_path: Path) -> None:
    found = experiments_client.fetch_experiments(tmp_path)
    assert (found.success, found.experiments) == (False, [])
    assert found.reason


def test_experiments_are_shown_without_what_the_service_does_not_know() -> None:
    one = {
        "name": "weekly", "rev": "a", "status": "completed", "created": "2024-01-01", "tasks": ["props"], "type": None,
        "hypothesis": None, "tags": [], "parent": None, "error": None, "scores": {"props": {"mae": 5.0}}, "news": 1,
    }  # fmt: skip
    found = experiments_client.parse_experiments(
        {"experiments": [one] * (experiments_client.MAX_EXPERIMENTS + 3), "test_periods": []}
    )
    assert len(found.experiments) == experiments_client.MAX_EXPERIMENTS
    assert (found.left_out, found.reason) == (3, None)
    assert found.experiments[0].scores == {"props": {"mae": 5.0}}


def test_an_answer_is_made_once_for_all_who_ask_and_again_when_it_is_old() -> None:
    made: list[int] = []

    async def asked() -> list[int]:
        kept = TimedCache(lambda: made.append(1) or len(made), 0.2)  # type: ignore[func-returns-value]
        first = await asyncio.gather(*(kept() for _ in range(5)))
        await asyncio.sleep(0.3)
        return [*first, await kept()]

    assert asyncio.run(asked()) == [1] * 5 + [2]


def test_a_status_cache_covers_every_task(folder: Path) -> None:
    board = StatusCache({task: read_outputs(task, open_workspace(folder)) for task in status_fixtures.TASKS}, folder)
    found = asyncio.run(_status(board))
    assert [one.task for one in found.tasks] == list(status_fixtures.TASKS)
    assert {one.last_trained for one in found.tasks} == {"2024-05-01T00:00:00+00:00"}


async def _status(board: StatusCache) -> Any:
    return await board.get_status()


def made(hashes: dict[str, str]) -> TaskOutputs:
    """Return outputs of a task that has almost none."""
    return TaskOutputs("made", "workspace", None, {}, {}, {}, {}, {}, {}, [], [], [], [], {}, hashes, None)
