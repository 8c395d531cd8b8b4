"""An input with a share of the result in it is named, in whatever form; honest inputs, sharp ones too, are not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import knows_outcome
from stages.diagnose.units.evidence import Evidence, Finding
from tests.stages.diagnose.test_diagnose import SEEDS, healthy, marketless, quantities

SETTINGS = knows_outcome.Settings(correlation=0.1, t=5.0)


def ask(evidence: Evidence) -> Finding:
    return knows_outcome.check(evidence, SETTINGS)


def with_input(evidence: Evidence, values: object) -> Evidence:
    return replace(evidence, features=evidence.features.assign(tempo=values))


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_that_know_less_than_the_market_are_not_named(seed: int) -> None:
    for evidence in (healthy(seed), quantities(healthy(seed))):
        found = ask(evidence)
        assert found["status"] == "ok"
        assert abs(found["details"]["top"][0]["r"]) < 0.08


@pytest.mark.parametrize("weight", [0.3, 0.6, 1.0, -0.6])
def test_an_input_with_the_result_in_it_is_named_even_if_noise_covers_most_of_it(weight: float) -> None:
    for evidence in (healthy(), quantities(healthy())):
        target = evidence.prepared["target"]
        noise = np.random.default_rng(1).normal(size=len(target))
        found = ask(with_input(evidence, weight * (target - target.mean()) / target.std() + (1 - abs(weight)) * noise))
        assert (found["status"], found["details"]["inputs"]) == ("warning", ["tempo"])
        assert found["summary"].startswith("tempo (")
        assert np.sign(found["details"]["top"][0]["r"]) == np.sign(weight)


def test_outliers_do_not_hide_it_and_a_text_tells_it_as_well() -> None:
    evidence = healthy()
    target = evidence.prepared["target"].to_numpy()
    outliers = np.exp(12 * np.random.default_rng(2).normal(size=len(target)))
    assert (
        ask(with_input(evidence, np.exp(target) + outliers * (np.arange(len(target)) % 3 == 0)))["status"] == "warning"
    )
    form = pd.Categorical(np.where(target + np.random.default_rng(3).normal(0, 0.6, len(target)) > 0.5, "good", "poor"))
    found = ask(with_input(evidence, form))
    assert found["details"]["inputs"] == ["tempo"]


def test_a_text_with_a_level_of_its_own_for_nearly_every_row_is_not_named() -> None:
    evidence = healthy()
    assert ask(with_input(evidence, pd.Categorical(evidence.prepared["entity"])))["status"] == "ok"


def test_an_input_that_is_the_same_for_a_whole_race_or_missing_says_nothing() -> None:
    evidence = healthy()
    winner_is_first = (evidence.prepared["target"] * evidence.prepared["box"]).groupby(evidence.prepared["group"])
    assert ask(with_input(evidence, winner_is_first.transform("sum")))["status"] == "ok"
    assert ask(with_input(evidence, np.nan))["status"] == "ok"


def test_without_a_market_nothing_is_judged() -> None:
    assert ask(marketless(healthy()))["status"] == "declined"
