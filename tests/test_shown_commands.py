"""Every command that a page shows is run as it stands there: here, in the page's order, or by a test that is named.

A new command on a page is run here, in a clone of a repository whose stages take no time, and fails the test if it
fails. Those that need a fitted model or a service are in RUN_ELSEWHERE, by the test that runs them, and the few that no
test can run are in NOT_RUN, with the reason.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests import pipeline_copy, stand_in_stages
from tests.pipeline_copy import ROOT
from tests.shown_commands import PAGES, list_blocks

RUN_ELSEWHERE = {
    r"make test": ".ci/run",
    r"make serve": "tests/service/test_start.py",
    r"make tomorrow": "tests/predict/page_commands.py::run_page_command",
    r"make daily .*|python -m trueline daily .*": "tests/daily/test_daily_page.py::test_the_commands_are_understood",
    r"python -m trueline predict events my/card.json .*|mv my/.*": (
        "tests/predict/test_tag_requests.py"
        "::test_what_is_asked_for_and_tagged_goes_back_into_the_source_as_the_page_says"
    ),
    r"python -m trueline predict .*": "tests/predict/page_commands.py::run_page_command",
    r"python -m trueline gap props|dvc repro && python -m trueline gap props": (
        "tests/test_walks.py::test_a_season_of_nba_box_scores_and_an_odds_feed_walk_to_the_report"
    ),
    r"python -m trueline audit .*": "tests/test_score_audit.py",
    r"python -m trueline benchmarks replay .*": "tests/benchmarks/replay_lab/test_live_replay.py",
    r"python -m trueline benchmarks (all|asking|load).*": "tests/benchmarks/test_{}.py",
    r"dvc exp run .*-S tasks.props.source=\.\.\.": "tests/test_walks.py",
    r"python -m trueline serve .*|curl .*|kill -HUP PID": "tests/service/test_start.py",
    r"python -m trueline experiments compare-shadow events": "tests/experiments/shadow/test_shadow_comparison.py",
    r"python -m trueline.service.monitoring.prediction_log .*": "tests/service/monitoring/test_prediction_log.py",
    r"python -m trueline export .*": "tests/service/test_container.py",
    r"PYTHONPATH=. dask scheduler .*|python -m trueline worker .*": "tests/benchmarks/test_engines.py",
    r"python -m trueline experiments compare events (?:network|vectors) HEAD": (
        "tests/experiments/decisions/test_run_comparison.py"
    ),
}
NOT_RUN = {
    r"python -m trueline benchmarks audit_cost": "it runs every task with and without the audit, for many minutes",
    r"docker .*|TRUELINE_TOKEN=.* docker .*": "no container engine is there; test_container.py does its steps",
}
PRESUMED_TASKS = ("props",)
PRESUMED = {  # by page: experiments about props, and what each sets
    "docs/experiments.md": {
        "weekly": "+folds.props.test_days=7",
        "NAME": "+train.props.xgboost_trees.depth=6",
        "ONE": "+train.props.xgboost_trees.depth=7",
        "OTHER": "+folds.props.test_days=10",
    },
    "docs/review.md": {"weekly": "+folds.props.test_days=7"},
}
MAY_FAIL = {  # the exit code is an answer
    r"python -m trueline today props": r"props",
    r"python -m trueline experiments promote (?!.*--force).*": r"is stopped by|is in prod already",
}
PROMOTE = "python -m trueline experiments promote {} --task props --force --why 'the page presumes it'"
BEFORE = {  # what the page presumes at that place
    r".* promote weekly --task props --dry-run": PROMOTE.format("NAME"),
    r".* demote weekly .*": PROMOTE.format("weekly"),
}
AFTER = {r"dvc remote add --default store .*": "dvc remote modify --local store url ../store"}  # instead of Amazon's
CHANGED = "params.yaml dvc.lock metrics"
SAVED = f"git diff --quiet {CHANGED} || {{ git checkout --quiet {CHANGED} && dvc checkout --quiet; }}"


def find_rule(rules: dict[str, str], command: str) -> str | None:
    """Return what the first pattern that fits the whole command maps to."""
    for pattern, rule in rules.items():
        if match := re.fullmatch(pattern, command):
            return rule.format(*match.groups())
    return None


RUN_HERE = {
    page: blocks
    for page in PAGES
    if any(
        blocks := [
            [command for command in block if not find_rule(RUN_ELSEWHERE | NOT_RUN, command)]
            for block in list_blocks(page)
        ]
    )
}


@pytest.fixture(scope="module")
def make_origin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], Path]:
    """A function that returns the origin with some tasks, made when they are first asked for."""
    return cache(lambda tasks: fill_origin(tmp_path_factory.mktemp("shown"), tasks))


def fill_origin(folder: Path, tasks: Sequence[str]) -> Path:
    """Write a repository whose stages were all run, its bare origin, and sources that pages name; return the folder."""
    repository = stand_in_stages.make_repository(folder / "repository", tasks)
    for name in ("races", "league", "events"):
        (folder / "my" / name).mkdir(parents=True)
        (folder / "my" / name / "table.csv").write_text("id\n1\n")
    (folder / "my/glove.6B.50d.txt").write_text("the 0.418 0.24968\n")
    activate = repository / ".venv/bin/activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n")
    (repository / ".venv/.gitignore").write_text("*\n")
    (repository / ".venv/.ready").touch()  # so that make installs nothing
    for command in (
        "git init --quiet --initial-branch main",
        f"echo '{stand_in_stages.UNTRACKED}' >> .git/info/exclude",
        "git config user.name tester && git config user.email tester@example.org",
        "dvc repro",
        "git add --all && git commit --quiet --message 'as it is'",
        "git init --quiet --bare --initial-branch main ../hub.git",
        "git remote add origin ../hub.git && git push --quiet --set-upstream origin main",
    ):
        run(repository, command)
    return folder


def run(repository: Path, command: str, code: int | None = 0) -> str:
    """Return what a command prints; it must end with the exit code, or with any if that is None."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DVC_SITE_CACHE_DIR": str(repository.parent / "site")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=repository, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    output = process.stdout + process.stderr
    assert code is None or process.returncode == code, f"{command}\n{output[-3000:]}"
    assert "Traceback" not in output, f"{command}\n{output[-3000:]}"
    return output


