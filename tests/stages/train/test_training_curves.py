"""Training curves: written by DVCLive, which wants to know the newest commit."""

import subprocess
from pathlib import Path

import pytest

from stages.train._fits.training_curves import TrainingCurves
from trueline.core.errors import UserError


def test_a_repository_without_a_commit_is_refused_in_a_sentence_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["dvc", "init", "--quiet"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no commit yet; make one"):
        TrainingCurves(tmp_path / "curves")
    author = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "start"], cwd=tmp_path, check=True)
    curves = TrainingCurves(tmp_path / "curves")
    curves(1, {"fit": 0.5})
    curves.close_files()
    assert "0.5" in (tmp_path / "curves/plots/metrics/loss/fit.tsv").read_text()
