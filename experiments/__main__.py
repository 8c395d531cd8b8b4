"""python -m experiments COMMAND: what was tried, and what of it is worth keeping."""

import argparse
import importlib
import os
import pkgutil
import sys

from core.refusals import Refusal
from experiments import commands


def main() -> None:
    """Run the command that is named and print what it found, as JSON with --json."""
    asked = _asked()
    found = asked.main(asked)
    if asked.json:
        from experiments import plain  # reads git; the help does without

        print(plain.document(found))
    elif found:
        print("\n".join(found))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments", description="What was tried, compared as it may be.")
    choice = parser.add_subparsers(required=True, metavar="COMMAND")
    words = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))
    asked = [word for word in words if word in sys.argv[1:2]]
    for word in asked or words:  # importing the others would take longer than most answers
        command = importlib.import_module(f"{commands.__name__}.{word.replace('-', '_')}")
        one = choice.add_parser(word, help=command.HELP, description=command.__doc__)
        command.arguments(one)
        one.add_argument("--json", action="store_true", help="all figures, for another program")
        one.set_defaults(main=command.main)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except Refusal as refusal:
        sys.exit(f"experiments: {refusal}")
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
