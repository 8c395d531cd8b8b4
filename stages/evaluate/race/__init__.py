"""race: the scorer for win probabilities, against uniform chances, the market, a benchmark price and simpler arms."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.evaluate.race.baseline_losses import summarise_baselines
from stages.evaluate.race.gain_over_market import report_gain
from stages.evaluate.race.market_combination import PricedRaces, collect_priced_races, combine_with_market
from stages.evaluate.race.place_scores import evaluate_places
from stages.evaluate.race.value_bets import flag_value_bets
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.errors import UserError
from trueline.core.racing.race_losses import compute_race_losses, compute_uniform_losses
from trueline.core.runtime.params import StageSettings
from trueline.core.stats import confidence_intervals
from trueline.core.stats.block_bootstrap import bootstrap_mean, bootstrap_ratio
from trueline.core.stats.group_ops import (
    Codes,
    Floats,
    encode_groups,
    normalize_by_group,
    sum_by_group,
)
from trueline.core.stats.probability_scores import compute_auc, compute_calibration_curve, compute_calibration_error

ARMS = ("tuned", "default", "baseline", "unresampled")
Report = dict[str, Any]


class Settings(StageSettings):
    """How bets are placed and how the figures are cut."""

    commission: float = Field(ge=0, lt=1)
    margin: float = Field(ge=0)
    bins: int = Field(ge=2)
    prior_races: float = Field(ge=0)
    band_races: float = Field(ge=0)


def evaluate(
    predictions: pd.DataFrame, prepared: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Report, Report, dict[str, pd.DataFrame]]:
    """Return the headline scores, the report with intervals, and the tables to plot (losses in nats per race)."""
    rows = _join_prices(predictions, prepared)
    race_code, won = encode_groups(rows["group"]), rows["target"].to_numpy()
    probabilities = _collect_probabilities(rows, race_code)
    loss_by_name = {
        name: compute_race_losses(probability, won, race_code) for name, probability in probabilities.items()
    }
    uniform_loss = compute_uniform_losses(race_code)
    baselines = summarise_baselines(loss_by_name, uniform_loss, np.ones(len(uniform_loss)), seed)
    gain = _estimate_market_gain(probabilities, rows, settings, seed)
    resampling = _evaluate_resampling(loss_by_name, seed)
    report = {
        "baselines": baselines,
        "gain_over_market": gain,
        "resampling": resampling,
        "runners": _summarise_runners(probabilities["tuned"], won, race_code, settings.bins, seed),
        "picks": _compute_favourite_win_rates(probabilities, won, race_code),
        **_grade_value_bets(probabilities["tuned"], rows, race_code, settings, seed),
    }
    if place_report := evaluate_places(rows, prepared, seed):
        report["places"] = place_report
    scores = {
        "races": len(uniform_loss),
        "log_loss": baselines["tuned"]["log_loss"]["value"],
        "log_loss_uniform": float(uniform_loss.mean()),
        "r2": baselines["tuned"]["r2"]["value"],
        "market_r2": baselines.get("market", {}).get("r2", {}).get("value"),
        "benchmark_r2": baselines.get("benchmark", {}).get("r2", {}).get("value"),
        "gain_over_market": gain["gain"]["value"] if gain else None,
        "resampling": resampling["verdict"],
    }
    return scores, report, _build_plot_tables(probabilities["tuned"], loss_by_name, baselines, rows, settings.bins)


def compare(
    first_run: pd.DataFrame,
    second_run: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Compare the tuned arms of two runs, paired by race: log loss, R², and gain over the market.

    Each difference is the first run minus the second, with an interval that resamples races. Raises UserError if the
    runs do not contain the same runners.
    """
    first_rows, second_rows = (_join_prices(run, prepared) for run in (first_run, second_run))
    if not first_rows["row_id"].equals(second_rows["row_id"]):
        raise UserError(
            f"{names[0]} and {names[1]} do not contain the same runners; compare them on the runners they share."
        )
    race_code, won = encode_groups(first_rows["group"]), first_rows["target"].to_numpy()
    run_probabilities = [_collect_probabilities(rows, race_code) for rows in (first_rows, second_rows)]
    first_losses, second_losses = (compute_race_losses(run["tuned"], won, race_code) for run in run_probabilities)
    loss_difference = bootstrap_mean(first_losses - second_losses, seed)
    gains = (
        [_compute_market_gains(run, first_rows, settings) for run in run_probabilities]
        if "market" in run_probabilities[0]
        else None
    )
    return {
        "races": len(first_losses),
        "log_loss": loss_difference,
        "r2": bootstrap_ratio(second_losses - first_losses, compute_uniform_losses(race_code), seed),
        "gain_over_market": bootstrap_mean(gains[0] - gains[1], seed) if gains else None,
        "sentences": [
            _describe_loss_difference(loss_difference, names),
            _describe_favourites(run_probabilities, won, race_code, names),
        ],
    }


