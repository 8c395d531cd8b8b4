"""What a stage took is in a journal outside its outputs, by the hashes of these."""

import json
import time
from pathlib import Path

import pytest

from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import hash_path
from trueline.core.runtime.stage_costs import JOURNAL_FOLDER, read_journal, record_cost


def work(out: Path) -> None:
    """Write an output and use some CPU time."""
    ends_at = time.process_time() + 0.05
    while time.process_time() < ends_at:
        pass
    out.write_text("result")


@pytest.mark.parametrize("place", [".", ".dvc/tmp/exps/tmp1"], ids=["workspace", "queue"])
def test_a_run_is_in_the_journal_of_the_repository_by_its_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / place)
    with record_cost("train", "racing", {"scores": Path("scores.txt")}):
        work(Path("scores.txt"))
    monkeypatch.chdir(tmp_path)
    (line,) = read_journal()["train@racing"]
    assert line["outputs"] == {"scores.txt": hash_path(tmp_path / place / "scores.txt")}
    assert 0.05 <= line["cpu_seconds"] < 5
    assert line["seconds"] >= 0.05
    assert line["machine"]


def test_a_run_that_fails_is_not_recorded_and_one_outside_dvc_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with record_cost("train", "racing", {}):
        pass
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(UserError), record_cost("train", "racing", {}):
        raise UserError("no")
    assert read_journal() == {}


def test_where_the_journal_cannot_be_written_the_stage_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/tmp").write_text("a file where a folder should be")
    with record_cost("train", "racing", {}):
        pass
    assert (tmp_path / ".dvc/tmp").is_file()


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / JOURNAL_FOLDER).mkdir(parents=True)
    whole = json.dumps({"seconds": 1, "cpu_seconds": 1, "machine": "m", "outputs": {}})
    (tmp_path / JOURNAL_FOLDER / "train@racing.jsonl").write_text(f"{whole}\n{whole[:9]}\n3\n{whole}\n")
    assert len(read_journal()["train@racing"]) == 2
