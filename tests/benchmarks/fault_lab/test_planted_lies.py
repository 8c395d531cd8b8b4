"""Planted lies: nothing at strength 0, more rows at more strength, and each is named by its check."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import doubled_outcomes, formula_lines, knows_close, knows_outcome, market_promises
from stages.diagnose.units.evidence import Evidence
from trueline.benchmarks.fault_lab.planted_faults import inject_fault
from trueline.benchmarks.fault_lab.planted_lies import INPUT_LIES, NOISE_KEPT, RAW_LIES, Tables
from trueline.core.runtime.params import list_section_names, load_settings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.walk_forward import list_key_columns
from trueline.samples import events, props, racing

TABLE_OF_TASK = {"racing": "runners", "events": "events"}
KINDS = [(task, kind) for task, lies in RAW_LIES.items() for kind in lies]
COPIES = {"races told twice": "the same race under another id", "games told twice": "the same game under another id"}


@cache
def sample(task: str) -> Tables:
    return {
        "racing": lambda: {"runners": racing.make_sample(1)},
        "props": lambda: props.make_sample(1),
        "events": lambda: {"events": pd.DataFrame(events.make_sample(1))},
    }[task]()


@cache
def simulate(seed: int) -> Evidence:
    return inject_fault("nothing", seed)


@cache
def prepare_honest(task: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    return prepare(task, sample(task))


def prepare(task: str, tables: Tables) -> tuple[pd.DataFrame, dict[str, Any]]:
    cleaner = load_plugin("prepare", task)
    raw = tables if task == "props" else tables[TABLE_OF_TASK[task]]
    result: tuple[pd.DataFrame, dict[str, Any]] = cleaner.prepare(raw, load_settings(cleaner.Settings, "prepare", task))
    return result


def make_evidence(task: str, prepared: pd.DataFrame, quality: dict[str, Any], inputs: pd.DataFrame) -> Evidence:
    cleaner = load_plugin("prepare", task)
    columns = cleaner.columns(prepared) if hasattr(cleaner, "columns") else cleaner.COLUMNS
    limits: Any = None
    folds = prepared[list_key_columns(prepared)]
    return Evidence(task, pd.DataFrame(), prepared, columns, inputs, folds, {}, {}, limits, 1, quality)


def find_named(evidence: Evidence) -> set[str]:
    """Return the checks that do not say ok."""
    findings = {"doubled_outcomes": doubled_outcomes.check(evidence)}
    for check in (knows_outcome, knows_close, formula_lines, market_promises):
        name = check.__name__.rpartition(".")[2]
        if name not in list_section_names("diagnose", evidence.task):
            continue
        settings = load_settings(check.Settings, "diagnose", evidence.task, name)
        findings[name] = check.check(evidence, settings)
    return {name for name, finding in findings.items() if finding["status"] in ("warning", "failed")}


@pytest.mark.parametrize(("task", "kind"), KINDS)
def test_strength_0_plants_nothing_and_the_seed_decides_what_is_chosen(task: str, kind: str) -> None:
    lie, tables = RAW_LIES[task][kind], sample(task)
    nothing = lie(tables, 0.0, 3)
    for name, table in tables.items():
        common = [column for column in table if column != "early_speed"]  # a rating is rescaled
        assert len(nothing[name]) == len(table)
        assert nothing[name][common].astype(str).equals(table[common].astype(str))
    first, again = lie(tables, 0.5, 3), lie(tables, 0.5, 3)
    assert all(first[name].astype(str).equals(again[name].astype(str)) for name in tables)


@pytest.mark.parametrize(
    ("task", "kind", "strength", "check"),
    [
        ("racing", "races dropped by outcome", 1.0, "market_promises"),
        ("racing", "runners dropped by outcome", 0.5, "market_promises"),
        ("racing", "races told twice", 0.1, "doubled_outcomes"),
        ("props", "lines by formula", 0.1, "formula_lines"),
        ("props", "lines by median", 0.3, "formula_lines"),
        ("props", "games told twice", 0.1, "doubled_outcomes"),
        ("props", "low results dropped", 0.5, "market_promises"),
        ("props", "far results dropped", 1.0, "market_promises"),
        ("events", "events told twice", 0.1, "doubled_outcomes"),
    ],
)
def test_a_lie_of_the_raw_tables_is_named_by_its_check(task: str, kind: str, strength: float, check: str) -> None:
    prepared, quality = prepare(task, RAW_LIES[task][kind](sample(task), strength, 1))
    named = find_named(make_evidence(task, prepared, quality, prepared[["row_id"]]))
    assert named == {check}
    if kind in COPIES:
        assert quality["intake"]["set_aside"][COPIES[kind]]["share"] == pytest.approx(strength, abs=0.05)


@pytest.mark.parametrize("task", ["racing", "props", "events"])
def test_honest_tables_are_quiet(task: str) -> None:
    prepared, quality = prepare_honest(task)
    assert not find_named(make_evidence(task, prepared, quality, prepared[["row_id"]]))


@pytest.mark.parametrize(
    ("kind", "name", "check", "strength"),
    [
        ("closing price under another name", "early_speed", "knows_close", 0.5),
        ("closing price under another name", "early_speed", "knows_close", 1.0),
        ("favourite under another name", "early_speed", "knows_close", 1.0),
        ("rating from this race's margin", "early_speed", "knows_outcome", 0.5),
        ("rating from this race's margin", "early_speed", "knows_outcome", 1.0),
    ],
)
def test_a_lying_rating_of_the_runners_is_named(kind: str, name: str, check: str, strength: float) -> None:
    prepared, quality = prepare("racing", RAW_LIES["racing"][kind](sample("racing"), strength, 1))
    assert find_named(make_evidence("racing", prepared, quality, prepared[["row_id", name]])) == {check}


@pytest.mark.parametrize(
    ("kind", "strength", "check"),
    [
        ("an input with the result in it", 0.25, "knows_outcome"),
        ("an input with the closing figure in it", 0.5, "knows_close"),
    ],
)
def test_a_lying_input_is_named_in_a_world_whose_market_errs(kind: str, strength: float, check: str) -> None:
    world = simulate(1)
    lying = INPUT_LIES[kind](world.features, world.prepared, strength, 1)
    assert find_named(make_evidence("props", world.prepared, {}, world.features)) == set()
    assert find_named(make_evidence("props", world.prepared, {}, lying)) == {check}


def test_chosen_noise_goes_with_the_target_more_than_chance_would() -> None:
    world = simulate(1)
    lying = INPUT_LIES["noise inputs chosen on all rows"](world.features, world.prepared, 0.05, 1)
    added = [name for name in lying if name not in world.features]
    assert len(added) == NOISE_KEPT
    correlations = np.abs(lying[added].corrwith(world.prepared["target"]))
    assert correlations.min() * np.sqrt(len(lying)) > 1.0
    assert not find_named(make_evidence("props", world.prepared, {}, lying))  # a sealed period is what answers this
