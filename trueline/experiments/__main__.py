"""python -m trueline experiments COMMAND: what was tried, and what of it is worth keeping."""

import argparse
import importlib
import os
import pkgutil
import sys

from trueline.core.errors import UserError
from trueline.experiments import commands


def main() -> None:
    """Run the command that is named and print what it found, as JSON with --json."""
    options = _parse_arguments()
    result = options.main(options)
    if options.json:
        from trueline.experiments.cli import to_json  # reads git; the help does without

        print(to_json.format_json(result))
    elif result:
        print("\n".join(result))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline experiments", description="What was tried, compared as it may be."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    command_names = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))
    requested = [command_name for command_name in command_names if command_name in sys.argv[1:2]]
    for command_name in requested or command_names:  # importing the others would take longer than most answers
        command = importlib.import_module(f"{commands.__name__}.{command_name.replace('-', '_')}")
        command_parser = subparsers.add_parser(command_name, help=command.HELP, description=command.__doc__)
        command.arguments(command_parser)
        command_parser.add_argument("--json", action="store_true", help="all figures, for another program")
        command_parser.set_defaults(main=command.main)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except UserError as refusal:
        sys.exit(f"experiments: {refusal}")
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
