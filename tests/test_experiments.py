"""The registry: runs are compared on common rows, paired, and noise is called noise."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import tables
from tests import corridor

DAYS, DAILY = 60, 30


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A repository in git whose first commit and workspace hold predictions of the same games."""
    folder = corridor.copy(tmp_path / "house")
    rows = games()
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/predictions").mkdir()
    tables.write(rows, folder / "data/prepared/props.parquet")
    return folder


def games(seed: int = 0) -> pd.DataFrame:
    """Return prepared rows whose line is the truth and a little noise."""
    random = np.random.default_rng(seed)
    truth = random.uniform(5, 25, DAYS * DAILY)
    day = np.repeat(np.arange(DAYS), DAILY)
    return pd.DataFrame(
        {
            "row_id": [f"r{number:04}" for number in range(len(truth))],
            "group": [f"d{number:03}" for number in day],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, "D"),
            "target": np.maximum(random.normal(truth, 5), 0).round(),
            "truth": truth,
            "line": (truth + random.normal(0, 1, len(truth))).round() + 0.5,
            "line_type": "actual",
        }
    )


def predict(folder: Path, noise: float, seed: int, skip: int = 0) -> None:
    """Write predictions of the workspace: the truth and some noise."""
    rows = games()[skip:]
    tuned = rows["truth"] + np.random.default_rng(seed).normal(0, noise, len(rows))
    kept = rows[["row_id", "group", "time", "target"]].assign(fold="test_0", tuned=tuned)
    tables.write(kept, folder / "data/predictions/props.parquet")


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, tag: str) -> None:
    """Keep the predictions of the workspace under a name, as an experiment does, but in git itself."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--force", ".")
    git(folder, "commit", "--quiet", "--message", tag)
    git(folder, "tag", tag)


def compare(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "experiments", "compare", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_better_run_is_called_better_and_one_of_equal_skill_noise(house: Path) -> None:
    predict(house, noise=4.0, seed=1)
    commit(house, "worse")
    predict(house, noise=1.0, seed=2)
    commit(house, "equal")
    predict(house, noise=1.0, seed=3)
    better = compare(house, "props", "workspace", "worse")
    assert better.returncode == 0, better.stderr
    assert "workspace errs less" in better.stdout
    assert "the difference is noise" in compare(house, "props", "equal", "workspace").stdout.splitlines()[0]


def test_only_rows_that_both_predicted_are_compared(house: Path) -> None:
    predict(house, noise=1.0, seed=1)
    commit(house, "whole")
    predict(house, noise=1.0, seed=1, skip=300)
    found = json.loads(compare(house, "props", "whole", "workspace", "--json").stdout)
    assert (found["rows"], found["alone"]) == (DAYS * DAILY - 300, [300, 0])
    assert np.isfinite(found["error"]["value"])


def test_a_run_that_is_not_there_is_refused_in_one_sentence(house: Path) -> None:
    predict(house, noise=1.0, seed=1)
    commit(house, "first")
    done = compare(house, "props", "nobody", "workspace")
    assert done.returncode == 1
    assert done.stderr.startswith("experiments: the predictions of 'nobody' are not at hand")
    assert len(done.stderr.splitlines()) == 1