def list_tasks(page: str) -> tuple[str, ...]:
    """Return the tasks that a page's commands and the configs of experiments in them name, or else props.

    DVC takes seconds longer for each further task at every experiment.
    """
    text = " ".join(command for block in RUN_HERE[page] for command in block)
    configs = [(ROOT / config).read_text() for config in re.findall(r"experiments/configs/\w+\.yaml", text)]
    named = set(re.findall(r"\w+", re.sub(r"--drop '.*?'", "", text)))
    named |= {yaml.safe_load(config)["task"] for config in configs}
    return tuple(task for task in pipeline_copy.tasks() if task in named) or PRESUMED_TASKS


def fill_in(repository: Path, command: str) -> str:
    """Return a command with the hash that it leaves open: of the folds of OTHER, which no other experiment has."""
    if "MD5" not in command:
        return command
    lock = yaml.safe_load(
        run(repository, "git show $(git for-each-ref --format='%(objectname)' 'refs/exps/*/*/OTHER'):dvc.lock")
    )
    outputs = {output["path"]: output["md5"] for output in lock["stages"]["prepare@props"]["outs"]}
    return command.replace("MD5", outputs["data/folds/props.parquet"])


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_commands_of_a_page_do_what_they_say_in_the_order_of_the_page(
    page: str, make_origin: Callable[[Sequence[str]], Path], tmp_path: Path
) -> None:
    shutil.copytree(make_origin(list_tasks(page)), tmp_path, symlinks=True, dirs_exist_ok=True)
    repository = tmp_path / "repository"
    for name, setting in PRESUMED.get(page, {}).items():
        run(repository, f"dvc exp run --quiet --temp -n {name} -S {setting}")
    for block in RUN_HERE[page]:
        run(repository, SAVED)
        for command in block:
            if preparation := find_rule(BEFORE, command):
                run(repository, preparation)
            answer = find_rule(MAY_FAIL, command)
            output = run(repository, fill_in(repository, command), None if answer else 0)
            assert re.search(answer or "", output), output
            if correction := find_rule(AFTER, command):
                run(repository, correction)


def test_every_rule_is_for_a_command_that_is_shown_and_names_a_test_that_exists() -> None:
    commands = {command for page in PAGES for block in list_blocks(page) for command in block}
    for rules in (RUN_ELSEWHERE, NOT_RUN, MAY_FAIL, BEFORE, AFTER):
        for pattern in rules:
            assert any(re.fullmatch(pattern, command) for command in commands), f"{pattern} fits no command"
    for command in commands:
        if place := find_rule(RUN_ELSEWHERE, command):
            file, _, function = place.partition("::")
            assert (ROOT / file).exists(), command
            assert not function or f"def {function}(" in (ROOT / file).read_text(), command


def test_a_command_of_several_lines_is_one_and_comments_are_no_part_of_it() -> None:
    commands = [command for block in list_blocks("docs/experiments.md") for command in block]
    assert "python -m trueline experiments list" in commands
    assert any("--task props --name TEST" in command and "--eval-end" in command for command in commands)
    assert len(commands) > 45
