"""Scores of every known cause for a window of days: its change against the days before it, split into parts."""

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Any

import numpy as np
from pydantic import Field

from stages.diagnose.root_cause.daily_panel import (
    ABSOLUTE_SURPLUS,
    MARKET_LOSS,
    MODEL_LOSS,
    SIGNED_ERROR,
    SURPLUS,
    DailyPanel,
)
from stages.diagnose.root_cause.localise import LevelThresholds, localise_change
from stages.diagnose.units.array_types import Floats, Ints
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.block_bootstrap import build_block_weights
from trueline.core.stats.mix_decomposition import compute_nested_decomposition, compute_total_variation

CAUSES = ("market_sharpness", "model_drift", "bias", "data_quality", "leakage", "population_mix", "line_mix")
CHANGE_PARTS = ("market", "model", "bias", "population", "lines", "data", "noise")
WINDOWS_PER_CHUNK = 16  # windows scored at once: with small arrays the calls cost more than the arithmetic
MIN_SHIFT_ERRORS = 5000  # the cost of a shift is estimated from a sample of about this many errors of a window
WEEK_DAYS = 7  # the baseline is long, so it is resampled by weeks, whose days resemble each other
# the least score with which a resample supports a cause: on 1,644 simulations of the fault laboratory, with other seeds
# than `benchmarks faults`, this made confidence closest to how often causes were right; 0 gives too much, 1 too little
MIN_AGREEING_SCORE = 0.75
MIN_WEEKS = 10  # with fewer weeks single days are resampled: few blocks show too little variation

_draw_weights = lru_cache(maxsize=512)(build_block_weights)


class Settings(StageSettings):
    """Which periods are compared, and from which size a difference counts."""

    window_days: int = Field(ge=1)
    baseline_days: int = Field(ge=1)
    least_days: int = Field(ge=2)
    least_baseline_days: int = Field(ge=2)
    size: float = Field(gt=0)
    size_alone: float = Field(gt=0)
    bias_size: float = Field(gt=0)
    unsound_share: float = Field(gt=0, lt=1)
    unsound_margin: float = Field(gt=0, lt=1)
    twice_share: float = Field(gt=0, lt=1)
    absent_share: float = Field(gt=0, lt=1)
    missing_days: int = Field(ge=1)
    shift_share: float = Field(gt=0, lt=1)
    errors: float = Field(gt=0)
    confidence: float = Field(gt=0, lt=1)
    draws: int = Field(ge=20)
    population: list[str]
    lines: list[str]


@dataclass(frozen=True)
class WindowScores:
    """The parts of the change of the lead and the scores of the causes, by bootstrap draw; draw 0 is the data itself.

    The lead is the model's loss minus the market's. A score of 1 is the least that counts.
    """

    contributions: Floats  # draws × CHANGE_PARTS, in units of loss; they sum to the change
    scores: Floats  # draws × CAUSES
    evidence: dict[str, float]  # what was measured besides the losses
    locations: dict[str, dict[str, Any]]  # part → the level that it is concentrated in, if any
    is_priced: bool  # whether the lead is over a market; else it is the model's loss alone

    def name_cause(self, min_share: float) -> tuple[str, float]:
        """Return the cause and the share of draws that agree on it; undecided if that share is below `min_share`.

        A draw agrees on a cause if the cause has the highest score there and that is at least MIN_AGREEING_SCORE. The
        cause is none if no score of the data reaches 1, and draws agree on that if none of theirs does.
        """
        best_causes = self.scores.argmax(axis=1)
        if self.scores[0].max() < 1:
            return "none", float((self.scores[1:].max(axis=1) < 1).mean())
        is_agreeing = (best_causes[1:] == best_causes[0]) & (self.scores[1:].max(axis=1) >= MIN_AGREEING_SCORE)
        share = float(is_agreeing.mean())
        return (CAUSES[int(best_causes[0])] if share >= min_share else "undecided"), share


@dataclass(frozen=True)
class _ComparedDays:
    """The days that are compared: those of the window, those of its baseline, and where the baseline's blocks start."""

    start: int
    end: int
    window: Ints
    baseline: Ints
    block_starts: Ints


