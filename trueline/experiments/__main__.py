"""Entry point of `python -m trueline experiments COMMAND`: run, list, compare and promote experiments."""

import argparse
import errno
import importlib
import io
import os
import pkgutil
import sys

from trueline.core.errors import UserError
from trueline.experiments import commands
from trueline.experiments.cli import INTERRUPTED_EXIT_CODE

OTHER_KIND_ERRORS = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT)  # a file for a folder, or nothing at all


def main() -> None:
    """Run the chosen command and print its result, as JSON with --json."""
    options = _parse_arguments()
    result = options.main(options)
    if options.json:
        from trueline.experiments.cli import to_json  # imports much of the registry, which --help does not need

        print(to_json.format_json(result))
    elif result:
        print("\n".join(result))


def _convert_argument(argument: str) -> str:
    """Return an argument as text, also if it is UTF-8 and the locale is not; that of an existing file stays as it is.

    Raises UserError for one that is neither text in the locale's encoding nor UTF-8.
    """
    try:
        argument.encode()
        return argument
    except UnicodeEncodeError:
        content = os.fsencode(argument)
    if os.path.exists(argument):
        return argument
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UserError(f"{content!r} is not text, neither in this locale nor in UTF-8; write it in UTF-8.") from None


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline experiments", description="Run experiments, compare them and promote their models."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    command_names = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))
    requested = [command_name for command_name in command_names if command_name in sys.argv[1:2]]
    for command_name in requested or command_names:  # importing the others takes longer than most commands
        command = importlib.import_module(f"{commands.__name__}.{command_name.replace('-', '_')}")
        command_parser = subparsers.add_parser(command_name, help=command.HELP, description=command.__doc__)
        command.arguments(command_parser)
        command_parser.add_argument(
            "--json", action="store_true", help="print all figures as JSON, for another program"
        )
        command_parser.set_defaults(main=command.main)
    return parser.parse_args(list(map(_convert_argument, sys.argv[1:])))


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale that is not UTF-8 has no dash or × to print
    try:
        main()
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"experiments: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        location = f" at {error.filename}" if error.filename else ""
        remedy = "look what lies there" if error.errno in OTHER_KIND_ERRORS else "make room or allow writing there"
        sys.exit(f"experiments: the system reports {error.strerror or error}{location}; {remedy}.")
