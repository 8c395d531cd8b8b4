"""`dvc exp show` as the pages write it prints a table that fits a terminal, with the scores and what differs.

`dvc plots diff` draws two experiments in one chart.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from tests.experiments import git_fixtures
from tests.pipeline_copy import ROOT
from tests.promoted_repo import cached

CURVES, ROWS = "models/racing/curves", ("fit", "later")
FILES = ("dvc.yaml", "dvc.lock", ".dvcignore", ".dvc/config", ".dvc/plots", ".gitignore", "params.yaml", "metrics")
TRIES = {"shallow": "train.racing.catboost_trees.depth=3", "boosted": "tasks.racing.learner=xgboost_trees"}
COMMANDS = list(
    {
        command.split("  #")[0].strip(): None
        for page in ("README.md", "docs/experiments.md", "docs/review.md")
        for command in re.findall(r"^dvc exp show.*", (ROOT / page).read_text(), re.M)
    }
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this one's parameters, pipeline, lock and metrics, and two experiments about racing."""
    folder = tmp_path_factory.mktemp("shown") / "repository"
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    for task in ("props", "racing", "events"):
        write_headline(folder, task)
    git_fixtures.git(folder, "init", "--quiet", "--initial-branch=main")
    git_fixtures.git(folder, "add", "--all")
    git_fixtures.git(folder, "commit", "--quiet", "--message", "as it is")
    base = git_fixtures.git(folder, "rev-parse", "HEAD").strip()
    git_fixtures.experiments(folder, base, {name: vary(folder, name) for name in TRIES})
    return folder


def write_headline(folder: Path, task: str, **changes: Any) -> str:
    """Write the headline of a task as diagnose would publish it from the committed report, and return its text."""
    report = json.loads((folder / f"metrics/{task}/report.json").read_text())
    scores = report["scores"] | {"believable": "yes"} | changes
    names = ["believable", *(measure["name"] for measure in report["comparison"]["measures"])]
    text = json.dumps({task: {name: scores[name] for name in names if name in scores}})
    (folder / f"metrics/{task}/headline.json").write_text(text)
    return text


def vary(folder: Path, name: str) -> dict[str, str]:
    """Return the files that an experiment changes; its hypothesis is a sentence, as a config has one.

    Its training curves are in the cache, where its dvc.lock names them.
    """
    draft = Path(shutil.copy(folder / "params.yaml", folder.parent / "params.yaml"))
    apply_overrides(draft, [TRIES[name], f"experiment.hypothesis='{name} trees generalise better to later days'"])
    kept = (folder / "metrics/racing/headline.json").read_text()
    headline = write_headline(folder, "racing", log_loss=1.5 + len(name) / 100)
    (folder / "metrics/racing/headline.json").write_text(kept)
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    curves = {f"plots/metrics/loss/{rows}.tsv": f"step\t{rows}\n0\t2.0\n1\t1.{len(name)}\n" for rows in ROWS}
    entry = cached(folder, CURVES, {path: text.encode() for path, text in curves.items()})
    outs = [entry if out["path"] == CURVES else out for out in lock["stages"]["train@racing"]["outs"]]
    assert entry in outs
    lock["stages"]["train@racing"]["outs"] = outs
    return {
        "params.yaml": draft.read_text(),
        "metrics/racing/headline.json": headline,
        "dvc.lock": yaml.safe_dump(lock, sort_keys=False),
    }


def show(folder: Path, command: str, columns: int) -> list[str]:
    words = [sys.executable, "-m", *shlex.split(command)]
    environment = os.environ | {"COLUMNS": str(columns), "DVC_SITE_CACHE_DIR": str(folder.parent / "site")}
    output = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
    return output.splitlines()


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_and_holds_scores_and_what_differs(repository: Path, columns: int) -> None:
    (command,) = COMMANDS
    lines = show(repository, command, columns)
    assert max(map(len, lines)) <= columns
    table = "\n".join(lines)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    learner = params["tasks"]["racing"]["learner"]
    rows = {name: next(line for line in lines if f"[{name}]" in line) for name in TRIES}
    assert "racing.log_loss" in table
    assert "…" not in "".join(lines if columns == 120 else rows.values()), "at 80 columns, heads may be cut"
    assert all("1.57" in row for row in rows.values())
    assert ("xgboost_trees" in rows["boosted"], learner in rows["shallow"]) == (True, True)
    assert "generalise" not in table, "a sentence leaves no room for figures"


def test_two_experiments_are_drawn_in_one_chart_of_each_kind(repository: Path) -> None:
    (command,) = re.findall(r"^dvc plots diff .*?(?=\s+#)", (ROOT / "docs/experiments.md").read_text(), re.M)
    assert command.split()[3:] == ["boosted", "at-off", "--targets", "training", "reliability", "baselines"]
    show(repository, command.replace("at-off", "shallow"), 80)
    page = (repository / "dvc_plots/index.html").read_text()
    plots = [json.loads(text) for text in re.findall(r"var spec = (\{.*?\});\n", page, re.S)]
    drawn = {plot["title"]["text"] if isinstance(plot["title"], dict) else plot["title"]: plot for plot in plots}
    titles = ["Training: loss on fit rows and on later rows", "Reliability: what was predicted and what happened"]
    titles.append("Models and baselines: R² on the same races")
    assert sorted(drawn) == sorted(titles)
    for title in titles:
        values = drawn[title]["data"]["values"]
        assert {value["rev"] for value in values} == {"boosted", "shallow"}, title