def score_windows(
    panel: DailyPanel, end_indices: list[int], settings: Settings, seed: int
) -> list[WindowScores | None]:
    """Return the scores of the window before each end; None if the window or its baseline has too few days."""
    spans = [_select_days(panel, end_index, settings) for end_index in end_indices]
    valid_spans = [span for span in spans if span is not None]
    starts = range(0, len(valid_spans), WINDOWS_PER_CHUNK)
    chunks = [_score_chunk(panel, valid_spans[begin : begin + WINDOWS_PER_CHUNK], settings, seed) for begin in starts]
    scored = chain.from_iterable(chunks)
    return [None if span is None else next(scored) for span in spans]


def _select_days(panel: DailyPanel, end: int, settings: Settings) -> _ComparedDays | None:
    start = max(end - settings.window_days, 0)
    window = _find_active_days(panel, start, end)
    baseline = _find_active_days(panel, max(start - settings.baseline_days, 0), start)
    if len(window) < settings.least_days or len(baseline) < settings.least_baseline_days:
        return None
    week_starts = np.flatnonzero(np.r_[True, np.diff((start - 1 - baseline) // WEEK_DAYS) != 0])
    block_starts = week_starts if len(week_starts) >= MIN_WEEKS else np.arange(len(baseline))
    return _ComparedDays(start, end, window, baseline, block_starts)


def _score_chunk(panel: DailyPanel, spans: list[_ComparedDays], settings: Settings, seed: int) -> list[WindowScores]:
    draws = settings.draws
    window_draws = [partial(_sum_window_draws, span, draws, seed) for span in spans]
    baseline_draws = [partial(_sum_baseline_draws, span, draws, seed + 1) for span in spans]
    window_sums, baseline_sums = (
        _DrawnSums(panel, [sum_draws(panel.flat_sums) for sum_draws in draw_functions])
        for draw_functions in (window_draws, baseline_draws)
    )
    transform = _build_outcome_transform(np.stack([_fit_surplus_costs(panel, span.baseline) for span in spans]))
    split = compute_nested_decomposition(
        window_sums.counts,
        window_sums.transform_outcomes(transform),
        baseline_sums.counts,
        baseline_sums.transform_outcomes(transform),
        3,
    )
    contributions = _split_change(panel, spans, split)
    extents = _compute_extents(panel, spans, window_sums, baseline_sums) | {"signed_error": split[..., 3, 3]}
    scores = _score_causes(contributions, extents, settings, panel.is_priced)
    measured = [{name: float(value[index, 0]) for name, value in extents.items()} for index in range(len(spans))]
    thresholds = LevelThresholds(settings.errors, settings.least_days, settings.least_baseline_days)
    results = []
    for index in range(len(spans)):
        market, model, bias = contributions[index, 0, :3]
        # the direction in which the market's loss, the model's loss and the signed error changed; 0 for no change
        changes = {"market": -market, "model": model + bias, "bias": measured[index]["signed_error"]}
        directions = {name: float(np.sign(change)) for name, change in changes.items()}
        locations = localise_change(
            panel.level_sums, window_draws[index], baseline_draws[index], directions, thresholds
        )
        results.append(WindowScores(contributions[index], scores[index], measured[index], locations, panel.is_priced))
    return results


def _sum_window_draws(span: _ComparedDays, draws: int, seed: int, daily_values: Floats) -> Floats:
    """Return the sums over every draw of the window's days, draws × …"""
    return _weight_days(_draw_weights(len(span.window), seed, draws), daily_values[span.window])


def _sum_baseline_draws(span: _ComparedDays, draws: int, seed: int, daily_values: Floats) -> Floats:
    """Return the sums over every draw of the baseline's blocks of days, draws × …"""
    return _weight_days(
        _draw_weights(len(span.block_starts), seed, draws),
        np.add.reduceat(daily_values[span.baseline], span.block_starts),
    )


def _weight_days(draw_weights: Floats, daily_values: Floats) -> Floats:
    return np.asarray(
        (draw_weights @ daily_values.reshape(len(daily_values), -1)).reshape(len(draw_weights), *daily_values.shape[1:])
    )


def _build_outcome_transform(coefficients: Floats) -> Floats:
    """Return the matrices from outcomes to lead, model loss, market loss and signed error.

    The effect of odd outcomes is regressed out of the last three.
    """
    transform = np.zeros((len(coefficients), 5, 4))
    transform[:, [MODEL_LOSS, MARKET_LOSS], 0] = 1, -1
    transform[:, [MODEL_LOSS, MARKET_LOSS, SIGNED_ERROR], [1, 2, 3]] = 1
    transform[:, [SURPLUS, ABSOLUTE_SURPLUS], 1:] = -coefficients
    return transform


def _compute_extents(
    panel: DailyPanel, spans: list[_ComparedDays], window_sums: "_DrawnSums", baseline_sums: "_DrawnSums"
) -> dict[str, Floats]:
    """Return what is measured besides the losses, each as spans × draws."""
    shares, baseline_shares = window_sums.compute_shares(), baseline_sums.compute_shares()
    # days without a unit cannot be resampled, and absence does not vary by chance
    fixed = {
        "absent": [
            _compute_absent_share(panel, span.start, span.end)
            - _compute_absent_share(panel, int(span.baseline[0]), span.start)
            for span in spans
        ],
        "missing_days": [0.0 if panel.has_requested_rows else _count_missing_days(panel, span) for span in spans],
    }
    counts, baseline_counts = window_sums.counts, baseline_sums.counts
    summed_axes = {"population": (3, 4), "lines": (2, 4)}
    return {
        **{name: share - baseline_shares[name] for name, share in shares.items()},
        **{
            name: _compute_excess_distance(counts.sum(axis=axes), baseline_counts.sum(axis=axes))
            for name, axes in summed_axes.items()
        },
        **{name: np.broadcast_to(np.array(values)[:, None], counts.shape[:2]) for name, values in fixed.items()},
    }


class _DrawnSums:
    """The sums over every draw of some days, spans × draws × cells."""

    def __init__(self, panel: DailyPanel, draw_sums: list[Floats]) -> None:
        stacked_sums, cell_count = np.stack(draw_sums), panel.counts[0].size
        self.counts = stacked_sums[..., :cell_count].reshape(*stacked_sums.shape[:2], *panel.counts.shape[1:])
        self._outcome_sums = stacked_sums[..., cell_count:-3].reshape(*stacked_sums.shape[:2], *panel.sums.shape[1:])
        self._unit_counts, self._unsound_counts, self._duplicate_counts = np.moveaxis(stacked_sums[..., -3:], -1, 0)

    def transform_outcomes(self, transform: Floats) -> Floats:
        """Return the sums of lead, model loss, market loss and signed error."""
        return np.asarray(
            (self._outcome_sums.reshape(len(transform), -1, 5) @ transform).reshape(*self._outcome_sums.shape[:-1], 4)
        )

    def compute_shares(self) -> dict[str, Floats]:
        """Return the shares of all units that are unsound and that occur twice."""
        units = np.maximum(self._unit_counts, 1)
        return {"unsound": self._unsound_counts / units, "twice": self._duplicate_counts / units}


def _find_active_days(panel: DailyPanel, start: int, end: int) -> Ints:
    return np.asarray(start + np.flatnonzero(panel.counts[start:end].sum(axis=(1, 2, 3))), dtype=np.int64)


def _compute_absent_share(panel: DailyPanel, start: int, end: int) -> float:
    """Return the share of requested rows that are not predicted."""
    absent_count = panel.absent_counts[start:end].sum()
    return float(absent_count / max(panel.unit_counts[start:end].sum() + absent_count, 1))


def _fit_surplus_costs(panel: DailyPanel, baseline: Ints) -> Floats:
    """Regress model loss, market loss and signed error of the baseline on surplus and |surplus|; return the slopes."""
    cross_products = panel.cross_products[baseline].sum(axis=0)
    coefficients = np.linalg.lstsq(cross_products[:, :3], cross_products[:, 3:], rcond=1e-10)[0]
    return np.asarray(coefficients[1:])


def _split_change(panel: DailyPanel, spans: list[_ComparedDays], split: Floats) -> Floats:
    """Return CHANGE_PARTS of every draw. A change within cells that model and market share counts as noise."""
    model, market, shift = split[..., 3, 1], split[..., 3, 2], split[..., 3, 3]
    if panel.is_priced:
        shared_change = np.where(model * market > 0, np.sign(model) * np.minimum(np.abs(model), np.abs(market)), 0.0)
        model, market = model - shared_change, market - shared_change
    bias = np.stack([_compute_shift_cost(panel, span.window, shift[index]) for index, span in enumerate(spans)])
    bias = np.minimum(bias, np.maximum(model, 0.0))
    noise = split[..., 3, 0] - (model - market)
    shares = split[..., 0, 0], split[..., 1, 0], split[..., 2, 0]
    return np.stack([-market, model - bias, bias, *shares, noise], axis=-1)


def _compute_shift_cost(panel: DailyPanel, window: Ints, shift: Floats) -> Floats:
    """Return how much lower the window's mean |error| would be without the shift; for draws, quadratic in the shift."""
    if panel.is_race or not shift[0]:
        return np.zeros(len(shift))
    errors = panel.errors[panel.day_edges[window[0]] : panel.day_edges[window[-1] + 1]]
    sample = errors[:: max(1, len(errors) // MIN_SHIFT_ERRORS)]
    cost = float((np.abs(sample) - np.abs(sample - shift[0])).mean())
    return np.asarray(max(cost, 0.0) * np.square(shift / shift[0]))


def _compute_excess_distance(counts: Floats, baseline_counts: Floats) -> Floats:
    """Return the total variation between two compositions in excess of chance, for every draw."""
    distances = compute_total_variation(counts, baseline_counts)
    chance_distances = [
        np.square(compute_total_variation(composition[:, 1:], composition[:, :1])).mean(axis=1, keepdims=True)
        for composition in (counts, baseline_counts)
    ]
    allowed = np.broadcast_to(2 * (chance_distances[0] + chance_distances[1]), distances.shape).copy()
    allowed[:, 0] /= 2  # a resample has the chance variation of the data and its own
    return np.asarray(np.sqrt(np.maximum(np.square(distances) - allowed, 0.0)))


def _count_missing_days(panel: DailyPanel, span: _ComparedDays) -> float:
    """Return the number of unusually missing days in the window, without the longest run, which may be a break.

    Used only if requested rows are unknown. A day without units counts if its weekday has units in at least 80 % of the
    baseline.
    """
    begin, start, end = int(span.baseline[0]), span.start, span.end
    weekday = np.arange(begin, end) % 7
    has_units = panel.unit_counts[begin:end] > 0
    usual_shares = np.array([has_units[: start - begin][weekday[: start - begin] == day].mean() for day in range(7)])
    is_missing = ~has_units[start - begin :] & (usual_shares[weekday[start - begin :]] >= 0.8)
    run_lengths = np.diff(np.flatnonzero(np.r_[True, ~is_missing, True])) - 1
    return float(is_missing.sum() - run_lengths.max(initial=0))


def _score_causes(contributions: Floats, extents: dict[str, Floats], settings: Settings, is_priced: bool) -> Floats:
    market, model, _, population, lines, data, _ = np.moveaxis(contributions, -1, 0)
    size, errors = settings.size if is_priced else settings.size_alone, settings.errors

    def compute_score(effect: Floats, threshold: float) -> Floats:
        return np.asarray(effect / np.maximum(threshold, errors * effect[:, 1:].std(axis=1, keepdims=True)))

    quality_scores = [
        compute_score(np.abs(data), size),
        compute_score(extents["unsound"], settings.unsound_share),
        compute_score(extents["twice"], settings.twice_share),
        compute_score(extents["absent"], settings.absent_share),
        compute_score(extents["missing_days"], settings.missing_days),
    ]
    population_scores, lines_scores = (
        [compute_score(np.abs(part), size), compute_score(extents[name], settings.shift_share)]
        for name, part in (("population", population), ("lines", lines))
    )
    scores_by_cause = {
        "market_sharpness": compute_score(market, size),
        "model_drift": compute_score(model, size),
        "bias": compute_score(np.abs(extents["signed_error"]), settings.bias_size),
        "data_quality": np.max(quality_scores, axis=0),
        "leakage": compute_score(-model, size),
        "population_mix": np.max(population_scores, axis=0),
        "line_mix": np.max([compute_score(-market, size), *lines_scores], axis=0),
    }
    return np.asarray(np.nan_to_num(np.stack([scores_by_cause[name] for name in CAUSES], axis=-1)))
