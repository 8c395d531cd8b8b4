"""The page of benchmarks has a place for each, shows ratios before seconds, and names the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline_copy import ROOT
from trueline.benchmarks import all as benchmark
from trueline.benchmarks.__main__ import BENCHMARK_NAMES
from trueline.benchmarks._page_section import format_markers
from trueline.core.errors import UserError

OUTPUT = "5 columns\n  Past        1.00 s CPU\n  ratio to the best  0.50    goal ≤ 0.50"


def test_every_benchmark_on_the_page_exists_and_has_its_place_there() -> None:
    page = benchmark.PAGE.read_text()
    assert set(benchmark.QUESTIONS) <= set(BENCHMARK_NAMES)
    for name in benchmark.QUESTIONS:
        assert all(page.count(marker) >= 1 for marker in format_markers(f"all --only {name}"))


def test_ratios_come_first_and_then_everything() -> None:
    ratios, everything = benchmark.render_output(OUTPUT).split("In full:")
    assert "ratio to the best  0.50    goal ≤ 0.50" in ratios
    assert "CPU" not in ratios
    assert OUTPUT in everything


def test_a_table_whose_head_alone_speaks_of_ratios_is_shown_once() -> None:
    table = "task     CPU s  share\nracing    40.1  0.044"
    assert benchmark.render_output(table) == f"```\n{table}\n```"


def test_a_section_is_written_into_its_place_with_the_machine_and_no_other_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(benchmark.PAGE.read_text())
    monkeypatch.setattr(benchmark, "PAGE", page)
    monkeypatch.setattr(benchmark, "run_benchmark", lambda name: OUTPUT)
    benchmark.main("--only", "windows", "--write")
    text = page.read_text()
    assert benchmark.describe_machine() in text.split("## Thirty trials")[0]
    assert text.count(OUTPUT) == 1


def test_a_load_says_what_the_figures_are_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.1, 0.1, 0.1))
    assert "otherwise idle" in benchmark.format_load()
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.1, 0.1))
    assert "only ratios count" in benchmark.format_load()


def test_a_benchmark_that_fails_says_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(UserError, match="windows ends with exit code 1: it said nothing"):
        benchmark.run_benchmark("windows")


def test_the_diagnose_stage_runs_on_what_its_benchmark_simulates() -> None:
    command = [sys.executable, "-m", "trueline", "benchmarks", "diagnose", "--rows", "20000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "20000 rows" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["wall", "CPU", "peak"]
