"""python -m experiments COMMAND: what was tried, and what of it is worth keeping."""

import argparse
import importlib
import json
import pkgutil
import sys
from types import ModuleType

from core.refusals import Refusal
from experiments import commands


def main() -> None:
    """Run the command that is named and print what it found, as JSON with --json."""
    asked = _asked()
    found = asked.main(asked)
    if asked.json:
        print(json.dumps(found, indent=2, default=str))
    elif found:
        print("\n".join(found))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments", description="What was tried, compared as it may be.")
    choice = parser.add_subparsers(required=True, metavar="COMMAND")
    for word in sorted(module.name for module in pkgutil.iter_modules(commands.__path__)):
        command = _command(word)
        one = choice.add_parser(word.replace("_", "-"), help=command.HELP, description=command.__doc__)
        command.arguments(one)
        one.add_argument("--json", action="store_true", help="all figures, for another program")
        one.set_defaults(main=command.main)
    return parser.parse_args()


def _command(word: str) -> ModuleType:
    return importlib.import_module(f"{commands.__name__}.{word}")


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(f"experiments: {refusal}")
