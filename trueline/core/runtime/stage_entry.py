"""Entry points: how a stage is called, what it reads and writes, and how it reports bad input."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import open_atomic_outputs
from trueline.core.runtime.console import replace_unknown_letters
from trueline.core.runtime.machine_failures import explain_failure, find_damaged_file
from trueline.core.runtime.memory import OFF_FLAG, OFF_VARIABLE
from trueline.core.runtime.params import load_task_config, name_task
from trueline.core.runtime.stage_costs import record_cost

Paths = dict[str, Path]
StageBody = Callable[[str, Paths, Paths], None]


def expand_paths(paths: dict[str, str], task: str) -> Paths:
    """Return the paths of an entry point's READS or WRITES for one task."""
    return {key: Path(path.format(task=task)) for key, path in paths.items()}


def run_stage(stage: str, reads: dict[str, str], writes: dict[str, str], body: StageBody) -> None:
    """Run one stage for the task named on the command line, with `--no-memory` without results of earlier runs.

    `body(task, reads, writes)` gets the paths to read and temporary paths to write. A UserError is printed as one
    sentence on standard error, with exit code 1; no output is written then. So are a failure of the machine, such as a
    full disk, and an input that is damaged.
    """
    replace_unknown_letters()
    arguments = [argument for argument in sys.argv[1:] if argument != OFF_FLAG]
    if len(arguments) != 1:
        sys.exit(f"usage: python -m stages.{stage} TASK [{OFF_FLAG}]")
    if OFF_FLAG in sys.argv:
        os.environ[OFF_VARIABLE] = "1"
    task = arguments[0]
    inputs = expand_paths(reads, task)
    try:
        load_task_config(task)
        require_files(inputs, task)
        outputs = expand_paths(writes, task)
        with record_cost(stage, task, outputs), open_atomic_outputs(f"{stage}-{task}", outputs) as drafts:
            body(task, inputs, drafts)
    except UserError as error:
        sys.exit(f"{stage} {task}: {name_task(str(error), task)}")
    except Exception as error:
        sentence = explain_failure(error) or _explain_damage(inputs, task)
        if sentence is None:
            raise
        sys.exit(f"{stage} {task}: {sentence}")


def require_files(inputs: Paths, task: str) -> None:
    """Raise UserError for the first input that does not exist."""
    for path in inputs.values():
        if not path.exists():
            raise UserError(f"{path} is missing; run `dvc repro diagnose@{task}` to build what comes before it.")


def _explain_damage(inputs: Paths, task: str) -> str | None:
    """Return a sentence on the first input that cannot be read, or None if all can."""
    damaged = find_damaged_file(inputs.values())
    if damaged is None:
        return None
    return f"{damaged} is damaged; delete it, and run `dvc repro diagnose@{task}` to restore it or build it again."
