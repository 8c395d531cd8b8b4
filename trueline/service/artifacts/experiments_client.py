"""Experiments client: the experiments as `python -m trueline experiments list` prints them in a child process.

DVC and git run there, so that they cost the service neither memory nor time, and neither layer imports the other.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from trueline.service.request_fields import ResponseModel

COMMAND = ("-m", "trueline.experiments", "list", "--json")
TIMEOUT_SECONDS = 30.0
MAX_EXPERIMENTS = 200  # newest experiments that are kept
CODE_FOLDER = Path(__file__).parents[3]


class Experiment(ResponseModel):
    """An experiment, as described by its commit, the queue and the tags."""

    name: str
    rev: str = Field(description="commit")
    status: str = Field(description="pending, running, completed, failed, promoted or archived")
    created: str
    tasks: list[str]
    type: str | None
    hypothesis: str | None
    tags: list[str]
    parent: str | None
    error: str | None = Field(description="the last line of the error")
    scores: dict[str, dict[str, Any]] = Field(description="by task; empty unless completed")
    intervals: dict[str, dict[str, Any]] = Field(description="by task: interval bounds that are not among the scores")
    invalidated: dict[str, str] = Field(description="by task or file, why its data were wrong")


class Period(ResponseModel):
    """The rows of a test period, and how often experiments were evaluated on them."""

    task: str
    scored: int = Field(description="rows")
    first: str
    last: str
    looks: int = Field(description="evaluations on these rows")
    different: int = Field(description="how many of these evaluations differ in predictions or figures")
    metric: str
    best: float
    experiment: str = Field(description="the best one")
    deflated: float | None = Field(description="the best score, corrected for the number of evaluations")


class Experiments(ResponseModel):
    """Experiments, newest first."""

    success: bool
    experiments: list[Experiment]
    left_out: int = Field(description="number of older experiments")
    test_periods: list[Period]
    reason: str | None = Field(description="why there are none")


def fetch_experiments(root: Path) -> Experiments:
    """Return the experiments of a repository, or an empty list with a reason if they cannot be read."""
    if find_spec(COMMAND[1]) is None:
        return _build_empty_answer("The registry is not part of this image; look in the repository.")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(CODE_FOLDER), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *COMMAND]
    try:
        completed = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, cwd=root, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return _build_empty_answer(f"The registry did not answer within {TIMEOUT_SECONDS:g} seconds.")
    if completed.returncode:
        return _build_empty_answer(_extract_last_line(completed.stderr))
    try:
        return parse_experiments(json.loads(completed.stdout))
    except (ValueError, KeyError, TypeError, ValidationError):
        return _build_empty_answer("The registry's output does not have the form that the service expects.")


def parse_experiments(content: dict[str, Any]) -> Experiments:
    """Return the experiments from the registry's output; fields that the service does not know are left out."""
    entries = content["experiments"]
    recent_entries = [
        {name: entry[name] for name in Experiment.model_fields if name in entry} for entry in entries[:MAX_EXPERIMENTS]
    ]
    periods = [entry | {"first": entry["from"], "last": entry["to"]} for entry in content.get("test_periods", [])]
    return Experiments(
        success=True,
        experiments=[
            Experiment.model_validate({"intervals": {}, "invalidated": {}} | entry) for entry in recent_entries
        ],
        left_out=max(len(entries) - MAX_EXPERIMENTS, 0),
        test_periods=[Period.model_validate({name: entry[name] for name in Period.model_fields}) for entry in periods],
        reason=None
        if entries
        else "No experiment has been run yet; start one with python -m trueline experiments run.",
    )


def _build_empty_answer(reason: str) -> Experiments:
    return Experiments(success=False, experiments=[], left_out=0, test_periods=[], reason=reason)


def _extract_last_line(output: str) -> str:
    """Return the last line of the output: a UserError's sentence, or the error of a traceback."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return lines[-1].removeprefix("experiments: ") if lines else "The registry gave no answer."
