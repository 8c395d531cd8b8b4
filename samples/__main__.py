"""python -m samples TASK: write the task's sample to data/sample/TASK."""

import sys
from importlib import import_module
from pathlib import Path

from core.refusals import Refusal, suggest

LABORATORY = "faults"  # it plants faults in memory and has no sample to write
SHELF = sorted({file.stem for file in Path(__file__).parent.glob("[a-z]*.py")} - {LABORATORY})


def main(words: list[str]) -> None:
    """Write the sample of the task that the command line names; refuse a name that is no file here."""
    if len(words) != 1:
        sys.exit(f"usage: python -m samples TASK, with TASK one of {', '.join(SHELF)}")
    task = words[0]
    if task not in SHELF:
        sys.exit(f"samples holds no task {task!r}; {suggest(task, SHELF)}")
    folder = Path("data/sample") / task
    folder.mkdir(parents=True, exist_ok=True)
    import_module(f"samples.{task}").write(folder)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refusal as refusal:
        sys.exit(f"samples: {refusal}")
