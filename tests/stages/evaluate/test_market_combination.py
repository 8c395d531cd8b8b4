"""Market combination: weights come from earlier days only, cost little, and see half a thousandth of a nat."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from stages.evaluate.race.gain_over_market import estimate_known_gain, estimate_weights
from stages.evaluate.race.market_combination import (
    RIDGE_PENALTY,
    PricedRaces,
    collect_priced_races,
    combine_with_market,
    plan_refits,
)
from tests.stages.evaluate.simulated_worlds import find_weight, simulate_world
from trueline.core.stats.block_bootstrap import bootstrap_mean
from trueline.core.stats.confidence_intervals import Interval
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.race_logit import RaceRows

PRIOR_RACES, BAND_RACES = 1000, 3000  # as in params.yaml
GAIN, RACES, SEEDS = 0.0005, 20_000, 16


def take_races(priced: PricedRaces, race_count: int) -> PricedRaces:
    """Return the first races."""
    rows = priced.races.size[:race_count].sum()
    return PricedRaces(
        RaceRows(priced.races.size[:race_count]),
        priced.model[:rows],
        priced.market[:rows],
        priced.won[:rows],
        priced.day[:race_count],
    )


def estimate_by_normal(values: Floats) -> Interval:
    """Return the mean with a normal interval, which takes no resampling of so many races."""
    error = 1.96 * values.std() / np.sqrt(len(values))
    mean = float(values.mean())
    return {"value": mean, "low": mean - error, "high": mean + error, "n": len(values)}


def measure_worlds(model_weight: float, seeds: range) -> tuple[list[Interval], list[Interval], list[float]]:
    """Return for each world the realised gain, the gain of known weights and the true gain."""
    realised, known, true = [], [], []
    for seed in seeds:
        world = simulate_world(seed, RACES, model_weight)
        realised.append(estimate_by_normal(combine_with_market(world.priced, PRIOR_RACES, BAND_RACES).gain))
        weights, influence = estimate_weights(world.priced)
        known.append(estimate_known_gain(estimate_by_normal(weights["model_weight"] + influence), weights["gained"]))
        true.append(world.compute_true_gain())
    return realised, known, true


def collect(intervals: list[Interval], name: str) -> Floats:
    return np.array([interval[name] for interval in intervals])  # type: ignore[literal-required]


def test_a_gain_of_half_a_thousandth_of_a_nat_is_seen_on_twenty_thousand_races_and_without_bias() -> None:
    realised, known, true = measure_worlds(find_weight(GAIN), range(SEEDS))
    assert true == pytest.approx([GAIN] * SEEDS, rel=0.05)
    realised_gain, known_gain = collect(realised, "value"), collect(known, "value")
    seen = [float(np.mean(collect(intervals, "low") > 0)) for intervals in (realised, known)]
    covered = np.mean((collect(known, "low") <= true) & (true <= collect(known, "high")))
    error = np.sqrt(2 * GAIN / RACES / SEEDS)  # of a mean likelihood ratio, √(2 · gain) per race
    print(
        f"true {np.mean(true):.6f}; realised {realised_gain.mean():.6f}, above 0 in {seen[0]:.0%}; known weights "
        f"{known_gain.mean():.6f}, above 0 in {seen[1]:.0%} and covered in {covered:.0%}; standard error {error:.6f}"
    )
    assert abs(known_gain.mean() - GAIN) < 2.5 * error
    # weights of earlier days cost what learning them costs, about a nat in all of ten
    assert abs(realised_gain.mean() - GAIN + 1 / RACES) < 2.5 * error
    assert seen[0] > 0.4, "2.2 standard errors are above 1.96 in six of ten worlds"
    assert seen[1] > 0.85, "4.5 standard errors are above 1.96 in 99 of 100 worlds"
    assert covered > 0.8


def test_a_model_that_knows_nothing_of_its_own_is_not_seen() -> None:
    realised, known, _ = measure_worlds(0.0, range(100, 120))
    realised_gain = collect(realised, "value")
    seen = [float(np.mean(collect(intervals, "low") > 0)) for intervals in (realised, known)]
    print(f"realised {realised_gain.mean():.6f}, above 0 in {seen[0]:.0%}; known weights above 0 in {seen[1]:.0%}")
    assert -2 / RACES < realised_gain.mean() <= 0, "and it costs less than two nats in all"
    assert seen[0] <= 0.05
    assert seen[1] <= 0.15


def test_the_interval_of_a_world_is_that_of_the_bootstrap() -> None:
    world = simulate_world(1, 4000, 0.2)
    weights, influence = estimate_weights(world.priced)
    moved = weights["model_weight"] + influence
    resampled, normal = bootstrap_mean(moved, 0), estimate_by_normal(moved)
    for bound in ("low", "high"):
        assert resampled[bound] == pytest.approx(normal[bound], abs=0.2 * (normal["value"] - normal["low"]))  # type: ignore


def test_no_later_day_changes_what_is_known_of_a_race() -> None:
    priced = simulate_world(2, 1500, 0.5, outsiders_weight=1.5).priced
    combined = combine_with_market(priced, PRIOR_RACES, BAND_RACES)
    random = np.random.default_rng(0)
    for race_count in (150, 700, 1100):
        day = priced.day[race_count]
        later = np.repeat(priced.day >= day, priced.races.size)
        changed = replace(
            priced,
            won=np.where(later, np.roll(priced.won, 1), priced.won),
            model=np.where(later, random.normal(0, 1, len(later)), priced.model),
            market=np.where(later, random.normal(0, 1, len(later)), priced.market),
        )
        earlier_races = int((priced.day < day).sum())
        repeated, shortened = (
            combine_with_market(other, PRIOR_RACES, BAND_RACES)
            for other in (changed, take_races(priced, earlier_races))
        )
        for name in ("recalibrated_loss", "combined_loss", "shared_loss", "banded_loss", "is_banded"):
            original = getattr(combined, name)[:earlier_races]
            assert (getattr(repeated, name)[:earlier_races] == original).all()
            # the last row of a product may be added in another order
            assert getattr(shortened, name).astype(float) == pytest.approx(original.astype(float), abs=1e-12)


def test_races_of_the_same_day_do_not_know_of_each_other() -> None:
    priced = simulate_world(3, 600, 0.5).priced
    one_day = replace(priced, day=np.where(np.arange(600) < 300, 0, 1))
    assert plan_refits(one_day.day) == [300]
    changed = one_day.won.copy()
    last_race = slice(int(priced.races.first_row[599]), None)
    changed[last_race] = np.roll(changed[last_race], 1)
    gains = [combine_with_market(replace(one_day, won=won), 100, 100).gain for won in (one_day.won, changed)]
    assert (gains[0][:599] == gains[1][:599]).all()
    assert gains[0][599] != gains[1][599]


def test_before_a_hundred_races_are_known_the_market_stands_alone() -> None:
    priced = simulate_world(4, 600, 1.0).priced
    combined = combine_with_market(priced, PRIOR_RACES, BAND_RACES)
    assert not combined.is_fitted[:100].any()
    assert combined.is_fitted[102:].all()
    assert (combined.gain[~combined.is_fitted] == 0).all()
    few = combine_with_market(take_races(priced, 90), PRIOR_RACES, BAND_RACES)
    assert (few.gain == 0).all()
    assert (few.combined_loss == few.market_loss).all()


def test_losses_are_those_of_weights_that_scipy_fits_on_earlier_days() -> None:
    priced = simulate_world(5, 400, 0.5).priced
    combined = combine_with_market(priced, 50, BAND_RACES)
    refits = plan_refits(priced.day)
    first = priced.races.first_row

    def compute_loss(weights: Floats, races: range) -> float:
        model_weight = weights[1] if len(weights) == 2 else 0.0
        total = 0.0
        for race in races:
            rows = slice(first[race], first[race] + priced.races.size[race])
            score = weights[0] * priced.market[rows] + model_weight * (priced.model[rows] - priced.market[rows])
            total -= float(priced.won[rows] @ (score - np.log(np.exp(score).sum())))
        return total

    def compute_penalised_loss(weights: Floats, races: range, precision: Floats) -> float:
        distance = weights - np.eye(len(weights))[0]
        return compute_loss(weights, races) + float(distance @ precision @ distance) / 2

    def compute_curvature(race_count: int) -> Floats:
        total = np.zeros((2, 2))
        for race in range(race_count):
            rows = slice(first[race], first[race] + priced.races.size[race])
            terms = np.column_stack([priced.market[rows], priced.model[rows] - priced.market[rows]])
            chance = np.exp(priced.market[rows])
            total += (terms * chance[:, None]).T @ terms - np.outer(chance @ terms, chance @ terms)
        return total

    for race, next_race in zip(refits, [*refits[1:], 400], strict=True):
        precision = compute_curvature(race) * 50 / race + RIDGE_PENALTY * np.eye(2)
        for count, losses in ((1, combined.recalibrated_loss), (2, combined.shared_loss)):
            arguments = (range(race), precision[:count, :count])
            weights = minimize(compute_penalised_loss, np.eye(count)[0], arguments, "BFGS").x
            by_hand = compute_loss(weights, range(race, next_race))
            assert losses[race:next_race].sum() == pytest.approx(by_hand, abs=0.01)


def test_bands_are_used_where_they_prove_themselves_and_only_there() -> None:
    differs = combine_with_market(simulate_world(6, 6000, 0.0, outsiders_weight=0.6).priced, PRIOR_RACES, BAND_RACES)
    alike = combine_with_market(simulate_world(6, 6000, 0.4).priced, PRIOR_RACES, BAND_RACES)
    assert differs.is_banded[3000:].mean() > 0.5
    assert differs.combined_loss.sum() < differs.shared_loss.sum()
    assert alike.is_banded.mean() < 0.1


def test_rows_may_come_in_any_order_within_and_between_races() -> None:
    priced = simulate_world(7, 300, 0.5).priced
    code = np.repeat(np.arange(300), priced.races.size)
    order = np.random.default_rng(0).permutation(len(code))
    arranged = collect_priced_races(
        np.exp(priced.model)[order],
        np.exp(priced.market)[order],
        priced.won[order],
        code[order],
        priced.day[code][order],
    )
    gains = [combine_with_market(races, PRIOR_RACES, BAND_RACES).gain for races in (priced, arranged)]
    assert gains[0] == pytest.approx(gains[1], abs=1e-5)