def compute_losses(predictions: pd.DataFrame, arm: str) -> tuple[pd.Series, Floats, Floats]:
    """Return each race, its log loss (nats) and 1."""
    races = predictions["group"].drop_duplicates()
    race_losses = compute_race_losses(
        predictions[arm].to_numpy(float), predictions["target"].to_numpy(float), encode_groups(predictions["group"])
    )
    return races, race_losses, np.ones(len(races))


def _describe_loss_difference(loss_difference: confidence_intervals.Interval, names: tuple[str, str]) -> str:
    text = f"The log loss of {names[0]} less that of {names[1]} is {loss_difference['value']:+.4f}"
    if loss_difference["low"] is None:
        return f"{text} nats per race: too few races to compare them."
    outcome = confidence_intervals.describe_difference(
        loss_difference, f"{names[0]} is better", f"{names[1]} is better"
    )
    conclusion = "the difference is noise" if outcome == "undecided" else outcome
    interval_text = f"({loss_difference['low']:+.4f} to {loss_difference['high']:+.4f})"
    return f"{text} {interval_text} nats per race on {loss_difference['n']} races: {conclusion}."


def _describe_favourites(
    run_probabilities: list[dict[str, Floats]], won: Floats, race_code: Codes, names: tuple[str, str]
) -> str:
    rates = [
        _compute_favourite_win_rates({"tuned": probabilities["tuned"]}, won, race_code)["tuned"]
        for probabilities in run_probabilities
    ]
    shares = [f"{name} {rate['value']:.1%}" for name, rate in zip(names, rates, strict=True)]
    return f"Of the favourites of each, so many win: {', '.join(shares)}."


def _join_prices(predictions: pd.DataFrame, prepared: pd.DataFrame) -> pd.DataFrame:
    """Return the scored rows with their prices, in time order and grouped by race."""
    prices = prepared.set_index("row_id").reindex(predictions["row_id"])
    rows = predictions.assign(**{name: prices[name].to_numpy() for name in ("soft_label", "bsp", "benchmark_price")})
    return rows.sort_values(["time", "group", "row_id"], kind="stable", ignore_index=True)


def _collect_probabilities(rows: pd.DataFrame, race_code: Codes) -> dict[str, Floats]:
    """Return the probabilities by arm or baseline; market and benchmark are missing in races without their price."""
    probabilities = {"uniform": normalize_by_group(np.ones(len(rows)), race_code)}
    probabilities |= {arm: rows[arm].to_numpy(float) for arm in ARMS if arm in rows}
    if rows["soft_label"].notna().any():
        probabilities["market"] = rows["soft_label"].to_numpy(float)
    if rows["benchmark_price"].notna().any():
        implied_probability = 1 / rows["benchmark_price"].to_numpy(float)
        probabilities["benchmark"] = implied_probability / sum_by_group(implied_probability, race_code)
    return probabilities


def _estimate_market_gain(
    probabilities: dict[str, Floats], rows: pd.DataFrame, settings: Settings, seed: int
) -> Report | None:
    """Return what the model adds to the market; None without one."""
    if "market" not in probabilities:
        return None
    with limit_to_one_thread():
        return report_gain(_select_priced_races(probabilities, rows), settings.prior_races, settings.band_races, seed)


def _compute_market_gains(probabilities: dict[str, Floats], rows: pd.DataFrame, settings: Settings) -> Floats:
    """Return what each race with a price gains (nats) by weights of earlier days."""
    with limit_to_one_thread():
        priced = _select_priced_races(probabilities, rows)
        return combine_with_market(priced, settings.prior_races, settings.band_races).gain


def _select_priced_races(probabilities: dict[str, Floats], rows: pd.DataFrame) -> PricedRaces:
    has_price = ~np.isnan(probabilities["market"])
    priced = rows[has_price]
    return collect_priced_races(
        probabilities["tuned"][has_price],
        probabilities["market"][has_price],
        priced["target"].to_numpy(float),
        encode_groups(priced["group"]),
        pd.factorize(priced["time"].dt.normalize(), sort=True)[0],
    )


def _evaluate_resampling(loss_by_name: dict[str, Floats], seed: int) -> Report:
    if "unresampled" not in loss_by_name:
        return {"verdict": "none", "difference": None}
    difference = bootstrap_mean(loss_by_name["tuned"] - loss_by_name["unresampled"], seed)
    return {"verdict": confidence_intervals.describe_difference(difference), "difference": difference}


