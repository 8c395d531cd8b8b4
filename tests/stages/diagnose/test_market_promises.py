"""A market that is right keeps its promises; rows left out by their result break them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import market_promises
from stages.diagnose.units.evidence import Evidence, Finding
from tests.stages.diagnose.test_diagnose import SEEDS, healthy, marketless, quantities

SETTINGS = market_promises.Settings(
    t=4.0,
    loss_share=0.04,
    band_share=0.015,
    book_share=0.03,
    over_share=0.04,
    tail_share=0.35,
    form_gain=0.12,
    short_share=0.05,
)


def ask(evidence: Evidence) -> Finding:
    return market_promises.check(evidence, SETTINGS)


def keep(evidence: Evidence, is_kept: pd.Series) -> Evidence:
    return replace(evidence, prepared=evidence.prepared[is_kept.to_numpy()].reset_index(drop=True))


def lines(seed: int, day_noise: float = 0.0) -> Evidence:
    """Evidence of a quantity whose line is right, priced at even chances."""
    evidence, random = quantities(healthy(seed)), np.random.default_rng(seed)
    rows = evidence.prepared
    line = np.round(random.uniform(5, 30, len(rows))) + 0.5
    shared = pd.Series(rows["group"]).map({name: random.normal() for name in rows["group"].unique()}).to_numpy()
    target = line + 6 * random.normal(size=len(rows)) + day_noise * shared
    return replace(evidence, prepared=rows.assign(soft_label=line, target=target))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_market_that_is_right_keeps_its_promises(seed: int) -> None:
    assert ask(healthy(seed))["status"] == "ok"
    assert ask(lines(seed))["status"] == "ok"
    assert ask(lines(seed, day_noise=3.0))["status"] == "ok"


def test_the_figures_are_those_of_the_races_counted_one_by_one() -> None:
    evidence = keep(healthy(), healthy().prepared["group"].isin([f"g{number}" for number in range(90)]))
    rows = evidence.prepared
    promised = [-(race["soft_label"] * np.log(race["soft_label"])).sum() for _, race in rows.groupby("group")]
    paid = [-np.log(race.loc[race["target"] == 1, "soft_label"].iloc[0]) for _, race in rows.groupby("group")]
    difference = np.array(paid) - np.array(promised)
    first, *bands = ask(evidence)["details"]["promises"]
    assert (first["promised"], first["paid"]) == pytest.approx((np.mean(promised), np.mean(paid)))
    assert first["t"] == pytest.approx(difference.sum() / np.sqrt((difference**2).sum()))
    assert sum(band["promised"] for band in bands) == pytest.approx(1)
    assert sum(band["paid"] for band in bands) == pytest.approx(1)
    cheap = rows["soft_label"].between(0.5, 1, inclusive="right")
    assert bands[0]["paid"] == pytest.approx(rows.loc[cheap, "target"].sum() / rows["group"].nunique())


def test_races_left_out_because_an_outsider_won_are_named_with_the_band_of_prices() -> None:
    evidence = healthy()
    outsider = evidence.prepared["target"].eq(1) & evidence.prepared["soft_label"].lt(1 / 15)
    found = ask(keep(evidence, ~evidence.prepared["group"].isin(evidence.prepared.loc[outsider, "group"])))
    assert found["status"] == "warning"
    assert any("prices from 15" in name for name in found["details"]["broken"])


def test_losers_left_out_of_their_races_are_named() -> None:
    evidence = healthy()
    loser = evidence.prepared["target"].eq(0) & evidence.prepared["soft_label"].lt(0.1)
    chosen = np.random.default_rng(1).random(len(loser)) < 0.7
    assert ask(keep(evidence, ~(loser & chosen)))["status"] == "warning"


def test_prices_that_sum_to_too_little_show_that_runners_are_left_out() -> None:
    evidence = healthy()
    priced = replace(evidence, prepared=evidence.prepared.assign(bsp=0.99 / evidence.prepared["soft_label"]))
    assert ask(priced)["status"] == "ok"
    short = evidence.prepared["group"].str.endswith("7")
    bsp = priced.prepared["bsp"].where(~short, 1.1 / evidence.prepared["soft_label"])
    found = ask(replace(priced, prepared=priced.prepared.assign(bsp=bsp)))
    assert found["details"]["broken"] == ["races whose 1/price sum to less than 0.95"]
    assert found["details"]["promises"][-1]["paid"] == pytest.approx(0.1, abs=0.01)


def test_results_left_out_below_the_line_or_far_from_it_are_named() -> None:
    evidence = lines(1)
    distance = evidence.prepared["target"] - evidence.prepared["soft_label"]
    half = np.random.default_rng(2).random(len(distance)) < 0.5
    found = ask(keep(evidence, ~((distance < -4) & half)))
    assert "results over the line" in found["details"]["broken"]
    assert ask(keep(evidence, distance.abs() < 9))["details"]["broken"] == ["results far from their line"]


def test_prices_that_say_how_likely_more_is_are_believed() -> None:
    evidence = lines(3)
    rows = evidence.prepared
    higher = rows.assign(target=rows["target"] + 2.0)
    assert ask(replace(evidence, prepared=higher))["status"] == "warning"
    priced = higher.assign(over_price=-182.0, under_price=150.0)  # 61.7 % without the margin; P(z < 1/3) is 63 %
    assert ask(replace(evidence, prepared=priced))["status"] == "ok"


def test_a_race_of_which_one_price_is_missing_does_not_count_and_without_a_market_nothing_does() -> None:
    evidence = healthy()
    first_rows = ~evidence.prepared["group"].duplicated()
    half = evidence.prepared["group"].str[-1].isin(list("02468")) & first_rows
    some = replace(evidence, prepared=evidence.prepared.assign(soft_label=evidence.prepared["soft_label"].mask(half)))
    assert ask(some)["details"]["groups"] == evidence.prepared["group"].nunique() - half.sum()
    assert ask(marketless(evidence))["status"] == "declined"
