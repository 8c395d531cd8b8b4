"""The examples in the docstrings of trueline.core give what they show."""

import doctest
import io
from contextlib import redirect_stdout
from importlib import import_module

import pytest

from tests.pipeline_copy import ROOT

CORE = ROOT / "trueline/core"
MODULES = [
    ".".join(file.relative_to(CORE).with_suffix("").parts)
    for file in sorted(CORE.rglob("*.py"))
    if ">>> " in file.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name: str) -> None:
    report = io.StringIO()
    with redirect_stdout(report):
        failed, attempted = doctest.testmod(import_module(f"trueline.core.{name}"))
    assert attempted
    assert not failed, report.getvalue()


def test_modules_of_weight_have_examples() -> None:
    assert set(MODULES) >= {
        "betting.american_odds",
        "betting.grading",
        "errors",
        "history.past",
        "racing.race_losses",
        "runtime.params",
        "runtime.plugins",
        "splits.walk_forward",
        "stats.block_bootstrap",
        "stats.confidence_intervals",
        "stats.group_ops",
        "stats.shapley",
    }
