"""python -m trueline samples TASK: write the task's sample to data/sample/TASK, and a card to data/sample/cards."""

import sys
from importlib import import_module
from pathlib import Path

from trueline.core.errors import UserError, did_you_mean

CARDS = Path("data/sample/cards")
SAMPLE_TASKS = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))


def main(arguments: list[str]) -> None:
    """Write the sample and the card of the task that the command line names; exit with a message if there is none."""
    if len(arguments) != 1:
        sys.exit(f"usage: python -m trueline samples TASK, with TASK one of {', '.join(SAMPLE_TASKS)}")
    task = arguments[0]
    if task not in SAMPLE_TASKS:
        sys.exit(f"samples: there is no task {task!r}; {did_you_mean(task, SAMPLE_TASKS)}")
    folder = Path("data/sample") / task
    folder.mkdir(parents=True, exist_ok=True)
    sample = import_module(f"trueline.samples.{task}")
    sample.write(folder)
    CARDS.mkdir(exist_ok=True)
    sample.write_card(CARDS)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"samples: {error}")
