"""Gain over the market: what its report says is what the weights prove."""

from dataclasses import replace

import numpy as np
import pytest

from stages.evaluate.race.gain_over_market import describe_gain, estimate_known_gain, report_gain
from tests.stages.evaluate.simulated_worlds import simulate_world
from trueline.core.stats.confidence_intervals import Interval


def build_interval(value: float, low: float | None, high: float | None, n: int = 1000) -> Interval:
    return {"value": value, "low": low, "high": high, "n": n}


def test_a_model_that_knows_more_is_said_to_and_its_weights_are_those_of_the_world() -> None:
    world = simulate_world(0, 3000, 0.4)
    report = report_gain(world.priced, 300, 3000, 0)
    true_gain = world.compute_true_gain()
    assert report["gain"]["n"] == report["gain_of_known_weights"]["n"] == 3000
    assert 0 < report["gain"]["low"] < true_gain < report["gain"]["high"]
    assert 0 < report["gain_of_known_weights"]["low"] < true_gain < report["gain_of_known_weights"]["high"]
    assert report["model_weight_interval"]["low"] < 0.4 < report["model_weight_interval"]["high"]
    assert report["model_weight"] == pytest.approx(report["model_weight_interval"]["value"])
    assert report["market_weight"] == pytest.approx(0.6, abs=0.1), "the world is run by the market less that much model"
    assert report["gain_where_fitted"]["n"] == 2900
    assert report["gain_where_fitted"]["value"] == pytest.approx(report["gain"]["value"] * 3000 / 2900)
    assert report["sentence"].startswith("The model adds +0.0")


def test_where_bands_differ_their_weights_do() -> None:
    report = report_gain(simulate_world(1, 8000, 0.0, outsiders_weight=0.6).priced, 1000, 3000, 0)
    prices = [band for band in report["bands"]["weights"] if "market_chance" in band]
    fields = [band for band in report["bands"]["weights"] if "runners" in band]
    assert [band["model_weight"] for band in prices] == pytest.approx([0.6, 0.2, 0.0], abs=0.2)
    assert prices[0]["model_weight"] > prices[1]["model_weight"] > prices[2]["model_weight"]
    assert [prices[0]["market_chance"][0], prices[-1]["market_chance"][1]] == [0, 1]
    assert prices[0]["market_chance"][1] == prices[1]["market_chance"][0]
    assert [band["runners"] for band in fields] == [[6, 6], [7, 8], [9, 10]]
    assert np.ptp([band["model_weight"] for band in fields]) < 0.1
    assert report["bands"]["gain"]["low"] > 0
    assert report["bands"]["used"] > 0.5


def test_a_copy_of_the_market_has_no_weight_and_gains_nothing() -> None:
    priced = simulate_world(2, 500, 0.0).priced
    report = report_gain(replace(priced, model=priced.market), 1000, 3000, 0)
    assert report["gain"]["value"] == pytest.approx(0, abs=1e-12)
    assert report["model_weight"] == 0
    assert report["sentence"].startswith("None: beside the market")


def test_the_interval_of_a_gain_is_that_of_the_weight_squared() -> None:
    assert estimate_known_gain(build_interval(0.2, 0.1, 0.3), 8.5) == pytest.approx(
        {"value": 0.008, "low": 0.0085 / 4, "high": 0.0085 * 9 / 4, "n": 1000}
    )
    beyond = estimate_known_gain(build_interval(-0.2, -0.3, -0.1), 8.5)
    assert beyond == pytest.approx(estimate_known_gain(build_interval(0.2, 0.1, 0.3), 8.5))
    around = estimate_known_gain(build_interval(0.1, -0.2, 0.4), 0.3)
    assert around == pytest.approx({"value": -0.0002, "low": 0, "high": 0.0003 * 16, "n": 1000})
    assert estimate_known_gain(build_interval(0.1, None, None, 20), 1.0)["low"] is None
    assert estimate_known_gain(build_interval(0.0, -0.1, 0.1), 0.0)["high"] == 0


@pytest.mark.parametrize(
    ("weight", "opening"),
    [
        (build_interval(0.1, 0.05, 0.15), "The model adds +0.00100"),
        (build_interval(-0.1, -0.15, -0.05), "The model, counted against its own view, adds +0.00100"),
        (build_interval(0.1, -0.05, 0.25), "None: beside the market the model's weight is +0.100 (-0.050 to +0.250)"),
        (build_interval(0.1, None, None), "1000 races have a price: too few"),
    ],
)
def test_the_sentence_follows_the_interval_of_the_weight(weight: Interval, opening: str) -> None:
    known, gain = build_interval(0.001, 0.0005, 0.002), build_interval(0.0008, -0.0001, 0.0017)
    assert describe_gain(gain, known, weight, 0.0004).startswith(opening)


def test_a_gain_that_is_called_visible_is_seen_in_most_worlds() -> None:
    visible = report_gain(simulate_world(0, 1000, 0.0).priced, 1000, 3000, 0)["visible"]
    random = np.random.default_rng(0)
    score = random.normal(np.sqrt(2 * visible * 1000), 1, 100_000)
    assert np.mean(np.abs(score) > 1.96) == pytest.approx(0.8, abs=0.01)
