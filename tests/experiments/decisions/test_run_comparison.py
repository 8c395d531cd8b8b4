"""compare: only runs scored on the same rows and outcomes are compared, in pairs, and noise is reported as noise."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import pipeline_copy
from tests.experiments import git_fixtures
from tests.prepared_games import make_games
from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.experiments.decisions.run_comparison import find_row_overlap
from trueline.experiments.experiment_registry import Registry

DAYS, DAILY = 60, 30


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository whose commits and workspace hold predictions of the same games."""
    folder = pipeline_copy.copy(tmp_path / "repository")
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/predictions").mkdir()
    table_schema.write_table(make_games(DAYS, DAILY), folder / "data/prepared/props.parquet")
    git_fixtures.git(folder, "init", "--quiet")
    monkeypatch.chdir(folder)
    return folder


def predict(folder: Path, noise: float, seed: int, skip: int = 0, **outcomes: float) -> None:
    """Write predictions to the workspace, the truth plus noise; `outcomes` replaces the targets of some rows."""
    rows = make_games(DAYS, DAILY)[skip:]
    tuned = rows["truth"] + np.random.default_rng(seed).normal(0, noise, len(rows))
    predictions = rows[["row_id", "group", "time", "target"]].assign(fold="test_0", tuned=tuned)
    for row, target in outcomes.items():
        predictions.loc[predictions["row_id"] == row, "target"] = target
    table_schema.write_table(predictions, folder / "data/predictions/props.parquet")
    lock(folder)


def lock(folder: Path) -> None:
    """Write a dvc.lock with the hashes of the files in the workspace."""
    paths = ("data/prepared/props.parquet", "data/predictions/props.parquet")
    outs = [{"path": path, "md5": hashlib.md5((folder / path).read_bytes()).hexdigest()} for path in paths]
    (folder / "dvc.lock").write_text(json.dumps({"stages": {"evaluate@props": {"outs": outs}}}))


def commit(folder: Path, tag: str) -> None:
    """Commit the predictions of the workspace and tag them, as an experiment does, but in git itself."""
    git_fixtures.git(folder, "add", "--force", ".", ":!.dvc/tmp", ":!.locks")
    git_fixtures.git(folder, "commit", "--quiet", "--message", tag)
    git_fixtures.git(folder, "tag", tag)


def compare(one: str, other: str, common: bool = False) -> Any:
    return Registry().compare(one, other, "props", common)["props"]


def verdict(comparison: Any, metric: str) -> str:
    return next(str(difference["verdict"]) for difference in comparison["metrics"] if difference["metric"] == metric)


def test_a_better_run_is_called_better_a_worse_one_worse_and_one_of_equal_skill_undecided(repository: Path) -> None:
    predict(repository, noise=4.0, seed=1)
    commit(repository, "bad")
    predict(repository, noise=1.0, seed=2)
    commit(repository, "equal")
    predict(repository, noise=1.0, seed=3)
    assert verdict(compare("workspace", "bad"), "mae") == "better"
    assert verdict(compare("bad", "workspace"), "mae") == "worse"
    assert verdict(compare("equal", "workspace"), "mae") == "undecided"
    assert "the difference is noise" in compare("equal", "workspace")["sentences"][0]


def test_runs_that_differ_by_one_row_are_rejected_and_the_row_is_named(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "whole")
    predict(repository, noise=1.0, seed=1, skip=1)
    with pytest.raises(UserError, match=r"not scored on the same rows \(1 only in whole: r0000\); nothing is ranked"):
        compare("whole", "workspace")
    with pytest.raises(UserError, match=r"1 only in whole: r0000"):
        compare("workspace", "whole")


def test_runs_with_one_outcome_that_differs_are_rejected_and_it_is_named(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "whole")
    predict(repository, noise=1.0, seed=1, r0007=99.0)
    with pytest.raises(UserError, match=r"\(1 with outcomes that differ: r0007\)"):
        compare("whole", "workspace")


