"""The registry: the best of what can be compared, ties called ties, luck taken off, and quick with two hundred."""

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.experiments import __main__ as door
from trueline.experiments.cli import table_layout
from trueline.experiments.decisions import promotion, run_comparison
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import Registry
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
    """Make experiments whose names may be any, and whose times come after those of others."""
    git_fixtures.experiments(folder, git_fixtures.git(folder, "rev-parse", "HEAD").strip(), many, first)


def say(monkeypatch: pytest.MonkeyPatch, low: float, high: float) -> list[tuple[str, str]]:
    """Let every paired comparison find this interval; return the list of the pairs that will be asked for."""
    asked = []

    def verdict(task: str, one: Any, other: Any, common: bool = False, fetch: bool = True) -> dict[str, Any]:
        asked.append((one.name, other.name))
        name = get_metric("hit_rate")
        found = {"metric": "hit_rate", "of": "hit_rate", "difference": (low + high) / 2, "low": low, "high": high}
        return {"metrics": [found | {"verdict": name.get_verdict(low, high)}]}

    monkeypatch.setattr(run_comparison, "compare_runs", verdict)
    return asked


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Return what a command prints."""
    monkeypatch.setattr(sys, "argv", ["experiments", *words])
    door.main()
    return capsys.readouterr().out


def names(found: Any) -> list[str]:
    return [each.name for each in found]


def test_the_best_is_beyond_noise_only_where_the_pair_says_so(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, one=git_fixtures.made(0.52), two=git_fixtures.made(0.56), three=git_fixtures.made(0.54))
    asked = say(monkeypatch, -0.01, 0.03)
    found = Registry().best(metric="hit_rate")
    assert (found.experiment.name, found.tie) == ("two", True)
    assert found.why.startswith("a tie within noise with three")
    say(monkeypatch, 0.01, 0.03)
    assert Registry().best("hit_rate").tie is False
    assert asked == [("two", "three")]


def test_the_runner_up_is_the_next_with_predictions_of_its_own(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(
        world,
        one=git_fixtures.made(0.52),
        two=git_fixtures.made(0.56, tag="same"),
        copy=git_fixtures.made(0.56, tag="same"),
    )
    assert say(monkeypatch, 0.01, 0.03) == []
    found = Registry().best("hit_rate")
    assert found.runner_up is not None
    assert found.runner_up.name == "one"


def test_less_is_better_for_an_error(world: Path) -> None:
    small, large = dict(git_fixtures.made(0.5, tag="a")), dict(git_fixtures.made(0.5, tag="b"))
    for files, mae in ((small, 4.0), (large, 6.0)):
        scores = json.loads(str(files["metrics/props/scores.json"]))
        scores["props"]["mae"] = mae
        files |= git_fixtures.named({**files, "metrics/props/scores.json": json.dumps(scores)}, predictions=str(mae))
    add(world, large=large, small=small)
    assert names(Registry().rank_experiments(RankingQuery("mae")).ranked) == ["small", "large"]
    assert [name for name, each in METRICS.items() if not each.more_is_better] == ["log_loss", "mae"]


def test_only_experiments_on_the_same_rows_are_ranked_and_the_others_named(world: Path) -> None:
    add(
        world,
        one=git_fixtures.made(0.52),
        two=git_fixtures.made(0.54),
        lucky=git_fixtures.made(0.9, rows="b" * 32),
        unknown=git_fixtures.made(0.8, rows=None),
    )
    found = Registry().best("hit_rate")
    assert names(found.ranking.ranked) == ["two", "one"]
    assert sorted(names(found.ranking.on_other_rows)) == ["lucky", "unknown"]


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
    found = Registry().best("hit_rate")
    assert found.experiment.name == "one"
    assert found.ranking.invalidated == {"wrong": "outcomes of another season"}


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


def test_what_cannot_be_ranked_is_refused_in_one_sentence(world: Path) -> None:
    with pytest.raises(UserError, match="no finished experiment that fits has a hit_rate"):
        Registry().best("hit_rate")
    add(world, one=git_fixtures.made(0.5))
    with pytest.raises(UserError, match=r"no metric 'hitrate' can be ranked by; did you mean 'hit_rate'"):
        Registry().best("hitrate")
    with pytest.raises(UserError, match="no metric 'bets'"):
        Registry().best("bets")
    with pytest.raises(UserError, match="no experiment is ever 'done'"):
        Registry().list(status="done")


def test_the_more_looks_the_less_is_left_of_the_best(world: Path) -> None:
    add(world, one=git_fixtures.made(0.55))
    first = Registry().best("hit_rate").deflated
    add_all(world, {f"try-{number}": git_fixtures.made(0.5 + number / 1000) for number in range(20)}, first=2)
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
    ("asked", "said"),
    [
        ({"task": "prop"}, "no task is called 'prop'; did you mean 'props'?"),
        ({"kind": "ablaton"}, "no type is called 'ablaton'; did you mean 'ablation'?"),
        ({"limit": 0}, "the limit is 0; give 1 or more"),
        ({"limit": -1}, "the limit is -1; give 1 or more"),
    ],
)
def test_a_slip_in_what_is_listed_is_refused(world: Path, asked: dict[str, Any], said: str) -> None:
    add(world, one=git_fixtures.made(0.52, experiment__type="of-our-own", train__props__depth=9))
    with pytest.raises(UserError) as refused:
        Registry().list(**asked)
    assert str(refused.value).startswith(said)
    assert names(Registry().list(task="racing")) == names(Registry().list(kind="tier_based")) == []
    assert names(Registry().list(kind="of-our-own")) == ["one"]


def test_a_metric_that_a_leaderboard_cannot_rank_by_is_refused_by_name(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"no metric 'hit_rat' can be ranked by; did you mean 'hit_rate'\?"):
        run(capsys, monkeypatch, "leaderboard", "--metric", "hit_rat")


def test_an_experiment_is_not_compared_of_a_task_that_it_is_not_about(world: Path) -> None:
    add(world, lean=git_fixtures.made(0.52, train__props__depth=9))
    with pytest.raises(UserError, match=r"^lean is not about 'racing'; Allowed: props\.$"):
        Registry().compare("HEAD", "lean", "racing")


def test_in_a_folder_within_the_repository_everything_is_refused_and_nothing_written(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(world, one=git_fixtures.made(0.52))
    (world / "docs").mkdir()
    monkeypatch.chdir(world / "docs")
    for words in (["list"], ["best"], ["show", "one"], ["history"], ["compare", "one", "HEAD"], ["promote", "one"]):
        with pytest.raises(UserError, match="run from the root of the repository"):
            run(capsys, monkeypatch, *words)
    assert list((world / "docs").iterdir()) == []


def test_promotion_is_handed_on(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world, one=git_fixtures.made(0.5))
    said = []

    def promote(experiment: Experiment, stage: str, force: str | None) -> None:
        said.append((experiment.name, stage, force))

    monkeypatch.setattr(promotion, "promote_experiment", promote)
    Registry().promote("one", force="the others are worse")
    assert said == [("one", "prod", "the others are worse")]


@pytest.mark.parametrize("words", [["list"], ["best"], ["leaderboard"], ["leaderboard", "--md"], ["show", "one"]])
def test_every_command_speaks_in_lines_of_120_columns_and_in_json(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    said: dict[str, Any] = {
        "experiment__hypothesis": "a long story | of many words " * 9,
        "experiment__tags": ["word"] * 40,
    }
    long = "a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on"
    changes: dict[str, Any] = {f"train__props__knob{number}": "x" * 99 for number in range(30)}
    add_all(world, {"one": git_fixtures.made(0.52, **said, **changes), long: git_fixtures.made(0.56, rows="b" * 32)})
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
    say(monkeypatch, -0.01, 0.03)
    lines = run(capsys, monkeypatch, "leaderboard", "--md").splitlines()
    assert lines[0] == "### props, 2,000 rows, 2024-01-01 to 2024-03-01"
    assert lines[4].startswith("| 1 | two | 0.5600 (0.5300 to 0.5900) | 1,000 | completed |")
    assert lines[5].endswith("| a \\| b |")
    assert lines[6].startswith("|  | HEAD | 0.5000")
    assert "two is a tie within noise with one" in lines[8]
    assert "Not comparable, judged on other rows: far." in lines[10]


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
    say(monkeypatch, -0.01, 0.03)
    run(capsys, monkeypatch, "list")
    # of the process, not of the clock: others use the machine too
    start = time.process_time()
    assert len(run(capsys, monkeypatch, "list").splitlines()) == 203
    run(capsys, monkeypatch, "best", "--metric", "hit_rate")
    assert time.process_time() - start < 3


def test_tables_are_cut_where_they_are_widest() -> None:
    lines = table_layout.format_table(("name", "number", "said"), [("a", 1, "x" * 300), ("b", 12345, "y")], width=40)
    assert max(map(len, lines)) <= 40
    assert lines[1].endswith("…")
    assert lines[2].split() == ["b", "12,345", "y"]
    assert len(lines) == 3
