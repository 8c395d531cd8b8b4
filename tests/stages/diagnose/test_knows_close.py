"""A closing price under another name is named, also where only some races have it; what is known before is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import knows_close
from stages.diagnose.units.evidence import Evidence, Finding
from tests.stages.diagnose.test_diagnose import SEEDS, healthy, marketless
from trueline.core.tables.table_schema import Column

SETTINGS = knows_close.Settings(
    rank_correlation=0.97,
    group_share=0.3,
    favourite_share=0.95,
    doubtful_correlation=0.91,
    doubtful_share=0.26,
    doubtful_favourite=0.88,
)


def ask(evidence: Evidence) -> Finding:
    return knows_close.check(evidence, SETTINGS)


def with_input(evidence: Evidence, values: Any) -> Evidence:
    return replace(evidence, features=evidence.features.assign(tempo=values))


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_inputs_are_far_from_the_close(seed: int) -> None:
    found = ask(healthy(seed))
    assert found["status"] == "ok"
    assert found["details"]["top"][0]["rank_correlation"] < 0.95


@pytest.mark.parametrize("form", [np.log, np.negative, np.sqrt, lambda price: np.round(price, 3)])
def test_the_closing_price_is_named_in_any_monotone_form(form: Any) -> None:
    evidence = healthy()
    found = ask(with_input(evidence, form(evidence.prepared["soft_label"].to_numpy())))
    assert found["status"] == "failed"
    assert found["details"]["inputs"] == ["tempo"]
    assert found["summary"].startswith("tempo (soft_label, rank correlation")


def test_it_is_named_where_only_half_of_the_races_have_it() -> None:
    evidence = healthy()
    rows, noise = evidence.prepared, np.random.default_rng(1).random(len(evidence.prepared))
    is_told = rows["group"].str[-1].isin(list("02468"))
    found = ask(with_input(evidence, rows["soft_label"].where(is_told, noise)))
    assert found["details"]["inputs"] == ["tempo"]
    share = next(entry["share_of_groups"] for entry in found["details"]["top"] if entry["input"] == "tempo")
    assert share == pytest.approx(0.5, abs=0.05)


def test_a_close_in_some_races_is_asked_for_its_time() -> None:
    evidence = healthy()
    close, noise = evidence.prepared["soft_label"], np.random.default_rng(5).random(len(evidence.prepared))
    is_told = pd.factorize(evidence.prepared["group"])[0] % 100 < 28
    found = ask(with_input(evidence, close.where(is_told, noise)))
    assert found["status"] == "warning"
    assert found["details"]["inputs"] == ["tempo"]
    assert "ask when it was known" in found["summary"]


def test_a_close_rounded_to_tenths_is_named_by_the_favourites_that_it_still_marks() -> None:
    evidence = healthy()
    found = ask(with_input(evidence, evidence.prepared["soft_label"].round(1)))
    assert found["status"] == "failed"
    assert found["details"]["inputs"] == ["tempo"]
    assert found["details"]["top"][0]["rank_correlation"] < SETTINGS.rank_correlation


@pytest.mark.parametrize("form", [lambda flag: flag, np.negative, lambda flag: flag.where(flag > 0)])
def test_a_flag_of_the_favourite_is_named_though_it_ranks_nobody_else(form: Any) -> None:
    evidence = healthy()
    close = evidence.prepared["soft_label"]
    is_favourite = close.eq(close.groupby(evidence.prepared["group"]).transform("max"))
    found = ask(with_input(evidence, form(is_favourite.astype(float))))
    assert found["status"] == "failed"
    assert found["details"]["inputs"] == ["tempo"]
    assert "the favourite of 100% of the races" in found["summary"]


def test_a_flag_that_marks_the_favourite_of_half_of_the_races_is_as_good_as_a_rating() -> None:
    evidence = healthy()
    random = np.random.default_rng(4).random(len(evidence.prepared))
    is_told = pd.factorize(evidence.prepared["group"])[0] % 2 == 0
    mark = evidence.prepared["soft_label"].where(is_told, pd.Series(random, evidence.prepared.index))
    flag = mark.eq(mark.groupby(evidence.prepared["group"]).transform("max"))
    assert ask(with_input(evidence, flag.astype(float)))["status"] == "ok"


def test_a_first_line_that_is_known_and_near_the_close_is_no_disguise() -> None:
    evidence = healthy()
    first = evidence.prepared["soft_label"] * np.exp(np.random.default_rng(2).normal(0, 0.02, len(evidence.prepared)))
    columns = [*evidence.columns, Column("open_line", "number", "before", "the first")]
    known = replace(evidence, prepared=evidence.prepared.assign(open_line=first), columns=columns)
    assert ask(with_input(known, first))["status"] == "ok"
    assert ask(with_input(known, known.prepared["soft_label"]))["status"] == "failed"


def test_a_figure_of_few_values_in_a_group_names_nobody() -> None:
    evidence = healthy()
    columns = [*evidence.columns, Column("side", "number", "at_start", "one of two sides")]
    half = (evidence.prepared["box"] > 3).astype(float)
    sided = replace(evidence, prepared=evidence.prepared.assign(side=half), columns=columns)
    rough = half + np.random.default_rng(3).normal(0, 0.4, len(half))
    assert ask(with_input(sided, rough))["status"] == "ok"


def test_at_the_off_the_close_is_known_and_without_a_market_there_is_none() -> None:
    evidence = healthy()
    assert ask(replace(evidence, audit={"decision": "at_start"}))["status"] == "declined"
    assert ask(marketless(evidence))["status"] == "declined"
