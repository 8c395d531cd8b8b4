"""market: the scorer for a quantity with a bookmaker's line: errors, bets, and how the line itself would have done."""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from stages.evaluate.market.baselines import (
    compare_baselines,
    compute_line_similarity,
    evaluate_all_rows,
    evaluate_resampling,
    summarise_folds,
)
from stages.evaluate.market.bet_segments import summarise_bets_by_segment
from stages.evaluate.market.closing_line_value import compute_closing_line_value
from stages.evaluate.market.line_types import compare_line_types
from stages.evaluate.market.paired_picks import compare_paired_picks
from stages.evaluate.market.payouts import PayoutName, compute_leg_break_even, find_flat_odds
from stages.evaluate.market.predictive_distribution import (
    PredictiveDistribution,
    build_predictive_distribution,
    compute_over_calibration,
    evaluate_distribution,
)
from stages.evaluate.market.scored_lines import ScoredBets
from trueline.core.betting.american_odds import MarginMethod
from trueline.core.betting.grading import Picks, grade_picks, pick_by_probability, summarise_at_posted_odds
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.confidence_intervals import describe_difference
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.probability_scores import CURVE_COLUMNS

Report = dict[str, Any]
Tables = dict[str, pd.DataFrame]

SMALLEST_EDGE = float(np.finfo(float).tiny)  # every forecast that differs from the line has at least this edge


