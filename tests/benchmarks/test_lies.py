"""The lies of the laboratory are really planted and really run, and the benchmark counts them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline_copy import ROOT
from trueline.benchmarks import lies as benchmark
from trueline.benchmarks.fault_lab.planted_lies import RAW_LIES
from trueline.benchmarks.lie_lab.result_journal import Case, Result, ResultJournal
from trueline.benchmarks.lie_lab.scratch_project import Outcome, ScratchProject, make_scratch_project
from trueline.core.errors import UserError

SEED = benchmark.FIRST_SEED


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ScratchProject:
    """A scratch project of a racing world."""
    return make_scratch_project(tmp_path_factory.mktemp("lies"), "racing", SEED)


def make_result(
    lie: str | None, believable: str, headline: float, seed: int = 1, named: tuple[str, ...] = ()
) -> Result:
    if believable == "refused":
        outcome = Outcome("prepare racing: the rows contradict each other.", believable)
    else:
        outcome = Outcome(None, believable, named, headline, highest=headline + 0.05)
    return Result(Case(lie, "racing", 0.0 if lie is None else 0.5, seed), outcome)


def test_a_world_of_a_seed_is_the_same_each_time_and_that_of_another_is_not(
    project: ScratchProject, tmp_path: Path
) -> None:
    again = make_scratch_project(tmp_path / "again", "racing", SEED)
    other = make_scratch_project(tmp_path / "other", "racing", SEED + 1)
    runners = project.read_raw_tables()["runners"]
    pd.testing.assert_frame_equal(runners, again.read_raw_tables()["runners"])
    assert not runners.equals(other.read_raw_tables()["runners"])


def test_a_features_plugin_that_opens_the_result_is_refused_in_a_sentence_that_names_plugin_and_file(
    tmp_path: Path,
) -> None:
    lie = next(
        lie for lie in benchmark.list_lies() if lie.task == "racing" and lie.name.startswith("a features plugin")
    )
    project = make_scratch_project(tmp_path, "racing", SEED)
    assert project.run(until="prepare") is None
    lie.plant(project, 1.0, SEED)
    refusal = project.run(since=lie.since, until="features")
    assert refusal is not None
    assert refusal.startswith("features racing: ")
    assert "racing" in refusal
    assert "data/prepared/racing.parquet" in refusal


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ScratchProject:
    """A scratch project of a racing world whose stages ran until train."""
    project = make_scratch_project(tmp_path_factory.mktemp("trained"), "racing", SEED)
    assert project.run(until="train") is None
    return project


@pytest.mark.parametrize(
    "name", ["oversampling before the split", "learners fitted on score rows", "calibrators fitted on score rows"]
)
def test_code_that_sees_score_rows_runs_and_is_found_by_the_audit_of_its_stage(
    trained: ScratchProject, name: str, tmp_path: Path
) -> None:
    project = trained.copy_to(tmp_path / "planted")
    lie = next(lie for lie in benchmark.list_lies() if (lie.task, lie.name) == ("racing", name))
    lie.plant(project, 1.0, SEED)
    assert project.run(since=lie.since, until=lie.since) is None
    audit = json.loads((project.folder / f"metrics/racing/score_audit/{lie.since}.json").read_text())
    assert any(fold["differing"] for fold in audit["folds"])


def test_appended_code_stands_before_what_a_stage_does_as_a_program(project: ScratchProject, tmp_path: Path) -> None:
    copy = make_scratch_project(tmp_path, "racing", SEED)
    copy.append_code("stages/train/__main__.py", "PLANTED = True\n")
    code = (tmp_path / "stages/train/__main__.py").read_text()
    assert code.index("PLANTED") < code.index('if __name__ == "__main__":')
    assert code.replace("\n\nPLANTED = True\n\n", "") == (ROOT / "stages/train/__main__.py").read_text()


def test_every_lie_changes_what_it_is_planted_in(project: ScratchProject) -> None:
    for name, change in RAW_LIES["racing"].items():
        tables = project.read_raw_tables()
        assert not change(tables, 1.0, SEED)["runners"].equals(tables["runners"]), name
        pd.testing.assert_frame_equal(change(tables, 0.0, SEED)["runners"][["race_id"]], tables["runners"][["race_id"]])


def test_a_lie_is_missed_only_if_the_word_is_yes() -> None:
    results = [
        make_result(None, "yes", 0.10),
        make_result(None, "yes", 0.20, seed=2),
        make_result("a lie", "no", 0.30, named=("too_good",)),
        make_result("a lie", "yes", 0.40, seed=2),
    ]
    table = benchmark.render_results(results)
    assert "| racing | a lie | 0.5 | 2 | r2 **0.150 → 0.350** | 1 | · | · | 1 | too_good |" in table
    summary = " ".join(table.split())
    assert "2 moved the headline above its interval (in bold), and 1 of these were caught; of the 0 that" in summary
    assert "Kinds that were not run: racing: closing price under another name; " in summary
    assert "| racing | 2 | · | · | · | – |" in table


def test_a_refused_run_is_caught_and_has_no_headline() -> None:
    results = [make_result(None, "doubtful", 0.10, named=("intake",)), make_result("a lie", "refused", 0.0)]
    table = benchmark.render_results(results)
    assert "| racing | a lie | 0.5 | 1 | r2 0.100 → none | · | · | 1 | · | – |" in table
    assert "1 runs were refused. Of the others 0 moved the headline" in " ".join(table.split())
    assert "| racing | · | 1 | · | · | intake |" in table


def test_each_lie_is_planted_at_three_strengths_in_worlds_that_are_also_run_honestly() -> None:
    options = benchmark._parse_arguments(("--seeds", "2", "--honest", "3", "--tasks", "racing", "props"))
    worlds = benchmark.make_worlds(options)
    assert len(worlds) == 6
    planted = [case for world in worlds for case in world.planted]
    assert {(case.task, case.seed) for case in planted} == {(world.task, world.seed) for world in worlds[:4]}
    assert all(len(lie.strengths) == 3 for lie in benchmark.list_lies())
    assert len({(lie.name, lie.task) for lie in benchmark.list_lies()}) == len(benchmark.list_lies())
    assert len(planted) == 2 * 3 * sum(lie.task != "events" for lie in benchmark.list_lies())
    assert [world.list_cases()[0] for world in worlds] == [
        Case(None, task, 0.0, SEED + number) for number in range(3) for task in ("racing", "props")
    ]


def test_only_the_strengths_that_are_asked_for_are_planted() -> None:
    options = benchmark._parse_arguments(("--seeds", "1", "--honest", "2", "--strengths", "0.1", "0.03"))
    planted = [case for world in benchmark.make_worlds(options) for case in world.planted]
    assert {case.strength for case in planted} == {0.1, 0.03}
    assert {case.lie for case in planted} == {lie.name for lie in benchmark.list_lies()}


def test_a_run_goes_on_where_it_was_killed_and_a_torn_line_is_run_again(tmp_path: Path) -> None:
    journal = ResultJournal(tmp_path / "results.jsonl")
    honest, planted = make_result(None, "yes", 0.1), make_result("a lie", "no", 0.3, named=("too_good",))
    journal.append(honest)
    journal.append(planted)
    assert journal.read_results() == {honest.case: honest, planted.case: planted}
    journal.file.write_text(journal.file.read_text()[:-5])
    assert journal.read_results() == {honest.case: honest}
    benchmark.run_world(benchmark.World("racing", 1, ()), journal, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]  # no world was made


def test_a_stage_that_refuses_is_told_from_one_that_crashes(project: ScratchProject) -> None:
    refused = project.read_outcome("features racing: features.racing reads the file data/prepared/racing.parquet")
    assert (refused.believable, refused.named_by) == ("refused", ("features refuses",))
    crashed = project.read_outcome("KeyError: 'won'")
    assert (crashed.believable, crashed.named_by) == ("crashed", ())
    case = Case("a lie", "racing", 0.1, SEED)
    assert Result(case, refused).is_caught
    assert not Result(case, crashed).is_caught


def test_a_run_that_crashed_is_not_counted_but_ends_the_benchmark_and_is_run_again(tmp_path: Path) -> None:
    lie = next(lie for lie in benchmark.list_lies() if lie.task == "racing")
    journal = ResultJournal(tmp_path / "results.jsonl")
    journal.append(Result(Case(None, "racing", 0.0, SEED), Outcome(None, "yes", (), 0.1, 0.15)))
    journal.append(Result(Case(lie.name, "racing", 0.1, SEED), Outcome("KeyError: 'won'", "crashed")))
    page = benchmark.PAGE.read_bytes()
    with pytest.raises(UserError, match=rf"1 runs crashed \(racing: {lie.name}; the first with .*KeyError: 'won'"):
        benchmark.main("--journal", str(journal.file), "--only-journal", "--write")
    assert benchmark.PAGE.read_bytes() == page


def test_a_journal_that_is_not_complete_is_counted_without_running_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = ResultJournal(tmp_path / "results.jsonl")
    lie = next(lie for lie in benchmark.list_lies() if lie.task == "racing")
    for case, word in [
        (Case(None, "racing", 0.0, SEED), "yes"),
        (Case(lie.name, "racing", lie.strengths[0], SEED), "no"),
    ]:
        journal.append(Result(case, Outcome(None, word, (), 0.1, 0.15)))
    benchmark.main("--journal", str(journal.file), "--only-journal")
    table = capsys.readouterr().out
    assert table.startswith("Run: 1 cases of 1 of ")
    assert f"| racing | {lie.name} | 0.1 | 1 | r2 0.100 → 0.100 | 1 | · | · | · | – |" in table


def test_a_journal_that_is_not_there_cannot_be_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main("--journal", str(tmp_path / "none.jsonl"), "--only-journal")
    assert "none.jsonl is none; name one." in capsys.readouterr().err
