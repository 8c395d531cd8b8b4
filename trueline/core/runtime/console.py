"""The console: what a program prints must not end it where the terminal knows fewer letters."""

import io
import sys


def replace_unknown_letters() -> None:
    """Print letters that the console's encoding lacks, such as the 2 of R² in ASCII, as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
