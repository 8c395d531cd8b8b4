"""What the pages say is so: columns, links, verbs, knobs and files."""

import re
from pathlib import Path

import pytest
import yaml

from stages.prepare import events, props, racing
from tests.pipeline_copy import ROOT
from trueline.core.runtime.params import StageSettings
from trueline.core.tables.table_schema import Column

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(
    ("page", "columns"),
    [
        ("racing", racing.RAW_COLUMNS),
        ("props", [*props.GAME_COLUMNS, *props.LINE_COLUMNS, *props.PRODUCTION_COLUMNS]),
        ("events", events.RAW_COLUMNS),
    ],
    ids=["racing", "props", "events"],
)
def test_the_page_on_a_task_lists_the_declared_columns(page: str, columns: list[Column]) -> None:
    text = _text(f"docs/{page}.md")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (\w+) \| (yes|no) \| (.+) \|$", text, re.M)
    declared = [(c.name, c.kind, c.unit or "–", c.known, "yes" if c.required else "no", c.meaning) for c in columns]
    assert rows == declared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_and_verbs_exist(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"`((?:trueline|stages|tests)/[\w/.]+\.\w+)`", text):
        assert (ROOT / name).exists(), name
    verbs = re.findall(r"^(\w+):", _text("Makefile"), re.M)
    for verb in re.findall(r"^make (\w+)", text, re.M):
        assert verb in verbs, verb
    for module in re.findall(r"python -m ((?:stages|trueline\.(?:benchmarks|samples|experiments))(?:\.\w+)?)", text):
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists(), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_knobs_that_pages_set_are_in_params(page: Path) -> None:
    params = yaml.safe_load(_text("params.yaml"))
    for knob in re.findall(r"-S ([\w.]+)=", page.read_text()):
        place = params
        for word in knob.split("."):
            assert word in place, knob
            place = place[word]


def test_every_knob_has_a_sentence_or_a_line_of_its_own_kind() -> None:
    lines = _text("params.yaml").splitlines()
    silent = [line for line in lines if re.match(r"\s+\w+: (?!\{)[^#]+$", line) and "members" not in line]
    assert len(silent) <= 2, silent


def test_no_model_of_knobs_has_defaults_that_params_would_not_show() -> None:
    from stages.diagnose.units.evidence import CheckLimits
    from trueline.core.splits.stratified import StratifiedSettings
    from trueline.core.splits.walk_forward import WalkForwardSettings

    for model in (CheckLimits, StratifiedSettings, WalkForwardSettings):
        assert issubclass(model, StageSettings)
        assert all(field.is_required() for field in model.model_fields.values())


def _text(name: str) -> str:
    return (ROOT / name).read_text()
