"""The ledger: every evaluation is recorded once, even after a kill, and wrong data make all their results void."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.experiments.ledger import append_only_file, ledger
from trueline.experiments.ledger.append_only_file import LEDGER_FILE


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props, and two experiments."""
    base = git_fixtures.start(tmp_path, dict(git_fixtures.made(0.5, tag="base")))
    git_fixtures.experiments(tmp_path, base, {"one": git_fixtures.made(0.52), "two": git_fixtures.made(0.54)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def head(folder: Path) -> str:
    return git_fixtures.git(folder, "rev-parse", "HEAD").strip()


def test_experiments_and_the_branchs_commits_are_evaluations_and_asking_again_adds_none(world: Path) -> None:
    ledger.update_ledger()
    first = LEDGER_FILE.read_bytes()
    lines = [json.loads(line) for line in first.splitlines()]
    assert sorted(str(entry["experiment"]) for entry in lines if entry["task"] == "props") == ["None", "one", "two"]
    ledger.update_ledger()
    assert LEDGER_FILE.read_bytes() == first


def test_a_reader_sees_what_the_ledger_would_hold_and_writes_nothing_that_git_sees(world: Path) -> None:
    git_fixtures.commit(world, "an older ledger", {str(LEDGER_FILE): ""})
    seen = ledger.observe_evaluations()
    assert git_fixtures.git(world, "status", "--porcelain") == ""
    assert ledger.observe_evaluations() == seen
    assert seen == ledger.update_ledger()
    assert len(LEDGER_FILE.read_text().splitlines()) == len(seen) == 3


def test_a_torn_line_is_left_to_the_next_writer(world: Path) -> None:
    seen = ledger.update_ledger()
    LEDGER_FILE.write_bytes(LEDGER_FILE.read_bytes()[:-20])
    torn = LEDGER_FILE.read_bytes()
    observed = ledger.observe_evaluations()
    assert len(observed) == len(seen)
    assert all(line in observed for line in seen)
    assert LEDGER_FILE.read_bytes() == torn


def test_what_was_only_looked_at_and_then_removed_is_recorded_by_the_next_writer(world: Path) -> None:
    ledger.observe_evaluations()
    git_fixtures.git(world, "update-ref", "-d", git_fixtures.ref(head(world), "two"))
    assert not LEDGER_FILE.exists()
    ledger.update_ledger()
    assert "two" in [line["experiment"] for line in append_only_file.read_ledger()]


def test_the_branch_is_read_again_where_the_local_copy_is_lost(world: Path) -> None:
    seen = ledger.observe_evaluations()
    append_only_file.BACKUP_FILE.unlink()
    assert ledger.observe_evaluations() == seen


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_nothing_can_be_written_reading_works_all_the_same(world: Path) -> None:
    seen = ledger.observe_evaluations()
    for folder in (world / ".dvc/tmp", world):
        folder.chmod(0o555)
    try:
        assert ledger.observe_evaluations() == seen
    finally:
        for folder in (world, world / ".dvc/tmp"):
            folder.chmod(0o755)


def test_an_evaluation_says_what_was_looked_at_and_nothing_dated(world: Path) -> None:
    entry = next(line for line in ledger.update_ledger() if line["experiment"] == "two" and line["task"] == "props")
    assert entry["rows"] == git_fixtures.ROWS
    assert (entry["data"], entry["predictions"]) == (git_fixtures.md5("d"), git_fixtures.md5("0.54"))
    assert entry["metrics"]["hit_rate"] == 0.54
    assert (entry["seed"], entry["dirty"], len(entry["params"])) == (1, False, 32)
    assert not {"time", "date", "created", "at"} & entry.keys()


def test_code_that_was_not_committed_makes_an_evaluation_dirty_and_a_changed_parameter_does_not(world: Path) -> None:
    edited = git_fixtures.named({**git_fixtures.made(0.6), "core/a.py": "edited"}, predictions="0.6", code="edited")
    git_fixtures.experiments(
        world, head(world), {"edited": edited, "tuned": git_fixtures.made(0.61, train__props__depth=9)}, first=9
    )
    dirty = {line["experiment"]: line["dirty"] for line in ledger.update_ledger()}
    assert (dirty["edited"], dirty["tuned"]) == (True, False)


def test_identical_predictions_count_once_and_other_rows_are_another_test(world: Path) -> None:
    many = {"copy": git_fixtures.made(0.52), "other": git_fixtures.made(0.58, rows="b" * 32)}
    git_fixtures.experiments(world, head(world), many, first=5)
    ledger.update_ledger()
    counts = ledger.count_evaluations("props", git_fixtures.ROWS)
    assert counts == ledger.EvaluationCounts(total=4, distinct=3, overlapping=4)  # "other" has other rows of these days
    assert ledger.count_distinct_evaluations("props", git_fixtures.ROWS) == 3
    assert ledger.count_distinct_evaluations("props", "b" * 32) == 1
    assert ledger.count_distinct_evaluations("racing", git_fixtures.ROWS) == 0


def test_another_figure_of_the_same_predictions_is_another_look(world: Path) -> None:
    another_edge = git_fixtures.made(0.61, tag="0.52")
    git_fixtures.experiments(world, head(world), {"edge": another_edge, "again": another_edge}, first=5)
    lines = ledger.update_ledger()
    assert len({line["predictions"] for line in lines if line["task"] == "props"}) == 3
    counts = ledger.count_evaluations("props", git_fixtures.ROWS)
    assert counts == ledger.EvaluationCounts(total=5, distinct=4, overlapping=4)


def test_a_report_that_does_not_name_its_rows_counts_where_its_data_and_folds_do(world: Path) -> None:
    old = {"old": git_fixtures.made(0.51, rows=None), "elsewhere": git_fixtures.made(0.53, rows=None)}
    old["elsewhere"] = {**old["elsewhere"], "dvc.lock": git_fixtures.lock(prepared="other", predictions="x")}
    git_fixtures.experiments(world, head(world), old, first=5)
    ledger.update_ledger()
    assert ledger.count_evaluations("props", git_fixtures.ROWS).total == 4


def test_a_commit_of_an_applied_experiment_is_no_further_look(world: Path) -> None:
    ledger.update_ledger()
    before = LEDGER_FILE.read_bytes()
    git_fixtures.commit(
        world, "take two", {path: text for path, text in git_fixtures.made(0.54).items() if path != "params.yaml"}
    )
    ledger.update_ledger()
    assert LEDGER_FILE.read_bytes() == before
    git_fixtures.commit(
        world, "retrain", {path: text for path, text in git_fixtures.made(0.7).items() if path != "params.yaml"}
    )
    assert len(ledger.update_ledger()) == len(before.splitlines()) + 1


def test_the_workspace_is_an_evaluation_once_its_metrics_are_those_of_its_lock(world: Path) -> None:
    before = len(ledger.update_ledger())
    made = git_fixtures.made(0.66)
    (world / "metrics/props/scores.json").write_text(str(made["metrics/props/scores.json"]))
    assert len(ledger.update_ledger()) == before  # half way through a run
    lock = git_fixtures.lock(predictions="new", code="edited")
    for name in ("scores", "report"):
        path = f"metrics/props/{name}.json"
        md5 = hashlib.md5((world / path).read_bytes()).hexdigest()
        lock += f"  {name}@props:\n    outs:\n    - path: {path}\n      md5: {md5}\n"  # of a path the last counts
    (world / "dvc.lock").write_text(lock)
    entry = ledger.update_ledger()[-1]
    assert (entry["experiment"], entry["dirty"], entry["rev"]) == ("workspace", True, head(world))
    assert entry["metrics"]["hit_rate"] == 0.66


def test_a_commit_that_is_reproduced_elsewhere_with_other_last_digits_is_no_new_look(world: Path) -> None:
    before = len(ledger.update_ledger())
    made = git_fixtures.made(0.5001, tag="of another processor")
    for path in ("metrics/props/scores.json", "metrics/props/report.json", "dvc.lock"):
        (world / path).write_text(str(made[path]))
    assert len(ledger.update_ledger()) == before
    (world / "dvc.lock").write_text(str(git_fixtures.made(0.5001, tag="x", folds__props__test_days=7)["dvc.lock"]))
    assert len(ledger.update_ledger()) == before + 1, "other parameters are another try"


def test_lines_that_a_checkout_took_away_come_back(world: Path) -> None:
    ledger.update_ledger()
    lines = set(LEDGER_FILE.read_text().splitlines())
    for ref in git_fixtures.git(world, "for-each-ref", "--format=%(refname)", "refs/exps").split():
        git_fixtures.git(world, "update-ref", "-d", ref)
    LEDGER_FILE.unlink()
    ledger.update_ledger()
    assert set(LEDGER_FILE.read_text().splitlines()) == lines


def test_what_is_committed_counts_in_a_clone_that_never_saw_the_experiments(
    world: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.update_ledger()
    git_fixtures.commit(world, "keep the ledger", {str(LEDGER_FILE): LEDGER_FILE.read_text()})
    clone = tmp_path_factory.mktemp("clone") / "repository"
    git_fixtures.git(world, "clone", "--quiet", str(world), str(clone))
    monkeypatch.chdir(clone)
    LEDGER_FILE.write_text("")
    ledger.update_ledger()
    assert ledger.count_distinct_evaluations("props", git_fixtures.ROWS) == 3


@pytest.mark.parametrize("left", [1, 20, 200])
def test_a_torn_last_line_is_mended(world: Path, left: int) -> None:
    ledger.update_ledger()
    whole = LEDGER_FILE.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    LEDGER_FILE.write_bytes(whole[: last + left])
    assert len(append_only_file.read_ledger()) == len(whole.splitlines()) - 1
    ledger.update_ledger()
    assert sorted(LEDGER_FILE.read_bytes().splitlines()) == sorted(whole.splitlines())
    LEDGER_FILE.write_bytes(whole[:-1])  # only the newline is lost
    ledger.update_ledger()
    assert LEDGER_FILE.read_bytes() == whole


def test_the_marks_of_a_merge_are_rejected_by_line(world: Path) -> None:
    ledger.update_ledger()
    LEDGER_FILE.write_text("<<<<<<< HEAD\n" + LEDGER_FILE.read_text())
    with pytest.raises(UserError, match="line 1 is not JSON"):
        ledger.update_ledger()


@pytest.mark.parametrize("line", ["5", "null", "{}", '{"kind": "look"}', '{"kind": "invalidation", "hash": 5}'])
def test_a_line_that_is_no_evaluation_is_rejected_by_its_number(world: Path, line: str) -> None:
    ledger.update_ledger()
    LEDGER_FILE.write_text(LEDGER_FILE.read_text() + line + "\n")
    with pytest.raises(
        UserError, match=r"^experiments/ledger\.jsonl: line 4 is neither an evaluation nor an invalidation"
    ):
        ledger.update_ledger()


def test_a_bad_line_that_is_committed_is_told_from_one_that_is_not(world: Path) -> None:
    ledger.update_ledger()
    git_fixtures.commit(world, "keep", {str(LEDGER_FILE): "null\n"})
    LEDGER_FILE.unlink()
    with pytest.raises(UserError, match=r"^experiments/ledger\.jsonl of HEAD: line 1 is neither an evaluation"):
        ledger.read_all_lines()


def test_a_folder_in_the_place_of_the_ledger_or_its_copy_is_rejected(world: Path) -> None:
    ledger.update_ledger()
    for path in (LEDGER_FILE, append_only_file.BACKUP_FILE):
        path.rename(path.with_suffix(".kept"))
        path.mkdir()
        for read in (ledger.update_ledger, ledger.read_all_lines):
            with pytest.raises(UserError, match=f"^{path} is a folder, but must be a file of JSON lines"):
                read()
        path.rmdir()
        path.with_suffix(".kept").rename(path)


def test_a_bad_line_of_the_copy_is_passed_over(world: Path) -> None:
    lines = ledger.update_ledger()
    append_only_file.BACKUP_FILE.write_text(
        "<<<<<<< HEAD\nnull\n" + append_only_file.BACKUP_FILE.read_text() + '{"kind": "lo'
    )
    LEDGER_FILE.unlink()
    assert ledger.update_ledger() == lines


def test_a_test_period_that_is_shifted_by_days_does_not_start_the_count_anew(world: Path) -> None:
    ledger.update_ledger()
    lines = ledger.read_all_lines()
    shifted = {"hash": "b" * 32, "from": "2024-01-02", "to": "2024-03-02"}
    assert ledger.count_distinct_evaluations("props", "b" * 32, lines) == 0
    assert ledger.count_overlapping_evaluations("props", [shifted], lines) == 3
    assert ledger.count_overlapping_evaluations("racing", [shifted], lines) == 0
    assert ledger.count_overlapping_evaluations("props", [shifted, {"hash": git_fixtures.ROWS}], lines) == 3, (
        "each prediction counts once"
    )
    assert ledger.count_overlapping_evaluations("props", [shifted | {"from": "2024-03-01"}], lines) == 3, (
        "the last day is in both"
    )
    assert ledger.count_overlapping_evaluations("props", [shifted | {"from": "2024-03-02"}], lines) == 0
    assert ledger.count_overlapping_evaluations("props", [shifted | {"from": None, "to": None}], lines) == 0


def test_rows_without_a_clock_overlap_no_others(world: Path) -> None:
    undated = {"hash": "b" * 32, "from": "1970-01-01", "to": "1970-01-01"}
    evaluation = next(line for line in ledger.update_ledger() if line["task"] == "props")
    lines = [evaluation | {"rows": rows, "from": "1970-01-01", "to": "1970-01-01"} for rows in ("c" * 32, "b" * 32)]
    assert ledger.count_overlapping_evaluations("props", [undated], lines) == 1


def test_two_who_ask_at_once_write_every_evaluation_once(world: Path) -> None:
    many = {f"exp-{number}": git_fixtures.made(0.4 + number / 1000) for number in range(30)}
    git_fixtures.experiments(world, head(world), many, first=3)
    root = str(Path(append_only_file.__file__).parents[3])
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {root!r}); "
        "from trueline.experiments.ledger import ledger; ledger.update_ledger()",
    ]
    processes = [subprocess.Popen(command, cwd=world) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    lines = LEDGER_FILE.read_text().splitlines()
    assert len(lines) == len(set(lines))
    assert ledger.count_evaluations("props", git_fixtures.ROWS).total == 33


def test_who_waits_for_the_ledger_says_so_and_ends_quietly_at_ctrl_c(world: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(append_only_file.__file__).parents[3])}
    command = [sys.executable, "-m", "trueline.experiments", "note", "one", "it learned"]
    with (
        append_only_file.lock_ledger(),
        subprocess.Popen(command, cwd=world, env=environment, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("ledger: another run is writing the same outputs; waiting")
            process.send_signal(signal.SIGINT)
            assert (process.wait(timeout=60), process.stderr.read()) == (130, "")
        finally:
            process.kill()  # one that ignores the signal, as in a shell's background, would wait for the lock forever


def test_wrong_data_void_every_experiment_made_from_them_and_no_other(world: Path) -> None:
    other = {**git_fixtures.made(0.6), "dvc.lock": git_fixtures.lock(prepared="new", source="mended", predictions="z")}
    revs = git_fixtures.experiments(world, head(world), {"mended": other}, first=7)
    marked = ledger.invalidate_data(git_fixtures.md5("s")[:10], "lines of another bookmaker")
    assert sorted(experiment.name for experiment in marked) == ["one", "two"]
    assert ledger.find_invalidation_reason(head(world)) == "lines of another bookmaker"
    assert ledger.find_invalidation_reason(revs["mended"]) is None
    assert ledger.find_invalidation_reason(head(world), "racing") is None
    later = git_fixtures.experiments(world, head(world), {"later": git_fixtures.made(0.9)}, first=8)["later"]
    assert ledger.find_invalidation_reason(later) == "lines of another bookmaker"


def test_evaluations_of_commits_at_wrong_data_are_void_too(world: Path) -> None:
    ledger.invalidate_data(git_fixtures.md5("s"), "stale odds")
    assert ledger.find_invalidations([])[head(world)] == {"props": "stale odds"}


def test_an_invalidation_that_a_checkout_took_away_still_holds(world: Path) -> None:
    ledger.invalidate_data(git_fixtures.md5("s"), "stale odds")
    LEDGER_FILE.unlink()
    assert ledger.find_invalidation_reason(head(world)) == "stale odds"


def test_a_hash_that_no_lock_names_a_short_one_and_an_empty_reason_are_rejected(world: Path) -> None:
    with pytest.raises(UserError, match=r"is in no dvc\.lock"):
        ledger.invalidate_data("0123456789", "why not")
    with pytest.raises(UserError, match="too short"):
        ledger.invalidate_data(git_fixtures.md5("s")[:5], "why not")
    with pytest.raises(UserError, match="needs a reason"):
        ledger.invalidate_data(git_fixtures.md5("s"), " ")
