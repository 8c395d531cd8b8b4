"""Descriptions of scorers: what one says of a report is true of the committed ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from trueline.core.errors import UserError
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.scorer_description import (
    ReportFigure,
    get_estimate,
    get_path,
    list_scorers,
    load_description,
)

ROOT = Path(__file__).parents[2]
SCORERS = {task: row["scorer"] for task, row in yaml.safe_load((ROOT / "params.yaml").read_text())["tasks"].items()}


def test_every_scorer_describes_itself_and_can_be_compared() -> None:
    assert list_scorers() == list_plugins("evaluate")
    assert all(load_plugin("evaluate", scorer, "compute_losses") for scorer in list_scorers())


@pytest.mark.parametrize("task", SCORERS)
def test_the_committed_report_has_every_figure_where_its_scorer_says(task: str) -> None:
    scorer = load_description(SCORERS[task])
    report = json.loads((ROOT / f"metrics/{task}/report.json").read_text())
    scores = json.loads((ROOT / f"metrics/{task}/scores.json").read_text())[task]
    figures = [figure for figure in scorer.figures.values() if isinstance(figure, ReportFigure)]
    paths = [path for figure in figures for path in (figure.path, figure.rows, *figure.beside.values()) if path]
    paths += [
        scorer.calibration_error,
        *scorer.intervals.values(),
        *(metric.interval_path for metric in scorer.metrics),
    ]
    assert [path for path in paths if get_estimate(report, path) is None] == []
    verdicts = {name: get_path(report, scorer.verdict_path.format(baseline=name)) for name in scorer.baselines}
    assert set(verdicts.values()) <= {"better", "undecided", "worse"}
    assert sum(scorer.class_shares(report).values()) >= 0.99
    assert isinstance(scorer.figures[scorer.headline], ReportFigure)
    assert all({metric.name, metric.count_name} <= scores.keys() for metric in scorer.metrics)


def test_a_description_is_read_without_what_its_scorer_computes_with() -> None:
    code = "import sys; from trueline.core.scorer_description import load_description, list_scorers\n"
    code += "[load_description(scorer) for scorer in list_scorers()]; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_scorer_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="did you mean 'race'"):
        load_description("races")


@pytest.mark.parametrize("path", ["picks.1", "picks.x", "picks.0.hits.deep", "absent", ""])
def test_a_path_that_leads_nowhere_leads_to_none(path: str) -> None:
    assert get_path({"picks": [{"hits": 3}]}, path) is None
