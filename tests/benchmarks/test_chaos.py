"""The chaos suite finds nothing in a stage as it is, and everything that is planted in one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trueline.benchmarks import chaos
from trueline.benchmarks.chaos_lab.small_project import SmallProject, make_small_project
from trueline.benchmarks.chaos_lab.stage_runs import Run
from trueline.benchmarks.chaos_lab.trial_journal import TrialJournal
from trueline.benchmarks.chaos_lab.trials import (
    Finding,
    Problem,
    Reference,
    Trial,
    check_fault,
    check_recovery,
    hash_files,
)
from trueline.core.runtime.params import STAGES

COMPLETED, KILLED = Run(0, "", 1.0), Run(-9, "", 1.0)
REFUSED = Run(1, "tune learner: 50%|\rcalibrate racing: the disk is full; free some space.", 1.0)
FORKED_FAULTS = ("kill -9", "full disk", "read-only outputs", "limit of file sizes", "few file descriptors")
OUTPUT = "data/predictions/racing.parquet"


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    """A project whose files are not those of a run, which is nothing to a judge."""
    project = SmallProject(tmp_path / "project", "racing")
    for name in (OUTPUT, "models/racing/calibrator.json", "data/scores/racing.parquet"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text(name)
    (project.folder / "dvc.yaml").write_text((chaos.PAGE.parents[1] / "dvc.yaml").read_text())
    return Reference(project, hash_files(project.folder), {})


def judge(reference: Reference, run: Run, damage: Callable[[Path], object]) -> set[Problem]:
    damage(reference.project.folder)
    return {finding.problem for finding in check_fault(reference.project, "calibrate", run, reference)}


@pytest.mark.parametrize("run", [COMPLETED, KILLED, REFUSED])
def test_a_run_that_changes_nothing_has_no_problem(reference: Reference, run: Run) -> None:
    assert judge(reference, run, lambda folder: None) == set()


def test_an_output_may_be_absent_after_a_kill_or_a_refusal_and_not_after_a_run_that_completed(
    reference: Reference,
) -> None:
    assert judge(reference, KILLED, lambda folder: (folder / OUTPUT).unlink()) == set()
    assert judge(reference, REFUSED, lambda folder: None) == set()
    assert judge(reference, COMPLETED, lambda folder: None) == {Problem.OTHER_BYTES}


def test_a_half_written_output_a_changed_input_and_a_file_that_is_left_are_seen(reference: Reference) -> None:
    assert judge(reference, KILLED, lambda folder: (folder / OUTPUT).write_text("half")) == {Problem.HALF_WRITTEN}
    (reference.project.folder / OUTPUT).write_text(OUTPUT)
    scores = "data/scores/racing.parquet"
    assert judge(reference, KILLED, lambda folder: (folder / scores).write_text("x")) == {Problem.EARLIER_CHANGED}
    (reference.project.folder / scores).write_text(scores)
    assert judge(reference, REFUSED, lambda folder: (folder / "data/.x.draft").touch()) == {Problem.LEFTOVER}


@pytest.mark.parametrize(
    ("messages", "exit_code", "problem"),
    [
        ("Traceback (most recent call last):\nOSError: [Errno 28]", 1, Problem.TRACEBACK),
        ("calibrate racing: Traceback (most recent call last):", 0, Problem.TRACEBACK),
        ("No space left on device", 1, Problem.UNCLEAR),
        ("", 1, Problem.UNCLEAR),
        ("calibrate racing: the disk is full; free some space.", 139, Problem.UNCLEAR),
    ],
)
def test_what_is_no_clear_sentence_is_seen(
    reference: Reference, messages: str, exit_code: int, problem: Problem
) -> None:
    assert judge(reference, Run(exit_code, messages, 1.0), lambda folder: None) == {problem}


def test_a_run_that_does_not_recover_is_seen(reference: Reference) -> None:
    failed = check_recovery(reference.project, REFUSED, reference)
    assert [finding.problem for finding in failed] == [Problem.NO_RECOVERY]
    draft = reference.project.folder / ".memory/.key.draft"
    draft.parent.mkdir()
    draft.touch()
    assert check_recovery(reference.project, COMPLETED, reference) == [Finding(Problem.LEFTOVER, ".memory/.key.draft")]


def test_stages_survive_a_short_run_of_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    chaos.main("--tasks", "racing", "--stages", "prepare", "--kills", "3", "--faults", *FORKED_FAULTS)
    lines = capsys.readouterr().out.splitlines()
    assert "3 of them killed" in lines[0]
    counts = {problem.value: f"0 × {problem.value}" for problem in Problem}
    assert [count for count in counts.values() if count not in lines[0]] == []


def test_a_stage_that_writes_in_place_and_shows_a_traceback_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make_careless_project(folder: Path, task: str) -> SmallProject:
        project = make_small_project(folder, task)
        entry = project.folder / "trueline/core/runtime/stage_entry.py"
        entry.write_text(entry.read_text().replace("sentence = explain_failure(error)", "sentence = None"))
        return project

    monkeypatch.setattr(chaos, "make_small_project", make_careless_project)
    monkeypatch.setattr(chaos, "WORKERS", 1)
    with pytest.raises(SystemExit) as raised:
        chaos.main("--tasks", "racing", "--stages", "prepare", "--faults", "limit of file sizes")
    assert raised.value.code == 1
    assert "1 × traceback" in capsys.readouterr().out.splitlines()[0]


def test_a_journal_gives_back_the_trials_of_a_case_and_of_no_other(tmp_path: Path) -> None:
    trials = [Trial("kill -9", "racing", "tune", "killed", "", (Finding(Problem.LEFTOVER, "x"),))]
    TrialJournal(tmp_path / "journal", "a case").write(trials)
    assert TrialJournal(tmp_path / "journal", "a case").trials == trials
    assert TrialJournal(tmp_path / "journal", "a case").is_done()
    assert not TrialJournal(tmp_path / "journal", "another case").is_done()
    assert json.loads((tmp_path / "journal").read_text())["case"] == "a case"


def test_every_fault_and_every_stage_is_in_the_suite_and_kills_are_many() -> None:
    options = chaos._parse_arguments(())
    assert options.kills * len(options.stages) * len(options.tasks) >= 200
    assert list(options.stages) == list(STAGES)


def test_the_table_counts_how_runs_ended() -> None:
    trials = [
        Trial("full disk", "racing", "tune", "refused", "tune racing: the disk is full."),
        Trial("full disk", "racing", "train", "completed", "", (Finding(Problem.OTHER_BYTES, "models/x"),)),
        Trial("read-only outputs", "racing", "tune", "skipped", "mount is refused"),
    ]
    table = chaos.render_trials(trials, 1)
    assert "| full disk | 1 | 1 | · | · | 1 |" in table
    assert "| read-only outputs | · | · | · | 1 | · |" in table
    assert "- full disk, train of racing: other bytes, models/x" in table
    assert "- full disk: `tune racing: the disk is full.`" in table
