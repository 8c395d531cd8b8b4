"""The console: letters that a terminal does not know are printed as escapes, by stages and by every verb."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_letter_that_the_terminal_lacks_is_escaped_and_ends_nothing(encoding: str) -> None:
    code = (
        "from trueline.core.runtime.console import replace_unknown_letters\n"
        "replace_unknown_letters(); print('R² of the Łódź races')"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.strip() == "R² of the Łódź races".encode(encoding, "backslashreplace")


@pytest.mark.parametrize("module", ["trueline", "stages.evaluate"])
def test_every_command_line_prints_in_ascii_what_it_can(module: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run([sys.executable, "-m", module, "Łódź"], env=environment, capture_output=True, text=True)
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert "\\u0141\\xf3d\\u017a" in done.stderr
