"""The registry: ranks only comparable experiments, reports ties, deducts luck, and is fast with two hundred."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.experiments import git_fixtures
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.experiments import __main__ as entry_point
from trueline.experiments.cli import table_layout
from trueline.experiments.decisions import promotion, run_comparison
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger.append_only_file import LEDGER_FILE
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import METRICS, get_metric


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    git_fixtures.start(tmp_path, dict(git_fixtures.made(0.5, tag="base")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(folder: Path, **many: git_fixtures.Files) -> None:
    """Make experiments from the last commit."""
    add_all(folder, many)


def add_all(folder: Path, many: Mapping[str, git_fixtures.Files], first: int = 1) -> None:
    """Make experiments with arbitrary names, later than the first `first` − 1."""
    git_fixtures.experiments(folder, git_fixtures.git(folder, "rev-parse", "HEAD").strip(), many, first)


def fake_comparison(monkeypatch: pytest.MonkeyPatch, low: float, high: float) -> list[tuple[str, str]]:
    """Make every paired comparison return this interval; return a list that collects the pairs compared."""
    pairs = []

    def verdict(task: str, one: Any, other: Any, common: bool = False, fetch: bool = True) -> dict[str, Any]:
        pairs.append((one.name, other.name))
        metric = get_metric("hit_rate")
        difference = {"metric": "hit_rate", "of": "hit_rate", "difference": (low + high) / 2, "low": low, "high": high}
        return {"metrics": [difference | {"verdict": metric.get_verdict(low, high)}]}

    monkeypatch.setattr(run_comparison, "compare_runs", verdict)
    return pairs


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Return the output of a command."""
    monkeypatch.setattr(sys, "argv", ["experiments", *words])
    entry_point.main()
    return capsys.readouterr().out


def names(experiments: Any) -> list[str]:
    return [experiment.name for experiment in experiments]


def test_the_best_is_beyond_noise_only_where_the_pair_says_so(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, one=git_fixtures.made(0.52), two=git_fixtures.made(0.56), three=git_fixtures.made(0.54))
    pairs = fake_comparison(monkeypatch, -0.01, 0.03)
    best = Registry().best(metric="hit_rate")
    assert (best.experiment.name, best.tie) == ("two", True)
    assert best.why.startswith("a tie within noise with three")
    fake_comparison(monkeypatch, 0.01, 0.03)
    assert Registry().best("hit_rate").tie is False
    head = git_fixtures.git(world, "rev-parse", "HEAD")[:7]
    assert pairs == [("two", "three"), ("two", f"HEAD ({head})")]


def test_the_best_is_also_compared_with_what_is_committed(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, one=git_fixtures.made(0.52), copy=git_fixtures.made(0.5, tag="base"))
    fake_comparison(monkeypatch, -0.01, 0.03)
    committed = Registry().best("hit_rate").committed
    assert committed is not None
    assert committed.startswith("a tie within noise with HEAD (")
    git_fixtures.git(
        world, "update-ref", "-d", git_fixtures.ref(git_fixtures.git(world, "rev-parse", "HEAD").strip(), "one")
    )
    assert Registry().best("hit_rate").committed is None, "the same predictions"


