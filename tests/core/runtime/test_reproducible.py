"""Which machines reproduce the bytes of dvc.lock, and the reason given for all others."""

import subprocess
import sys

import pytest
import yaml

from tests.pipeline_copy import ROOT
from trueline.core.compute.reproducible import explain_difference

MODERN = "flags : fpu sse4_2 fma avx2"


def test_linux_on_x86_64_with_fused_multiply_add_and_python_3_11_reproduces_the_bytes() -> None:
    assert explain_difference("Linux", "x86_64", (3, 11), MODERN) == ""


@pytest.mark.parametrize(
    ("machine", "word"),
    [
        (("Linux", "aarch64", (3, 11), MODERN), "aarch64"),
        (("Darwin", "arm64", (3, 11), ""), "Darwin"),
        (("Linux", "x86_64", (3, 11), "flags : fpu sse4_2 fma4"), "multiply-add"),
        (("Linux", "x86_64", (3, 12), MODERN), "3.12"),
    ],
)
def test_every_other_machine_gets_a_reason(machine: tuple[str, str, tuple[int, int], str], word: str) -> None:
    assert word in explain_difference(*machine)


def test_make_run_prints_the_reason_before_it_runs() -> None:
    command = [sys.executable, "-W", "error", "-m", "trueline.core.compute.reproducible"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.count("\n") <= 1
    assert "python -m trueline.core.compute.reproducible" in (ROOT / "Makefile").read_text()


def test_the_review_workflow_runs_everything_and_accepts_no_difference() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/review.yaml").read_text())["jobs"]
    commands = [step.get("run", "") for step in jobs["reproduce"]["steps"]]
    assert "make run" in commands
    assert any('test -z "$(git status --porcelain)"' in command for command in commands)
