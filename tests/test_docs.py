"""What the pages say is true: columns, links, files, commands and parameters exist."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.prepare import props, racing
from stages.prepare.events import event_table
from tests.pipeline_copy import ROOT
from trueline.__main__ import VERBS
from trueline.benchmarks.__main__ import BENCHMARK_NAMES
from trueline.core.runtime.params import DEFAULTS, TASK_SECTIONS, StageSettings, expand_params
from trueline.core.tables.table_schema import Column
from trueline.experiments.store.param_diff import flatten_params

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMENTED = re.compile(r"\s*\w+:(?: \S.*?)?  # (.*)")
KEY = re.compile(r"\s*\w+:")
UNCOMMENTED = re.compile(r"\s*(\w+):(?! \{)[^#]*$")  # a value on a line of its own, or none, which is null; not a range
MEMBER_SETTINGS = "member_settings"

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_pages_that_a_newcomer_looks_for_are_there() -> None:
    names = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    assert names <= {page.name for page in PAGES}
    assert _text("LICENSE").startswith("MIT License")
    linked = re.findall(r"\]\(([^)#]+)", _text("README.md"))
    assert names - {"README.md"} <= set(linked)
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} <= set(linked)


@pytest.mark.parametrize(
    ("page", "columns"),
    [
        ("racing", racing.RAW_COLUMNS),
        ("props", [*props.GAME_COLUMNS, *props.LINE_COLUMNS, *props.PRODUCTION_COLUMNS]),
        ("events", event_table.RAW_COLUMNS),
    ],
    ids=["racing", "props", "events"],
)
def test_the_page_on_a_task_lists_the_declared_columns(page: str, columns: list[Column]) -> None:
    text = _text(f"docs/{page}.md")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (\w+) \| (yes|no) \| (.+) \|$", text, re.M)
    declared = [(c.name, c.kind, c.unit or "–", c.known, "yes" if c.required else "no", c.meaning) for c in columns]
    assert rows == declared


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


@each_page
def test_named_paths_exist(page: Path) -> None:
    pattern = r"`((?:trueline|stages|tests|docs|experiments|data/sample|\.ci|\.github)/[\w./*-]*)`"
    for name in re.findall(pattern, page.read_text()):
        if (page.name, name) != ("CHANGELOG.md", "docs/tools.md"):  # which it says is gone
            assert list(ROOT.glob(name.rstrip("/"))), name


@each_page
def test_named_functions_are_in_the_files_that_are_named_beside_them(page: Path) -> None:
    for function, file in re.findall(r"`(\w+)` in\s`((?:trueline|stages)/[\w/]+\.py)`", page.read_text()):
        assert re.search(rf"^\s*def {function}\(", _text(file), re.M), f"{function} in {file}"


@each_page
def test_named_commands_exist(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"(?:^|`)make ([\w-]+)", text, re.M):
        assert target in re.findall(r"^([\w-]+):", _text("Makefile"), re.M), target
    if page.name != "CHANGELOG.md":  # which names commands that are gone
        for module in re.findall(r"python -m ((?:stages|trueline)\.[\w.]+)", text):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for verb, word in re.findall(r"python -m trueline ([a-z]+)(?: ([\w-]+))?", text):
        assert verb in VERBS, verb
        if verb == "experiments" and word:
            assert hasattr(import_module(f"trueline.experiments.commands.{word.replace('-', '_')}"), "arguments"), word
        if verb == "benchmarks" and word:
            assert word in BENCHMARK_NAMES, word


@each_page
def test_parameters_that_pages_set_are_in_params(page: Path) -> None:
    params = yaml.safe_load(_text("params.yaml"))
    for line in page.read_text().splitlines():
        for plus, parameter in re.findall(r"-S (\+?)([\w.]+)=", line):
            assert _has(expand_params(params), parameter), parameter
            is_known_to_dvc = _has(params, parameter) != bool(plus)
            assert is_known_to_dvc or "dvc exp run" not in line, f"{parameter}: a plus adds what a section lacks"


def test_every_parameter_has_a_sentence_beside_it_or_beside_its_default() -> None:
    lines, params = _text("params.yaml").splitlines(), yaml.safe_load(_text("params.yaml"))
    sections: list[str] = []
    for line in filter(KEY.match, lines):
        sections[(len(line) - len(line.lstrip())) // 2 :] = [line.split(":")[0].strip()]
        default_path = [sections[0], DEFAULTS, *sections[2:]]
        if MEMBER_SETTINGS in sections:  # a learner's own parameters, explained where the learner has its section
            default_path = [sections[0], DEFAULTS, *sections[sections.index(MEMBER_SETTINGS) + 1 :]]
        has_default = sections[0] in TASK_SECTIONS and _has(params, ".".join(default_path))
        is_explained_elsewhere = has_default and default_path != sections
        assert not UNCOMMENTED.match(line) or is_explained_elsewhere or _is_section(params, sections), line
    comments = [found[1] for line in lines if (found := COMMENTED.match(line))]
    assert len(comments) > 280
    assert [comment for comment in comments if not re.fullmatch(r"[A-Z].*\.", comment)] == []


def test_every_stage_has_a_description() -> None:
    stages = yaml.safe_load(_text("dvc.yaml"))["stages"]
    assert all(re.fullmatch(r"[A-Z].*\.", stage["do"]["desc"]) for stage in stages.values())


def test_no_model_of_settings_has_defaults_that_params_would_not_show() -> None:
    from stages.diagnose.units.evidence import CheckLimits
    from trueline.core.splits.stratified import StratifiedSettings
    from trueline.core.splits.walk_forward import WalkForwardSettings

    for model in (CheckLimits, StratifiedSettings, WalkForwardSettings):
        assert issubclass(model, StageSettings)
        assert all(field.is_required() for field in model.model_fields.values())


def test_a_task_says_only_what_differs_from_the_defaults() -> None:
    params = yaml.safe_load(_text("params.yaml"))
    for stage in TASK_SECTIONS:
        defaults = flatten_params(params[stage].pop(DEFAULTS))
        for name, section in params[stage].items():
            settings = flatten_params(section)
            common = {path for path in settings.keys() & defaults.keys() if ".ranges." not in path}  # a range is whole
            assert [path for path in common if settings[path] == defaults[path] != {}] == [], (stage, name)


def _is_section(params: Any, path: list[str]) -> bool:
    for key in path:
        params = params[key]
    return isinstance(params, dict)


def _has(params: Any, parameter: str) -> bool:
    for key in parameter.split("."):
        if not isinstance(params, dict) or key not in params:
            return False
        params = params[key]
    return True


def _text(name: str) -> str:
    return (ROOT / name).read_text()