def _summarise_runners(probability: Floats, won: Floats, race_code: Codes, bins: int, seed: int) -> Report:
    """Return per-runner metrics, each with the base rate it has to be read against.

    Whole races are resampled, because one runner's win is the others' defeat.
    """
    is_winner, is_called = won > 0, probability >= 0.5
    base_rate = float(is_winner.mean())
    curve = compute_calibration_curve(probability, won, bins)
    field_sizes = np.bincount(race_code).astype(float)
    squared_errors = np.bincount(race_code, np.square(probability - won)).astype(float)
    return {
        "brier": bootstrap_ratio(squared_errors, field_sizes, seed),
        "brier_of_base_rate": float(np.square(won.mean() - won).mean()),
        "ece": compute_calibration_error(curve),
        "auc": compute_auc(is_winner, probability) if 0 < base_rate < 1 else None,
        "f1": 2 * float((is_winner & is_called).sum()) / max(int(is_winner.sum() + is_called.sum()), 1),
        "f1_of_always_win": 2 * base_rate / (1 + base_rate),
        "accuracy": float((is_called == is_winner).mean()),
        "accuracy_of_never_win": 1 - base_rate,
        "runners": len(probability),
    }


def _compute_favourite_win_rates(
    probabilities: dict[str, Floats], won: Floats, race_code: Codes
) -> dict[str, confidence_intervals.Interval]:
    """Return how often the most likely runner of each arm or baseline wins; a dead heat counts as its share."""
    rates = {}
    for name in probabilities.keys() - {"uniform"}:
        has_price = ~np.isnan(probabilities[name])
        table = pd.DataFrame({"code": race_code, "p": probabilities[name], "won": won})[has_price]
        favourites_won = table.loc[table.groupby("code")["p"].idxmax(), "won"]
        rates[name] = confidence_intervals.compute_wilson_interval(float(favourites_won.sum()), len(favourites_won))
    return rates


def _grade_value_bets(
    probability: Floats, rows: pd.DataFrame, race_code: Codes, settings: Settings, seed: int
) -> Report:
    """Return the value bets and why they are graded or not.

    A bet at the starting price, with the fair value as its limit, is placed before the price is made. A probability
    that has the price among its inputs comes too late for it, so nothing is graded then.
    """
    priced = int(rows["bsp"].notna().sum())
    if "inputs_known" in rows and rows["inputs_known"].eq("at_start").any():
        sentence = "The inputs are known only at the start, too late for a bet at the starting price: none is graded."
        clock = {"inputs_known": "at_start", "lines": priced, "graded": 0, "not_graded": priced}
        return {"value_bets": None, "clock": clock | {"unknown_age": 0, "sentence": sentence}}
    sentence = "The inputs are known before the start, in time for a bet at the starting price with a limit."
    clock = {"inputs_known": "before", "lines": priced, "graded": priced, "not_graded": 0}
    return {
        "value_bets": _evaluate_value_bets(probability, rows, race_code, settings, seed),
        "clock": clock | {"unknown_age": 0, "sentence": sentence},
    }


def _evaluate_value_bets(
    probability: Floats, rows: pd.DataFrame, race_code: Codes, settings: Settings, seed: int
) -> Report | None:
    """Return the yield of betting one unit on every runner whose price, after commission, exceeds its fair value.

    A bet is placed where the expected return exceeds the stake by more than `settings.margin`. None without any bet.
    """
    price, won, net_share = rows["bsp"].to_numpy(float), rows["target"].to_numpy(), 1 - settings.commission
    is_bet = flag_value_bets(probability, price, settings.commission, settings.margin)
    if not is_bet.any():
        return None
    gross = won * price - 1
    profit = np.where(is_bet, np.where(gross > 0, gross * net_share, gross), 0.0)
    profit_by_race = np.bincount(race_code, weights=np.nan_to_num(profit)).astype(float)
    stakes_by_race = np.bincount(race_code, weights=is_bet).astype(float)
    return {
        "yield": bootstrap_ratio(profit_by_race, stakes_by_race, seed),
        "bets": int(is_bet.sum()),
        "share_of_runners": float(is_bet.mean()),
        "commission": settings.commission,
    }


def _build_plot_tables(
    probability: Floats, loss_by_name: dict[str, Floats], baselines: Report, rows: pd.DataFrame, bins: int
) -> dict[str, pd.DataFrame]:
    race_month = rows.drop_duplicates("group")["time"].dt.strftime("%Y-%m").to_numpy()
    plotted_losses = {
        name: race_losses
        for name, race_losses in loss_by_name.items()
        if name in ("uniform", "baseline", "tuned", "market", "benchmark")
    }
    monthly_losses = pd.DataFrame(plotted_losses).groupby(race_month).mean().rename_axis("month").reset_index()
    baseline_table = pd.DataFrame(
        [{"model": name, "r2": baseline["r2"]["value"]} for name, baseline in baselines.items()]
    )
    return {
        "reliability": compute_calibration_curve(probability, rows["target"], bins).rename(columns={"n": "runners"}),
        "months": monthly_losses,
        "baselines": baseline_table,
    }
