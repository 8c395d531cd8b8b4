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
# by task: the pairs of a stage and a code file that it declares and never loads. They may only become fewer.
NEEDLESS = {"props": 18, "racing": 26, "events": 54}
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


def list_declared_code(stage: Any) -> set[str]:
    """Return the code files that an instance depends on, alone or in a folder, without contracts."""
    files = {file for dep in stage.deps for file in pipeline_copy.list_code(str(dep))}
    return {file for file in files if not is_contract(file)}


def find_domains(file: str, plan: dict[str, dict[str, Any]]) -> set[str]:
    """Return the domains that a file belongs to: those of its folder or of the tasks that name its plugin, or none."""
    top, _, name, *_ = Path(file).with_suffix("").parts
    if top == "stages":
        return {row["domain"] for task, row in plan.items() if name in {task, *row["members"], *map(str, row.values())}}
    return {name} & {row["domain"] for row in plan.values()}


def test_a_stage_loads_only_files_that_it_declares_and_names_only_what_its_shelf_may_load(
    walked: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, loaded, _ = walked
    instances = {stage.addressing: stage for stage in pipeline_copy.instances()}
    for stage in pipeline_copy.STAGES:
        instance = instances[f"{stage}@{task}"]
        undeclared = loaded[stage] - list_declared_code(instance)
        assert undeclared == set(), f"{stage} loads files that dvc.yaml does not name"
        named = {str(dep) for dep in instance.deps if str(dep).endswith(".py")}
        unused = named - loaded[stage] - pipeline_copy.reachable(stage)
        assert unused == set(), f"{stage} names files that no tool on its shelf could load"


def test_few_files_are_declared_that_an_instance_never_loads(
    walked: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, loaded, _ = walked
    needless = [
        f"{stage.addressing} {file}"
        for stage in pipeline_copy.instances()
        if stage.addressing.endswith(f"@{task}")
        for file in sorted(list_declared_code(stage) - loaded[stage.addressing.split("@")[0]])
    ]
    print(f"{task}: {len(needless)} code files are declared and never loaded", *needless, sep="\n  ")
    assert len(needless) <= NEEDLESS[task]


@pytest.mark.parametrize(
    ("file", "domains"),
    [
        ("trueline/core/text/tfidf.py", {"text"}),
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
    domains = {file: find_domains(file, plan) for file in list_declared_code(stage)}
    assert {file for file in domains if domains[file] and domain not in domains[file]} == set()


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
