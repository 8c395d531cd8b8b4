"""The racing scorer, by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest

from stages.evaluate.race import Settings, compare, evaluate
from trueline.core.errors import UserError
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.group_ops import compute_group_softmax
from trueline.core.stats.place_chances import compute_place_chances

SETTINGS = Settings(commission=0.1, margin=0.0, bins=5, prior_races=100, band_races=1000)


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


def simulate_placed_races(seed: int, races: int = 1000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return simulated races with two paid places, whose place chances are those of the orders that they are run by."""
    predictions, prepared = simulated(seed, 1.0, races)
    random, win = np.random.default_rng(seed + 1), predictions["tuned"].to_numpy().reshape(races, 6)
    first = (np.log(win) + random.gumbel(size=win.shape)).argmax(axis=1)
    second_strength = np.log(win) / 2.5 + random.gumbel(size=win.shape)
    second_strength[np.arange(races), first] = -np.inf
    placed = np.zeros_like(win)
    placed[np.arange(races), first] = placed[np.arange(races), second_strength.argmax(axis=1)] = 1.0
    code, paid_places = np.repeat(np.arange(races), 6), np.full(races * 6, 2.0)
    place_chance = compute_place_chances(win.ravel(), paid_places, code, 1.5)
    market = np.clip(place_chance + random.normal(0, 0.01, len(win.ravel())), 0.01, 0.99)
    return predictions.assign(**{"tuned:place": place_chance}), prepared.assign(placed=placed.ravel(), place_p=market)


def test_place_chances_are_judged_beside_harville_and_the_market_and_their_slope_is_1() -> None:
    predictions, prepared = simulate_placed_races(0)
    _, report, _ = evaluate(predictions, prepared, SETTINGS, 0)
    judged = report["places"]
    counts = [judged[name] for name in ("races", "runners", "not_judged", "other_number")]
    assert counts == [1000, 6000, 0, 0]
    p, y = predictions["tuned:place"].to_numpy(), prepared["placed"].to_numpy()
    loss = -np.log(np.where(y > 0, p, 1 - p)).mean()
    baselines = judged["baselines"]
    assert baselines["tuned"]["log_loss"]["value"] == pytest.approx(loss)
    assert baselines["harville"]["tuned_is"] == "better"
    assert baselines["uniform"]["log_loss"]["value"] == pytest.approx(-(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3)
    assert baselines["market"]["tuned_is"] == "undecided"
    slope = baselines["tuned"]["slope"]
    assert slope["low"] < 1 < slope["high"]
    assert baselines["harville"]["slope"]["high"] < 1
    assert "better than Harville's model" in judged["sentences"][0]


def test_places_that_are_not_told_or_not_usual_are_counted_and_a_market_may_be_lacking() -> None:
    predictions, prepared = simulate_placed_races(1, races=400)
    prepared.loc[0, "placed"] = np.nan  # the first race does not tell
    prepared.loc[6:11, "placed"] = 0.0  # the second paid no place
    prepared.loc[12:17, "placed"] = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]  # a dead heat for the second place
    prepared.loc[18, "place_p"] = np.nan
    judged = evaluate(predictions, prepared, SETTINGS, 0)[1]["places"]
    assert (judged["races"], judged["not_judged"], judged["other_number"]) == (398, 2, 1)
    assert judged["baselines"]["market"]["log_loss"]["n"] == 397
    assert "2 races are not judged" in " ".join(judged["sentences"])
    without_market = evaluate(predictions, prepared.drop(columns="place_p"), SETTINGS, 0)[1]["places"]
    assert "market" not in without_market["baselines"]
    assert without_market["baselines"]["tuned"] == judged["baselines"]["tuned"]


def test_nothing_is_said_of_places_without_chances_or_results_and_nothing_else_changes() -> None:
    predictions, prepared = simulate_placed_races(2, races=60)
    scores, report, _ = evaluate(predictions, prepared, SETTINGS, 0)
    for fewer in (
        evaluate(predictions.drop(columns="tuned:place"), prepared, SETTINGS, 0),
        evaluate(predictions, prepared.drop(columns="placed"), SETTINGS, 0),
        evaluate(predictions.assign(**{"tuned:place": np.nan}), prepared, SETTINGS, 0),
    ):
        assert "places" not in fewer[1]
        assert fewer[0] == scores
        assert fewer[1] == {name: content for name, content in report.items() if name != "places"}


def test_the_interval_of_the_brier_score_comes_from_whole_races() -> None:
    predictions, prepared = simulated(3, 0.5, 300)
    brier = evaluate(predictions, prepared, SETTINGS, 1)[1]["runners"]["brier"]
    rows = predictions.sort_values(["time", "group", "row_id"])
    races = BlockBootstrap(pd.factorize(rows["group"])[0], 1)
    assert brier == pytest.approx(races.estimate_mean(np.square(rows["tuned"] - rows["target"])))
    assert brier["n"] == 300
