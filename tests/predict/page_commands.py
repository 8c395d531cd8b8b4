"""The commands of the page on predictions, run as they stand there, but for where they write."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline_copy import ROOT
from trueline.predict.__main__ import main
from trueline.service.monitoring.prediction_log import read_log


def run_page_command(task: str, folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Return the table that the page's command for a task writes in a folder; it must log as many predictions."""
    text = (ROOT / "docs/predict.md").read_text()
    (command,) = re.findall(rf"^python -m trueline predict ({task} .+)$", text, re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert f"python -m trueline predict {command}" in makefile, "make tomorrow runs the same command"
    words = shlex.split(command)
    file = output / words[words.index("--out") + 1]
    words[words.index("--out") + 1] = str(file)
    monkeypatch.chdir(folder)
    main([*words, "--log", str(output / "log")])
    table = pd.read_csv(file)
    kinds = table.get("line_kind", pd.Series("main", table.index))
    assert len(read_log(output / "log" / task)) == (kinds != "alternate").sum()
    return table
