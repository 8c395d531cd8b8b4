"""What DVC is told is what happens: declared paths are those of the stage, and no code of a domain re-runs another."""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests import pipeline_copy

PACKAGES = [
    pipeline_copy.ROOT / "trueline/__init__.py",
    *(
        file
        for folder in ("trueline/core", "trueline/samples", "trueline/benchmarks", "stages")
        for file in sorted((pipeline_copy.ROOT / folder).rglob("__init__.py"))
    ),
]
PIN = ["from trueline.core.runtime.numeric_pins import pin_numerics", "pin_numerics()"]


def find_domains(file: str, plan: dict[str, dict[str, Any]]) -> set[str]:
    """Return the domains that a file belongs to: those of its folders or of the tasks that name its plugin, or none."""
    top, _, name, *below = Path(file).with_suffix("").parts
    if top == "stages":
        return {row["domain"] for task, row in plan.items() if name in {task, *row["members"], *map(str, row.values())}}
    return {name, *below} & {row["domain"] for row in plan.values()}


@pytest.mark.parametrize(
    ("file", "domains"),
    [
        ("trueline/core/text/cleaning.py", {"text"}),
        ("trueline/core/models/text/tfidf.py", {"text"}),
        ("trueline/core/models/tabular/log_odds.py", set()),
        ("stages/evaluate/market/line_types.py", {"betting"}),
        ("stages/features/racing.py", {"racing"}),
        ("stages/resample/none.py", {"betting", "racing", "text"}),
        ("trueline/core/stats/rolling.py", set()),
    ],
)
def test_code_belongs_to_the_domain_of_its_folder_or_of_the_tasks_that_name_it(file: str, domains: set[str]) -> None:
    assert find_domains(file, pipeline_copy.params(pipeline_copy.ROOT)["tasks"]) == domains


@pytest.mark.parametrize("stage", pipeline_copy.instances(), ids=lambda stage: stage.addressing)
def test_no_instance_depends_on_the_code_of_another_domain(stage: Any) -> None:
    plan = pipeline_copy.params(pipeline_copy.ROOT)["tasks"]
    domain = plan[stage.addressing.split("@")[1]]["domain"]
    domains = {file: find_domains(file, plan) for file in pipeline_copy.list_declared_code(stage)}
    assert {file for file in domains if domains[file] and domain not in domains[file]} == set()


@pytest.mark.parametrize("stage", pipeline_copy.instances(), ids=lambda stage: stage.addressing)
def test_a_stage_reads_and_writes_exactly_what_dvc_is_told(stage: Any) -> None:
    stage_name, task = stage.addressing.split("@")
    entry_point = import_module(f"stages.{stage_name}.__main__")
    reads = {path.format(task=task) for path in entry_point.READS.values()}
    writes = {path.format(task=task) for path in (entry_point.WRITES | getattr(entry_point, "LIVE", {})).values()}
    made = ("data/", "models/", "metrics/")
    declared = {str(d) for d in stage.deps if str(d).startswith(made) and "data/sample/" not in str(d)}
    assert reads == declared
    assert writes == {str(out) for out in stage.outs}


@pytest.mark.parametrize(
    "package",
    [
        package
        for package in PACKAGES
        if str(package.parent.parent.relative_to(pipeline_copy.ROOT)) not in pipeline_copy.PLUGIN_PACKAGES
    ],
    ids=lambda package: package.parent.name,
)
def test_a_package_file_holds_its_contract_and_nothing_else(package: Path) -> None:
    contract, *code = ast.parse(package.read_text()).body
    assert ast.get_docstring(ast.parse(package.read_text()))
    assert isinstance(contract, ast.Expr)
    pinned = (
        package.parent.parent == pipeline_copy.ROOT
    )  # whichever top-level package is imported first pins the kernels
    assert [ast.unparse(line) for line in code] == PIN * pinned
