"""What DVC is told is what happens: declared deps are the loaded modules, declared paths are the doors'."""

import ast
import json
import subprocess
import sys
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
PLUGIN_PACKAGES = {f"stages/{folder}" for folder in ("evaluate", "prepare")}  # their subpackages are plugins
PIN = ["from trueline.core.runtime.numeric_pins import pin_numerics", "pin_numerics()"]
LOADED = """
import json, runpy, sys
from pathlib import Path
sys.argv = [sys.argv[1], sys.argv[2]]
room, root = sys.argv[0], Path.cwd().resolve()
try:
    runpy.run_module(room, run_name="__main__", alter_sys=False)
finally:
    files = {Path(m.__file__).resolve() for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
    inside = sorted(str(f.relative_to(root)) for f in files if f.is_relative_to(root))
    Path("loaded.json").write_text(json.dumps({"files": inside, "tensorflow": "tensorflow" in sys.modules}))
"""


def is_contract(module: str) -> bool:
    """Say whether a file is a package's `__init__.py` that holds no code, which DVC need not know."""
    file = Path(module)
    return file.name == "__init__.py" and str(file.parents[1]) not in PLUGIN_PACKAGES


@pytest.fixture(scope="module", params=pipeline_copy.tasks())
def walked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, set[str]], set[str]]:
    """Walk a task through the corridor in a copy; note which files each stage loaded, and which loaded TensorFlow."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("truth"))
    pipeline_copy.quicken(folder, request.param)
    pipeline_copy.shrink(folder, request.param)
    loaded, heavy = {}, set()
    for stage in pipeline_copy.STAGES:
        command = [sys.executable, "-c", LOADED, f"stages.{stage}", request.param]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        told = json.loads((folder / "loaded.json").read_text())
        heavy |= {stage} if told["tensorflow"] else set()
        modules = set(told["files"]) | {f"stages/{stage}/__main__.py"}
        loaded[stage] = {module for module in modules if not is_contract(module)}
    return request.param, loaded, heavy


def test_a_stage_loads_only_files_that_it_declares_and_declares_only_what_its_shelf_may_load(
    walked: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, loaded, _ = walked
    declared = {
        stage.addressing.split("@")[0]: {str(dep) for dep in stage.deps if str(dep).endswith(".py")}
        for stage in pipeline_copy.instances()
        if stage.addressing.endswith(f"@{task}")
    }
    for stage in pipeline_copy.STAGES:
        assert loaded[stage] - declared[stage] == set(), f"{stage} loads files that dvc.yaml does not name"
        unused = declared[stage] - loaded[stage] - pipeline_copy.reachable(stage)
        assert unused == set(), f"{stage} names files that no tool on its shelf could load"


def test_only_a_stage_that_fits_a_network_loads_tensorflow(walked: tuple[str, dict[str, set[str]], set[str]]) -> None:
    task, _, heavy = walked
    assert heavy == ({"train"} if task == "events" else set())


@pytest.mark.parametrize("stage", pipeline_copy.instances(), ids=lambda stage: stage.addressing)
def test_a_door_reads_and_writes_exactly_what_dvc_is_told(stage: Any) -> None:
    room, task = stage.addressing.split("@")
    door = import_module(f"stages.{room}.__main__")
    reads = {path.format(task=task) for path in door.READS.values()}
    writes = {path.format(task=task) for path in (door.WRITES | getattr(door, "LIVE", {})).values()}
    made = ("data/", "models/", "metrics/")
    declared = {str(d) for d in stage.deps if str(d).startswith(made) and "data/sample/" not in str(d)}
    assert reads == declared
    assert writes == {str(out) for out in stage.outs}


@pytest.mark.parametrize(
    "package",
    [
        package
        for package in PACKAGES
        if str(package.parent.parent.relative_to(pipeline_copy.ROOT)) not in PLUGIN_PACKAGES
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