class Settings(StageSettings):
    """Which bets are placed, and into how many bins the figures are cut."""

    edges: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    chances: list[Annotated[float, Field(gt=0.5, lt=1)]]
    bins: int = Field(ge=2)
    devig: MarginMethod
    payout: PayoutName = "standard"
    # keys that came through JSON are text
    multiples: dict[Annotated[int, Field(ge=2, strict=False)], Annotated[float, Field(gt=1)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _check_multiples(self) -> "Settings":
        if self.payout == "pickem" and not self.multiples:
            raise ValueError("payout pickem needs multiples, such as {2: 3.0, 3: 6.0}")
        return self

    def find_flat_odds(self) -> float | None:
        """Return the American odds at which every pick is paid; None if each is paid at its posted price."""
        return find_flat_odds(self.payout, self.multiples)


def evaluate(
    predictions: pd.DataFrame, prepared: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Report, Report, Tables]:
    """Return the headline scores, the report with intervals over groups (game days), and the tables to plot.

    Headline scores and bets use only rows with a real line; if no row has one, everything that needs a line is None.
    Errors are in units of the target, returns in stakes. The headline bets are those of the tuned arm at the first of
    `settings.edges`.
    """
    scored = ScoredBets.from_predictions(
        predictions, prepared, settings.edges[0], settings.devig, seed, settings.find_flat_odds()
    )
    distribution = build_predictive_distribution(scored, "tuned")
    needing_lines: dict[str, Callable[[], Any]] = {
        "baselines": lambda: compare_baselines(scored),
        "picks": lambda: _report_picks(scored, distribution, settings),
        "segments": lambda: summarise_bets_by_segment(scored, scored.grade_bets("tuned")),
        "likeness": lambda: compute_line_similarity(scored, settings.edges),
        "closing": lambda: _report_closing_value(scored),
        "always": lambda: _grade_constant_sides(scored),
        "tuned_against_default": lambda: _compare_with_default(scored),
    }
    report = {name: build_section() if scored.has_line.any() else None for name, build_section in needing_lines.items()}
    report |= {
        "clock": scored.clock,
        "all_rows": evaluate_all_rows(scored),
        "line_types": _report_line_types(scored),
        "distribution": evaluate_distribution(scored, distribution, settings.bins) if distribution else None,
        "resampling": evaluate_resampling(scored),
        "folds": summarise_folds(scored),
        **_report_payout(scored, settings),
    }
    return _collect_headline_scores(scored), report, _build_plot_tables(scored, distribution, report, settings)


def compare(
    first_run: pd.DataFrame,
    second_run: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Compare the tuned arms of two runs on the same rows: errors on all rows, bets on those with a real line."""
    scored_runs = [
        ScoredBets.from_predictions(
            predictions, prepared, settings.edges[0], settings.devig, seed, settings.find_flat_odds()
        )
        for predictions in (first_run, second_run)
    ]
    blocks = scored_runs[0].blocks
    error_difference = blocks.estimate_mean(
        scored_runs[0].compute_absolute_error("tuned") - scored_runs[1].compute_absolute_error("tuned")
    )
    picks_comparison = compare_paired_picks(
        scored_runs[0].grade_bets("tuned"), scored_runs[1].grade_bets("tuned"), names, blocks
    )
    outcome = describe_difference(error_difference, f"{names[0]} errs less", f"{names[1]} errs less")
    conclusion = "the difference is noise" if outcome == "undecided" else outcome
    interval_text = (
        ""
        if error_difference["low"] is None
        else f" ({error_difference['low']:+.4f} to {error_difference['high']:+.4f})"
    )
    error_sentence = (
        f"The mean error of {names[0]} less that of {names[1]} is "
        f"{error_difference['value']:+.4f}{interval_text}: {conclusion}."
    )
    return {
        "error": error_difference,
        "picks": picks_comparison,
        "sentences": [error_sentence, picks_comparison["sentence"]],
    }


def compute_losses(predictions: pd.DataFrame, arm: str) -> tuple[pd.Series, Floats, Floats]:
    """Return each row's group (game day), its absolute error in the target's unit, and 1."""
    error = np.abs(predictions[arm].to_numpy(float) - predictions["target"].to_numpy(float))
    return predictions["group"], error, np.ones(len(error))


def _collect_headline_scores(scored: ScoredBets) -> Report:
    has_line, bets = scored.has_line, scored.summarise_bets(scored.grade_bets("tuned"))
    hit_rate = bets["hit_rate"]
    return {
        "rows": int(has_line.sum()),
        "mae": float(scored.compute_absolute_error("tuned")[has_line].mean()) if has_line.any() else None,
        "line_mae": float(scored.compute_absolute_error("line")[has_line].mean()) if has_line.any() else None,
        "hit_rate": hit_rate["value"],
        "hit_rate_low": hit_rate["low"],
        "hit_rate_high": hit_rate["high"],
        "bets": bets["bets"] if has_line.any() else None,
        "roi": bets["roi"]["value"],
    }


def _report_picks(scored: ScoredBets, distribution: PredictiveDistribution | None, settings: Settings) -> Report:
    """Return the tuned arm's bets by distance from the line and, given a distribution, by probability of winning."""
    by_edge = [{"edge": edge} | _summarise_bets(scored, scored.grade_bets("tuned", edge)) for edge in settings.edges]
    if distribution is None:
        return {"by_edge": by_edge, "by_chance": None}
    break_even_rates = scored.payout.compute_break_even()  # a side that is not likelier to win than this is no bet
    directions_by_probability = {
        min_probability: pick_by_probability(
            distribution.over_probability,
            distribution.under_probability,
            *(np.maximum(min_probability, break_even_rate) for break_even_rate in break_even_rates),
        )
        for min_probability in settings.chances
    }
    picks = {
        min_probability: grade_picks(direction, scored["line"], scored["target"])
        for min_probability, direction in directions_by_probability.items()
    }
    return {
        "by_edge": by_edge,
        "by_chance": [
            {"chance": min_probability} | _summarise_bets(scored, graded_picks)
            for min_probability, graded_picks in picks.items()
        ],
    }


def _summarise_bets(scored: ScoredBets, picks: Picks) -> Report:
    return scored.summarise_bets(picks) | {"posted": summarise_at_posted_odds(picks, scored.posted_odds, scored.blocks)}


def _grade_constant_sides(scored: ScoredBets) -> Report:
    """Return the results of betting the over, or the under, on every line."""
    directions_by_name = {"over": scored.has_line * 1, "under": scored.has_line * -1}
    return {
        name: _summarise_bets(scored, grade_picks(direction, scored["line"], scored["target"]))
        for name, direction in directions_by_name.items()
    }


def _report_closing_value(scored: ScoredBets) -> Report | None:
    forecast, opening, closing, actual = (scored[name] for name in ("tuned", "open_line", "line", "target"))
    return compute_closing_line_value(forecast, opening, closing, actual, scored.headline_edge, scored.blocks)


def _report_payout(scored: ScoredBets, settings: Settings) -> Report:
    """Return the payout with its break-even, and for pick'em each entry's and what the headline bets earn in it."""
    if settings.payout == "standard":
        return {}
    hit_rate = scored.summarise_bets(scored.grade_bets("tuned"))["hit_rate"]["value"]
    entries = [
        {
            "legs": legs,
            "multiple": multiple,
            "break_even": compute_leg_break_even(legs, multiple),
            "roi": None if hit_rate is None else multiple * hit_rate**legs - 1,
        }
        for legs, multiple in sorted(settings.multiples.items())
    ]
    payout = {"payout": settings.payout, "break_even": _compute_mean_break_even(scored)}
    return {"payout": payout | ({"entries": entries} if settings.payout == "pickem" else {})}


def _compute_mean_break_even(scored: ScoredBets) -> float | None:
    """Return the share of decided bets that must win, averaged over both sides of all rows with a line."""
    rates = np.concatenate([rate[scored.has_line] for rate in scored.payout.compute_break_even()])
    rates = rates[~np.isnan(rates)]
    return None if not len(rates) else float(rates[0]) if (rates == rates[0]).all() else float(rates.mean())


def _report_line_types(scored: ScoredBets) -> Report:
    """Return the headline bets by type of line; `every_side` bets every row on the side where the forecast lies."""
    tuned, actual, real, estimated = (scored[name] for name in ("tuned", "target", "line", "estimated_line"))
    headline, every_side = (
        compare_line_types(tuned, actual, real, estimated, edge, scored.blocks, scored.payout)
        for edge in (scored.headline_edge, SMALLEST_EDGE)
    )
    return headline | {"every_side": every_side}


def _compare_with_default(scored: ScoredBets) -> Report | None:
    if "default" not in scored:
        return None
    return compare_paired_picks(
        scored.grade_bets("tuned"), scored.grade_bets("default"), ("tuned", "default"), scored.blocks
    )


def _build_plot_tables(
    scored: ScoredBets, distribution: PredictiveDistribution | None, report: Report, settings: Settings
) -> Tables:
    baselines = report["baselines"]["models"] if report["baselines"] else {}
    edge_rows = report["picks"]["by_edge"] if report["picks"] else []
    line_types = {name: report["line_types"][name] for name in ("actual", "estimated", "mixed")}
    line_types |= {f"same rows, {name}": report["line_types"]["same_rows"][name] for name in ("actual", "estimated")}
    return {
        "baselines": pd.DataFrame(
            [(baseline_name, baseline["mae"]["value"]) for baseline_name, baseline in baselines.items()],
            columns=["model", "mae"],
        ),
        "reliability": compute_over_calibration(scored, distribution, settings.bins)
        if distribution
        else pd.DataFrame(columns=list(CURVE_COLUMNS)),
        "months": _aggregate_by_month(scored),
        "edges": _build_rate_table({f"{row['edge']:g}": row for row in edge_rows}, "edge").assign(
            break_even=_compute_mean_break_even(scored)
        ),
        "line_types": _build_rate_table(line_types, "line_type"),
    }


def _build_rate_table(tallies: dict[str, Report], key_column: str) -> pd.DataFrame:
    rate_rows = [
        (key, *(bet_summary["hit_rate"][bound] for bound in ("value", "low", "high")))
        for key, bet_summary in tallies.items()
    ]
    return pd.DataFrame(rate_rows, columns=[key_column, "hit_rate", "low", "high"])


def _aggregate_by_month(scored: ScoredBets) -> pd.DataFrame:
    """Return by month tuned's error on all rows, that of tuned and line where there is a line, and the hit rate."""
    picks, has_line = scored.grade_bets("tuned"), scored.has_line
    month = scored.rows["time"].dt.strftime("%Y-%m").to_numpy()
    errors = {
        "mae_of_all_rows": scored.compute_absolute_error("tuned"),
        "mae": np.where(has_line, scored.compute_absolute_error("tuned"), np.nan),
    }
    hits = np.where(picks.is_decided, picks.is_won, np.nan)
    table = pd.DataFrame(errors | {"line_mae": scored.compute_absolute_error("line"), "hit_rate": hits})
    return table.groupby(month).mean().rename_axis("month").reset_index()
