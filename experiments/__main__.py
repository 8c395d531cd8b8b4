"""python -m experiments compare TASK ONE OTHER: is the difference of two runs more than noise?"""

import argparse
import json
import sys

from core.refusals import Refusal
from experiments.compare import WORKSPACE, compare


def main() -> None:
    """Print what a command found, as JSON with --json."""
    asked = _asked()
    found = compare(asked.task, asked.one, asked.other)
    print(json.dumps(found, indent=2) if asked.json else "\n".join(found["sentences"]))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments", description="What was tried, compared as it may be.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    pair = commands.add_parser("compare", help="two runs on their common rows, paired")
    pair.add_argument("task", help="a task of the plan")
    pair.add_argument("one", help=f"an experiment, a git revision, or {WORKSPACE}")
    pair.add_argument("other", help="another")
    pair.add_argument("--json", action="store_true", help="all figures, for another program")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"experiments: {refusal}")
