"""`compare --html` and `dashboard`: the runs that are named or ranked, with their differences, on one page."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.experiments import git_fixtures
from tests.experiments.pages.page_runs import HOSTILE
from trueline.core.errors import UserError
from trueline.experiments import __main__ as entry_point
from trueline.experiments.decisions import run_comparison
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.pages.collect_runs import collect_named_runs, collect_ranked_runs
from trueline.experiments.store.metric_definitions import get_metric

CELLS = "predicted,observed,low,high,n\n0.2,0.25,0.2,0.3,90\n0.4,0.35,0.3,0.4,90\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit and experiments about props; one of them was scored on other rows."""
    git_fixtures.start(tmp_path, dict(git_fixtures.made(0.5, tag="base")))
    head = git_fixtures.git(tmp_path, "rev-parse", "HEAD").strip()
    many: dict[str, git_fixtures.Files] = {
        f"depth-{depth}": git_fixtures.made(0.5 + depth / 100, tag=f"{depth}", train__props__depth=depth)
        for depth in (4, 5, 6)
    }
    many["depth-4"] = {**many["depth-4"], "metrics/props/plots/reliability.csv": CELLS}
    many["twin"] = git_fixtures.made(0.555, tag="6", train__props__depth=7)
    many["elsewhere"] = git_fixtures.made(0.9, rows="b" * 32, experiment__hypothesis=HOSTILE)
    git_fixtures.experiments(tmp_path, head, many)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_comparison, "compare_runs", compare)
    return tmp_path


def compare(task: str, first: Any, second: Any, common: bool = False, fetch: bool = True) -> dict[str, Any]:
    """Return a verdict without predictions; runs of other rows are rejected."""
    if second.name == "elsewhere":
        raise UserError("elsewhere was not scored on the same rows")
    ends = {"difference": 0.01, "low": -0.01, "high": 0.03}
    verdict = get_metric("hit_rate").get_verdict(-0.01, 0.03)
    return {"metrics": [{"metric": "hit_rate", "of": "hit_rate", **ends, "verdict": verdict}]}


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Return the output of a command."""
    monkeypatch.setattr(sys, "argv", ["experiments", *words])
    entry_point.main()
    return capsys.readouterr().out.strip()


def test_the_first_of_the_named_runs_is_compared_with_each_other_and_why_not(repository: Path) -> None:
    (page_task,) = collect_named_runs(Registry(), ["depth-4", "depth-5", "elsewhere", "HEAD"], "props")
    assert [run.name for run in page_task.runs] == ["depth-4", "depth-5", "elsewhere", "HEAD"]
    assert [(pair.other, bool(pair.differences)) for pair in page_task.paired] == [
        ("depth-5", True), ("elsewhere", False), ("HEAD", True),
    ]  # fmt: skip
    assert page_task.paired[1].problem == "elsewhere was not scored on the same rows"
    assert [len(page_task.cells[run.name]) for run in page_task.runs] == [2, 0, 0, 0]
    assert len(page_task.evaluations) == 5, "those of the same rows: three depths, the twin, and the commit"


def test_the_ranked_runs_are_the_comparable_ones_and_what_is_committed(repository: Path) -> None:
    page_task = collect_ranked_runs(Registry(), RankingQuery(task="props"))
    head = git_fixtures.git(repository, "rev-parse", "--short=7", "HEAD").strip()
    assert [run.name for run in page_task.runs] == ["depth-6", "twin", "depth-5", "depth-4", f"HEAD ({head})"]
    assert [pair.other for pair in page_task.paired] == ["depth-5", "depth-4", f"HEAD ({head})"], "no twin"
    assert any("scored on other rows: elsewhere" in sentence for sentence in page_task.summary)


def test_the_commands_write_a_page_and_say_where(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, monkeypatch, "compare", "--html", "props", "depth-4", "depth-5", "elsewhere") == "compare.html"
    page = Path("compare.html").read_text()
    assert "Hit rate by depth" in page
    assert HOSTILE not in page
    assert run(capsys, monkeypatch, "compare", "--html", "depth-4", "HEAD", "--out", "two.html") == "two.html"
    assert "Hit rate: depth-4 less each other" in Path("two.html").read_text()
    assert run(capsys, monkeypatch, "dashboard") == "dashboard.html: 5 of props"
    assert json.loads(run(capsys, monkeypatch, "dashboard", "--out", "all.html", "--json")) == {"page": "all.html"}
    assert Path("all.html").read_bytes() == Path("dashboard.html").read_bytes()
    assert run(capsys, monkeypatch, "dashboard", "--where", "depth > 5") == "dashboard.html: 3 of props"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "--html", "depth-4"], "two or more runs, and got 1"),
        (["compare", "--html", "props", "depth-4"], "two or more runs, and got 1"),
        (["compare", "--html", "depth-4", "nobody"], "'nobody' is neither an experiment nor a git revision"),
        (["compare", "--html", "racing", "depth-4", "depth-5"], "depth-4 is not about 'racing'"),
        (["dashboard", "--task", "racing"], "no finished experiment that matches has a score of racing"),
        (["dashboard", "--metric", "hits"], "'hits' is not a metric to rank by"),
        (["dashboard", "--where", "depth > 99"], "no finished experiment can be ranked"),
    ],
)
def test_what_cannot_be_drawn_is_rejected_in_one_sentence(
    repository: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["experiments", *words])
    with pytest.raises(UserError, match=message):
        entry_point.main()
    assert not list(repository.glob("*.html"))
