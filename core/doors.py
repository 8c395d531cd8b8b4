"""Doors: how a stage is called, what it reads and writes, and how it says no."""

import sys
from collections.abc import Callable
from pathlib import Path

from core.outputs import writing
from core.params import plan
from core.refusals import Refusal

Paths = dict[str, Path]
Stage = Callable[[str, Paths, Paths], None]


def at(paths: dict[str, str], task: str) -> Paths:
    """Return the paths of a door's READS or WRITES for one task."""
    return {key: Path(path.format(task=task)) for key, path in paths.items()}


def enter(stage: str, reads: dict[str, str], writes: dict[str, str], body: Stage) -> None:
    """Run one stage for the task named on the command line.

    `body(task, reads, writes)` gets the paths to read and temporary paths to write. A refusal becomes one sentence on
    standard error and exit code 1; nothing is written then.
    """
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m stages.{stage} TASK")
    task = sys.argv[1]
    try:
        plan(task)
        inputs = at(reads, task)
        require(inputs, task)
        with writing(f"{stage}-{task}", at(writes, task)) as drafts:
            body(task, inputs, drafts)
    except Refusal as refusal:
        sys.exit(f"{stage} {task}: {refusal}")


def require(inputs: Paths, task: str) -> None:
    """Refuse a path that is not there."""
    for path in inputs.values():
        if not path.exists():
            raise Refusal(f"{path} is missing; run `dvc repro diagnose@{task}` to build what comes before it.")