def test_the_runner_up_is_the_next_with_predictions_of_its_own(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(
        world,
        one=git_fixtures.made(0.52),
        two=git_fixtures.made(0.56, tag="same"),
        copy=git_fixtures.made(0.56, tag="same"),
    )
    assert fake_comparison(monkeypatch, 0.01, 0.03) == []
    best = Registry().best("hit_rate")
    assert best.runner_up is not None
    assert best.runner_up.name == "one"


@pytest.mark.parametrize("words", ["list", "show two", "best", "leaderboard", "compare two one", "history"])
def test_reading_changes_nothing_that_git_sees(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    git_fixtures.commit(world, "a ledger", {str(LEDGER_FILE): ""})
    add(world, one=git_fixtures.made(0.52), two=git_fixtures.made(0.56))
    with contextlib.suppress(UserError):  # these predictions are in no cache
        run(capsys, monkeypatch, *words.split())
    assert git_fixtures.git(world, "status", "--porcelain", "--untracked-files=no") == ""


def test_a_swept_parameter_is_a_column_and_filters(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(
        world,
        flat=git_fixtures.made(0.52, train__props__depth=2),
        deep=git_fixtures.made(0.56, train__props__depth=7),
        weekly=git_fixtures.made(0.54, folds__props__test_days=7),
    )
    fake_comparison(monkeypatch, -0.01, 0.03)
    for command in ("best", "leaderboard"):
        lines = run(capsys, monkeypatch, command).splitlines()
        head = next(line for line in lines if "status" in line)
        assert {"depth", "test_days"} <= set(head.split())
        deep = next(line for line in lines if "deep " in line and "completed" in line)
        assert [word for word in deep.split() if word in ("7", "28")] == ["7", "28"]
    listed = run(capsys, monkeypatch, "list", "--where", "depth > 2 and hit_rate > 0.5")
    assert [line.split()[0] for line in listed.splitlines() if "completed" in line] == ["weekly", "deep"]
    assert "depth=7" in listed
    assert "test_days=7" in listed
    assert Registry().best(where="depth < 3").experiment.name == "flat"


def test_a_conclusion_is_kept_with_the_experiment_and_what_lacks_one_is_open(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(world, one=git_fixtures.made(0.52), two=git_fixtures.made(0.56))
    assert names(Registry().list(is_open=True)) == ["two", "one"]
    with pytest.raises(UserError, match="a note needs a text or a tag"):
        run(capsys, monkeypatch, "note", "one", " ")
    run(capsys, monkeypatch, "note", "one", "deeper trees\nadd nothing", "--tag", "settled")
    run(capsys, monkeypatch, "note", "one", "--tag", "cheap")
    assert names(Registry().list(is_open=True)) == ["two"]
    assert names(Registry().list(tag="settled")) == names(Registry().list(tag="cheap")) == ["one"]
    shown = run(capsys, monkeypatch, "show", "one")
    assert "deeper trees add nothing" in shown
    assert "by:           tester" in shown
    assert "deeper trees add nothing" in run(capsys, monkeypatch, "list", "--tag", "cheap")
    assert len(run(capsys, monkeypatch, "best")) > 0, "lines of notes are no evaluations"
    git_fixtures.commit(world, "keep", {str(LEDGER_FILE): LEDGER_FILE.read_text()})
    git_fixtures.git(world, "clone", "--quiet", "--mirror", ".", str(tmp_path / "mirror/.git"))
    git_fixtures.git(tmp_path / "mirror", "config", "core.bare", "false")
    git_fixtures.git(tmp_path / "mirror", "reset", "--quiet", "--hard")
    monkeypatch.chdir(tmp_path / "mirror")
    assert Registry().list(tag="cheap")[0].conclusion == "deeper trees add nothing"


def test_less_is_better_for_an_error(world: Path) -> None:
    small, large = dict(git_fixtures.made(0.5, tag="a")), dict(git_fixtures.made(0.5, tag="b"))
    for files, mae in ((small, 4.0), (large, 6.0)):
        scores = json.loads(str(files["metrics/props/scores.json"]))
        scores["props"]["mae"] = mae
        files |= git_fixtures.named({**files, "metrics/props/scores.json": json.dumps(scores)}, predictions=str(mae))
    add(world, large=large, small=small)
    assert names(Registry().rank_experiments(RankingQuery("mae")).ranked) == ["small", "large"]
    assert [name for name, metric in METRICS.items() if not metric.more_is_better] == ["mae", "log_loss"]


def test_only_experiments_on_the_same_rows_are_ranked_and_the_others_named(world: Path) -> None:
    add(
        world,
        one=git_fixtures.made(0.52),
        two=git_fixtures.made(0.54),
        lucky=git_fixtures.made(0.9, rows="b" * 32),
        unknown=git_fixtures.made(0.8, rows=None),
    )
    best = Registry().best("hit_rate")
    assert names(best.ranking.ranked) == ["two", "one"]
    assert sorted(names(best.ranking.on_other_rows)) == ["lucky", "unknown"]


def test_of_equally_common_test_rows_the_newest_count(world: Path) -> None:
    add(world, old=git_fixtures.made(0.9), new=git_fixtures.made(0.5, rows="b" * 32))
    assert Registry().best().experiment.name == "new"


def test_failed_and_invalidated_rows_are_never_the_best(world: Path) -> None:
    wrong = {
        **git_fixtures.made(0.9, tag="w"),
        "dvc.lock": git_fixtures.lock(source="wrong", prepared="wrong", predictions="w"),
    }
    add(world, one=git_fixtures.made(0.52), wrong=wrong, empty={"metrics/props/scores.json": None})
    Registry().invalidate_data(git_fixtures.md5("wrong"), "outcomes of another season")
    best = Registry().best("hit_rate")
    assert best.experiment.name == "one"
    assert best.ranking.invalidated == {"wrong": "outcomes of another season"}


def test_the_best_is_looked_for_among_those_that_are_asked_for(world: Path) -> None:
    kinds: dict[str, Any] = {
        f"experiment__{key}": value for key, value in {"type": "ablation", "tags": ["cheap"]}.items()
    }
    few = git_fixtures.named({**git_fixtures.made(0.9), **git_fixtures.results(0.9, bets=5)}, predictions="few")
    add(world, few=few, other=git_fixtures.made(0.6), own=git_fixtures.made(0.55, **kinds))
    registry = Registry()
    assert registry.best("hit_rate").experiment.name == "few"
    assert registry.best("hit_rate", min_n=100).experiment.name == "other"
    assert names(registry.best("hit_rate", min_n=100).ranking.too_few) == ["few"]
    assert registry.best("hit_rate", kind="ablation").experiment.name == "own"
    assert registry.best("hit_rate", tag="cheap").experiment.name == "own"
    third = datetime.fromtimestamp(git_fixtures.START + 3 * 3600, UTC)
    assert registry.best("hit_rate", since=third).experiment.name == "own"


def test_what_cannot_be_ranked_is_rejected_in_one_sentence(world: Path) -> None:
    with pytest.raises(UserError, match="no finished experiment that matches has a hit_rate"):
        Registry().best("hit_rate")
    add(world, one=git_fixtures.made(0.5))
    with pytest.raises(UserError, match=r"'hitrate' is not a metric to rank by; did you mean 'hit_rate'"):
        Registry().best("hitrate")
    with pytest.raises(UserError, match="'bets' is not a metric to rank by"):
        Registry().best("bets")
    with pytest.raises(UserError, match="'done' is not a status of experiments"):
        Registry().list(status="done")


def test_the_more_evaluations_the_less_is_left_of_the_best(world: Path) -> None:
    add(world, one=git_fixtures.made(0.55))
    first = Registry().best("hit_rate").deflated
    add_all(world, {f"try-{number}": git_fixtures.made(0.501 + number / 1000) for number in range(20)}, first=2)
    later = Registry().best("hit_rate")
    assert first is not None
    assert later.deflated is not None
    assert (later.value, later.evaluations.distinct) == (0.55, 22)  # with the branch's own
    assert later.deflated < first < 0.55 + 1e-9
    assert Registry().list_test_periods()[0]["deflated"] == later.deflated


def test_experiments_are_listed_newest_first_by_status_task_type_tag_and_number(world: Path) -> None:
    add(
        world,
        one=git_fixtures.made(0.5, train__props__depth=9, experiment__type="ablation"),
        two=git_fixtures.made(0.6, train__racing__ridge=9.0, experiment__tags=["cheap"]),
    )
    registry = Registry()
    assert names(registry.list()) == ["two", "one"]
    assert names(registry.list(status="completed", limit=1)) == ["two"]
    assert names(registry.list(status="failed")) == []
    assert names(registry.list(task="props")) == ["one"]
    assert names(registry.list(kind="ablation")) == ["one"]
    assert names(registry.list(tag="cheap")) == ["two"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"task": "prop"}, "there is no task 'prop'; did you mean 'props'?"),
        ({"kind": "ablaton"}, "there is no type 'ablaton'; did you mean 'ablation'?"),
        ({"limit": 0}, "the limit is 0; give 1 or more"),
        ({"limit": -1}, "the limit is -1; give 1 or more"),
    ],
)
def test_a_slip_in_what_is_listed_is_rejected(world: Path, query: dict[str, Any], message: str) -> None:
    add(world, one=git_fixtures.made(0.52, experiment__type="of-our-own", train__props__depth=9))
    with pytest.raises(UserError) as error_info:
        Registry().list(**query)
    assert str(error_info.value).startswith(message)
    assert names(Registry().list(task="racing")) == names(Registry().list(kind="tier_based")) == []
    assert names(Registry().list(kind="of-our-own")) == ["one"]


def test_a_metric_that_a_leaderboard_cannot_rank_by_is_rejected_by_name(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"'hit_rat' is not a metric to rank by; did you mean 'hit_rate'\?"):
        run(capsys, monkeypatch, "leaderboard", "--metric", "hit_rat")


def test_an_experiment_is_not_compared_of_a_task_that_it_is_not_about(world: Path) -> None:
    add(world, lean=git_fixtures.made(0.52, train__props__depth=9))
    with pytest.raises(UserError, match=r"^lean is not about 'racing'; Allowed: props\.$"):
        Registry().compare("HEAD", "lean", "racing")


def test_in_a_folder_within_the_repository_everything_is_rejected_and_nothing_written(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(world, one=git_fixtures.made(0.52))
    (world / "docs").mkdir()
    monkeypatch.chdir(world / "docs")
    for words in (["list"], ["best"], ["show", "one"], ["history"], ["compare", "one", "HEAD"], ["promote", "one"]):
        with pytest.raises(UserError, match="run from the root of the repository"):
            run(capsys, monkeypatch, *words)
    assert list((world / "docs").iterdir()) == []


def test_without_git_and_with_a_file_in_a_folders_place_one_sentence_says_so(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "trueline.experiments", "note", "one", "it learned"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def note(**variables: str) -> str:
        process = subprocess.run(command, cwd=world, env=environment | variables, capture_output=True, text=True)
        assert process.returncode == 1
        return process.stderr

    add(world, one=git_fixtures.made(0.52))
    assert note(PATH="/nonexistent").startswith("experiments: there is no program `git` on the PATH; install git")
    (world / ".locks").write_text("")
    assert note() == "experiments: the system reports File exists at .locks; look what lies there.\n"


def test_promotion_is_handed_on(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, one=git_fixtures.made(0.5))
    calls = []

    def promote(experiment: Experiment, stage: str, force: str | None, listed: Sequence[Experiment]) -> None:
        assert names(listed) == ["one"]
        calls.append((experiment.name, stage, force))

    monkeypatch.setattr(promotion, "promote_experiment", promote)
    Registry().promote("one", force="the others are worse")
    assert calls == [("one", "prod", "the others are worse")]


@pytest.mark.parametrize("words", [["list"], ["best"], ["leaderboard"], ["leaderboard", "--md"], ["show", "one"]])
def test_every_command_speaks_in_lines_of_120_columns_and_in_json(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    description: dict[str, Any] = {
        "experiment__hypothesis": "a long story | of many words " * 9,
        "experiment__tags": ["word"] * 40,
    }
    long = "a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on"
    changes: dict[str, Any] = {f"train__props__param{number}": "x" * 99 for number in range(30)}
    add_all(
        world, {"one": git_fixtures.made(0.52, **description, **changes), long: git_fixtures.made(0.56, rows="b" * 32)}
    )
    add_all(
        world, {word: git_fixtures.made(0.53, tag=word, train__props__depth=4) for word in ("two", "three")}, first=9
    )
    lines = run(capsys, monkeypatch, *words).splitlines()
    assert lines
    assert "--md" in words or max(map(len, lines)) <= table_layout.TERMINAL_WIDTH
    assert json.loads(run(capsys, monkeypatch, *words, "--json"))


def test_the_leaderboard_for_a_pull_request_is_a_table_with_what_must_be_said_below(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {
        "one": git_fixtures.made(0.52, experiment__hypothesis="a | b"),
        "two": git_fixtures.made(0.56),
        "far": git_fixtures.made(0.9, rows="b" * 32),
    }
    add_all(world, many)
    fake_comparison(monkeypatch, -0.01, 0.03)
    lines = run(capsys, monkeypatch, "leaderboard", "--md").splitlines()
    assert lines[0] == "### props, 2,000 rows, 2024-01-01 to 2024-03-01"
    assert lines[4].startswith("| 1 | two | 0.5600 (0.5300 to 0.5900) | 1,000 | completed |")
    assert lines[5].endswith("| a \\| b |")
    assert lines[6].startswith("|  | HEAD | 0.5000")
    assert "two is a tie within noise with one" in lines[8]
    assert "Not comparable, scored on other rows: far." in lines[10]


def test_wrong_data_are_said_beside_what_was_made_from_them(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(world, one=git_fixtures.made(0.52))
    assert "1 experiments are void: one" in run(
        capsys, monkeypatch, "invalidate", git_fixtures.md5("s"), "--why", "stale odds"
    )
    assert "INVALIDATED: stale odds" in run(capsys, monkeypatch, "list")
    assert "INVALIDATED: stale odds" in run(capsys, monkeypatch, "show", "one")
    with pytest.raises(UserError, match=r"1 invalidated \(one\)"):
        Registry().best("hit_rate")


def test_two_hundred_experiments_are_listed_and_ranked_in_three_seconds(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_all(world, {f"try-{n}": git_fixtures.made(0.4 + n / 1000, train__props__depth=n + 10) for n in range(200)})
    fake_comparison(monkeypatch, -0.01, 0.03)
    run(capsys, monkeypatch, "list")
    # CPU time, not wall time: other processes use the machine too
    start = time.process_time()
    assert len(run(capsys, monkeypatch, "list").splitlines()) == 203
    run(capsys, monkeypatch, "best", "--metric", "hit_rate")
    assert time.process_time() - start < 3


def test_tables_are_cut_where_they_are_widest() -> None:
    lines = table_layout.format_table(("name", "number", "text"), [("a", 1, "x" * 300), ("b", 12345, "y")], width=40)
    assert max(map(len, lines)) <= 40
    assert lines[1].endswith("…")
    assert lines[2].split() == ["b", "12,345", "y"]
    assert len(lines) == 3


def test_wide_letters_and_markup_leave_a_table_aligned() -> None:
    lines = table_layout.format_table(("name", "n"), [("東京", 1), ("[bold]a[/bold]", 22), ("b :smile:", 333)])
    assert lines == ["name              n", "東京              1", "[bold]a[/bold]   22", "b :smile:       333"]
