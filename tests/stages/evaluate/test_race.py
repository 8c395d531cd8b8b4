"""The racing scorer, by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest

from stages.evaluate.race import Settings, compare, evaluate
from trueline.core.errors import UserError
from trueline.core.stats.group_ops import compute_group_softmax

SETTINGS = Settings(commission=0.1, margin=0.0, bins=5, blocks=2)


def by_hand() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two races of two runners, the second a dead heat."""
    rows = pd.DataFrame({"row_id": ["a1", "a2", "b1", "b2"], "group": ["a", "a", "b", "b"]})
    rows["time"], rows["fold"] = pd.Timestamp("2024-01-01"), "test_0"
    rows["target"] = [1.0, 0.0, 0.5, 0.5]
    predictions = rows.assign(tuned=[0.8, 0.2, 0.5, 0.5], default=0.5, baseline=0.5)
    prices = pd.DataFrame({"bsp": [2.0, 2.0, 4.0, 4 / 3], "soft_label": [0.5, 0.5, 0.25, 0.75]})
    return predictions, pd.concat([rows[["row_id"]], prices], axis=1).assign(benchmark_price=2.0)


def simulated(seed: int, skill: float, races: int = 1500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return races whose market knows the truth with some noise, and a model that knows `skill` of what it lacks."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(races), 6)
    public, private = random.normal(0, 0.8, len(group)), random.normal(0, 0.5, len(group))
    truth = compute_group_softmax(public + private, group)
    won = (pd.Series(np.log(truth) + random.gumbel(size=len(group))).groupby(group).rank(ascending=False) == 1) * 1.0
    market, model = compute_group_softmax(public, group), compute_group_softmax(public + skill * private, group)
    rows = pd.DataFrame({"row_id": [f"r{n}" for n in range(len(group))], "group": group.astype(str)})
    rows["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(group // 20, "D")
    predictions = rows.assign(target=won, fold="test_0", tuned=model, default=market, baseline=1 / 6)
    prepared = rows[["row_id"]].assign(bsp=1 / market, soft_label=market, benchmark_price=np.nan)
    return predictions, prepared


def test_losses_and_baselines_are_as_by_hand() -> None:
    scores, report, _ = evaluate(*by_hand(), SETTINGS, 0)
    uniform, tuned = np.log(2), (-np.log(0.8) - np.log(0.5)) / 2
    assert scores["races"] == 2
    assert scores["log_loss"] == pytest.approx(tuned)
    assert scores["log_loss_uniform"] == pytest.approx(uniform)
    assert scores["r2"] == pytest.approx(1 - tuned / uniform)
    market = (-np.log(0.5) - (np.log(0.25) + np.log(0.75)) / 2) / 2
    assert scores["market_r2"] == pytest.approx(1 - market / uniform)
    assert report["baselines"]["market"]["tuned_minus_this"]["value"] == pytest.approx(tuned - market)
    assert report["baselines"]["market"]["log_loss"]["low"] is None, "two races are too few for an interval"


def test_value_bets_pay_commission_on_winnings_and_share_dead_heats() -> None:
    _, report, _ = evaluate(*by_hand(), SETTINGS, 0)
    # a1 (0.8 at 2.0) and b1 (0.5 at 4.0) are value bets; b1 is in a dead heat, which returns half of 4.0
    profit = (2.0 - 1) * 0.9 + (0.5 * 4.0 - 1) * 0.9
    assert report["value_bets"]["bets"] == 2
    assert report["value_bets"]["yield"]["value"] == pytest.approx(profit / 2)


def test_a_bet_at_the_starting_price_is_not_graded_if_that_price_is_an_input() -> None:
    predictions, prepared = by_hand()
    scores, report, _ = evaluate(predictions.assign(inputs_known="at_start"), prepared, SETTINGS, 0)
    earlier_scores, earlier_report, _ = evaluate(predictions.assign(inputs_known="before"), prepared, SETTINGS, 0)
    assert report["value_bets"] is None
    assert (report["clock"]["graded"], report["clock"]["not_graded"]) == (0, 4)
    assert (earlier_report["clock"]["graded"], earlier_report["clock"]["not_graded"]) == (4, 0)
    assert earlier_report["value_bets"]["bets"] == 2
    assert scores == earlier_scores


def test_races_without_a_price_count_for_the_model_and_not_for_the_market() -> None:
    predictions, prepared = simulated(0, 0.0)
    prepared.loc[prepared.index[:6], ["bsp", "soft_label"]] = np.nan
    scores, report, _ = evaluate(predictions, prepared, SETTINGS, 0)
    assert scores["races"] == 1500
    assert report["baselines"]["market"]["log_loss"]["n"] == 1499
    assert report["gain_over_market"]["gain"]["n"] == 1499
    assert scores["benchmark_r2"] is None


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_copies_the_market_gains_nothing_over_it(seed: int) -> None:
    _, report, _ = evaluate(*simulated(seed, 0.0), SETTINGS, seed)
    assert report["gain_over_market"]["gain"]["low"] < 0.001
    assert report["baselines"]["market"]["tuned_is"] == "undecided"


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_knows_more_than_the_market_is_found_to(seed: int) -> None:
    _, report, plots = evaluate(*simulated(seed, 0.8), SETTINGS, seed)
    assert report["gain_over_market"]["gain"]["low"] > 0.02
    assert report["baselines"]["market"]["tuned_is"] == "better"
    assert report["value_bets"]["yield"]["value"] > 0
    assert list(plots["baselines"]["model"]) == ["uniform", "tuned", "default", "baseline", "market"]


@pytest.mark.parametrize(("natural", "verdict"), [(0.0, "helped"), (0.5, "undecided"), (1.0, "hurt")])
def test_resampling_is_judged_against_the_natural_arm(natural: float, verdict: str) -> None:
    predictions, prepared = simulated(1, 0.5)
    other, _ = simulated(1, natural)
    scores, _, _ = evaluate(predictions.assign(unresampled=other["tuned"]), prepared, SETTINGS, 0)
    assert scores["resampling"] == verdict


def test_the_same_predictions_give_the_same_report_in_any_order() -> None:
    predictions, prepared = simulated(2, 0.5, races=200)
    shuffled = predictions.sample(frac=1.0, random_state=0).reset_index(drop=True)
    assert str(evaluate(predictions, prepared, SETTINGS, 0)[1]) == str(evaluate(shuffled, prepared, SETTINGS, 0)[1])


def test_normalised_prices_are_the_markets_view() -> None:
    predictions, prepared = simulated(3, 0.0, races=100)
    prepared["benchmark_price"] = 1 / (prepared["soft_label"] * 1.2)
    scores, _, _ = evaluate(predictions, prepared, SETTINGS, 0)
    assert scores["benchmark_r2"] == pytest.approx(scores["market_r2"])


NAMES = ("one", "other")


def test_two_runs_are_compared_race_by_race_as_by_hand() -> None:
    predictions, prepared = by_hand()
    other = predictions.assign(tuned=[0.6, 0.4, 0.5, 0.5])
    found = compare(predictions, other, prepared, NAMES, SETTINGS, 0)
    ahead = (np.log(0.6) - np.log(0.8)) / 2
    assert found["log_loss"]["value"] == pytest.approx(ahead)
    assert found["r2"]["value"] == pytest.approx(-ahead / np.log(2))
    assert found["races"] == 2
    assert "too few races" in found["sentences"][0], "two races are too few for an interval"


@pytest.mark.parametrize(("skill", "conclusion"), [(0.8, "one is better"), (0.0, "the difference is noise")])
def test_a_better_run_is_called_better_and_an_equal_one_noise(skill: float, conclusion: str) -> None:
    (one, prepared), (other, _) = simulated(5, skill), simulated(5, 0.0)
    jitter = np.random.default_rng(0).normal(0, 0.05, len(one))
    one["tuned"] = compute_group_softmax(np.log(one["tuned"].to_numpy(float)) + jitter, np.repeat(np.arange(1500), 6))
    found = compare(one, other, prepared, NAMES, SETTINGS, 0)
    assert conclusion in found["sentences"][0]
    assert (found["gain_over_market"]["value"] > 0.02) == (skill > 0)


def test_swapping_two_runs_turns_the_sign_and_shuffling_rows_nothing() -> None:
    (one, prepared), (other, _) = simulated(6, 0.5, races=200), simulated(6, 0.0, races=200)
    there, back = compare(one, other, prepared, NAMES, SETTINGS, 0), compare(other, one, prepared, NAMES, SETTINGS, 0)
    assert there["log_loss"]["value"] == pytest.approx(-back["log_loss"]["value"])
    assert there["log_loss"]["low"] == pytest.approx(-back["log_loss"]["high"])
    shuffled = one.sample(frac=1.0, random_state=0).reset_index(drop=True)
    assert compare(shuffled, other, prepared, NAMES, SETTINGS, 0) == there


def test_runs_without_a_market_are_compared_without_one() -> None:
    predictions, prepared = simulated(7, 0.5, races=100)
    found = compare(predictions, predictions, prepared.assign(soft_label=np.nan, bsp=np.nan), NAMES, SETTINGS, 0)
    assert found["gain_over_market"] is None
    assert found["log_loss"]["value"] == 0


def test_runs_with_other_runners_are_rejected() -> None:
    predictions, prepared = simulated(8, 0.5, races=100)
    with pytest.raises(UserError, match="do not contain the same runners"):
        compare(predictions, predictions[6:], prepared, NAMES, SETTINGS, 0)