def test_common_rows_are_compared_when_asked_for_by_whole_groups_and_it_is_said(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "whole")
    predict(repository, noise=1.0, seed=1, skip=10, r0100=99.0)
    comparison = compare("whole", "workspace", common=True)
    # the first day lacks rows, and the fourth has the differing outcome
    assert (comparison["rows"], comparison["alone"], comparison["outcomes_that_differ"]) == (
        DAYS * DAILY - 2 * DAILY,
        [10, 0],
        1,
    )
    assert comparison["sentences"][0].startswith("Only the 1,740 rows")
    assert comparison["error"]["value"] == comparison["metrics"][-1]["difference"]


def test_predictions_in_the_workspace_that_dvc_lock_does_not_name_are_not_judged(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "whole")
    predict(repository, noise=3.0, seed=2)
    assert verdict(compare("workspace", "whole"), "mae") == "worse"
    git_fixtures.git(
        repository, "checkout", "whole", "--", "dvc.lock"
    )  # the predictions are still those of another run
    for _ in range(2):
        with pytest.raises(UserError, match=r"props\.parquet does not have the hash in dvc\.lock; run `dvc checkout`"):
            compare("workspace", "whole")


@pytest.mark.parametrize("code", ["core/a.py", "stages/evaluate/market"])
def test_what_two_runs_were_made_from_is_told_apart_by_parameters_data_and_code(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dict(git_fixtures.made(0.5))
    made["dvc.lock"] = str(made["dvc.lock"]).replace("core/a.py", code)
    base = git_fixtures.start(tmp_path, made)
    other = {**git_fixtures.made(0.5, folds__props__test_days=7, experiment__hypothesis="weekly")}
    edited_lock = git_fixtures.lock(source="other", code="edited", test_days=7)
    other["dvc.lock"] = edited_lock.replace("core/a.py", code)
    git_fixtures.experiments(tmp_path, base, {"weekly": other})
    monkeypatch.chdir(tmp_path)
    from trueline.experiments.decisions.run_comparison import compare_origins
    from trueline.experiments.store.run_tables import load_run

    origins = compare_origins("props", load_run("weekly"), load_run("HEAD"))
    assert origins == {
        "params": {"folds.props.test_days": [7, 28]},
        "data": {"data/sample": [git_fixtures.md5("other"), git_fixtures.md5("s")]},
        "code": [code],
    }


def test_predictions_that_are_no_table_are_an_error_of_one_sentence(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "first")
    (repository / "data/predictions/props.parquet").write_text("no table")
    lock(repository)
    with pytest.raises(UserError, match=r"^data/predictions/props.parquet of workspace is no Parquet table \("):
        compare("first", "workspace")


def test_predictions_that_lack_a_column_are_an_error_of_one_sentence(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "first")
    for column in ("tuned", "time", "row_id", "group"):
        predict(repository, noise=3.0, seed=2)
        path = repository / "data/predictions/props.parquet"
        pd.read_parquet(path).drop(columns=column).to_parquet(path)
        lock(repository)
        with pytest.raises(UserError, match=rf"predictions of first or workspace .*{column}.*; run them again\.$"):
            compare("first", "workspace")


def test_rows_repeated_by_repeats_count_once_and_missing_outcomes_are_equal() -> None:
    one = pd.DataFrame({"row_id": ["a", "b", "a"], "group": ["g", "h", "g"], "target": [1.0, np.nan, 1.0]})
    overlap = find_row_overlap(one, one[:2])
    assert overlap.is_identical
    assert overlap.common == {"a", "b"}


def test_the_command_takes_a_task_and_two_runs_and_rejects_what_is_not_there_in_one_sentence(repository: Path) -> None:
    predict(repository, noise=1.0, seed=1)
    commit(repository, "first")
    predict(repository, noise=3.0, seed=2)
    completed = _command("props", "first", "workspace")
    assert completed.returncode == 0, completed.stderr
    assert "first errs less" in completed.stdout.splitlines()[0]
    assert max(map(len, completed.stdout.splitlines())) <= 120
    failed = _command("nobody", "workspace", "--task", "props")
    assert failed.returncode == 1
    assert failed.stderr.startswith("experiments: 'nobody' is neither an experiment nor a git revision")
    assert len(failed.stderr.splitlines()) == 1


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trueline.experiments", "compare", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
