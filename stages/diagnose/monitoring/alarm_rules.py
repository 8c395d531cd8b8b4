"""Alarm rules: which days alarm, by preset bounds or by limits learned from a reference period."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.drift_score import compute_drift_score
from stages.diagnose.monitoring.market_sharpness import MarketImprovement, estimate_market_improvement
from stages.diagnose.monitoring.monitoring_settings import RuleSettings, Settings, WindowSettings
from stages.diagnose.units.array_types import Floats, Mask
from trueline.core.stats import change_detection
from trueline.core.stats.rolling import compute_trailing_sums

ALERT_LEVELS = ("none", "info", "warning", "critical")


class RuleInputs:
    """The series that rules act on, for every day of every simulation; the first `reference_days` set the rates."""

    def __init__(self, daily_sums: DailySums, reference_days: int, windows: WindowSettings, is_signed: bool) -> None:
        self.daily_sums, self.reference_days = daily_sums, reference_days
        self._windows, self._is_signed = windows, is_signed

    @cached_property
    def hit_rate(self) -> Floats:
        """The percentage of picks won in the last 7 days."""
        return _compute_percent(self.daily_sums.wins, self.daily_sums.decided, 7, self._windows.least_picks)

    @cached_property
    def beat_rate(self) -> Floats:
        """The percentage of priced units in the window in which the model was closer than the market."""
        sums, windows = self.daily_sums, self._windows
        return _compute_percent(sums.beats, sums.priced, windows.window_days, windows.least_units)

    @cached_property
    def drift_score(self) -> Floats:
        """The drift score."""
        return compute_drift_score(self.daily_sums, self._windows, self._is_signed).score

    @cached_property
    def market_improvement(self) -> MarketImprovement:
        """The share by which the market's loss was below its baseline."""
        return estimate_market_improvement(self.daily_sums, self._windows)

    @cached_property
    def market_z_score(self) -> Floats:
        """The market's distance from its baseline in standard errors, on either side."""
        value, error = self.market_improvement.value, self.market_improvement.standard_error
        return np.asarray(np.abs(np.divide(value, error, out=np.full(error.shape, np.nan), where=error > 0)))

    def detect_fall(self, event_field: str, trial_field: str, drop: float, limit: float) -> Mask:
        """Return where Page's CUSUM for a fall of a rate below that of the reference exceeds the limit."""
        event_counts, trial_counts = (
            getattr(self.daily_sums, field).sum(axis=-1) for field in (event_field, trial_field)
        )
        reference_events, reference_trials, events, trials = (
            counts[..., days]
            for days in (slice(None, self.reference_days), slice(self.reference_days, None))
            for counts in (event_counts, trial_counts)
        )
        reference_rate = np.asarray(reference_events.sum(axis=-1) / np.maximum(reference_trials.sum(axis=-1), 1))
        ratios = change_detection.compute_log_likelihood_ratios(events, trials, reference_rate[..., None], drop)
        alarms = change_detection.compute_cusum(ratios.reshape(-1, ratios.shape[-1]), limit)[1].reshape(ratios.shape)
        return np.concatenate([np.zeros_like(reference_events, dtype=bool), alarms], axis=-1)


@dataclass(frozen=True)
class Rule:
    """A rule with the level and meaning of its alarms, and the change that it should detect."""

    name: str
    level: str
    meaning: str
    fires: Callable[[RuleInputs], Mask]
    effects: dict[str, float]  # the daily sums that a unit of change moves, and in which direction
    unit: str  # of the change: share or loss
    max_change: float  # the largest change that is tried


def build_preset_rules(rule_settings: RuleSettings) -> list[Rule]:
    """Return the rules with fixed bounds; they alarm on every day on which their figures are beyond them."""
    return [
        Rule(
            "preset_critical", "critical",
            f"the model beats the line in less than {rule_settings.critical_beats:g} % and hits less than "
            f"{rule_settings.critical_hits:g} % in 7 days",
            lambda rule_inputs: (rule_inputs.beat_rate < rule_settings.critical_beats)
            & (rule_inputs.hit_rate < rule_settings.critical_hits),
            {"wins": -1.0, "beats": -1.0}, "share", 0.4,
        ),
        Rule(
            "preset_warning", "warning",
            f"the drift score is {rule_settings.warning_drift:g} or more, or the model beats the line in less than "
            f"{rule_settings.warning_beats:g} %",
            lambda rule_inputs: (rule_inputs.drift_score >= rule_settings.warning_drift)
            | (rule_inputs.beat_rate < rule_settings.warning_beats),
            {"beats": -1.0}, "share", 0.4,
        ),
        Rule(
            "preset_info", "info", f"the market's loss is {rule_settings.info_change:g} % or more from its baseline",
            lambda rule_inputs: np.abs(rule_inputs.market_improvement.value) * 100 >= rule_settings.info_change,
            {"market": -1.0}, "loss", 4.0,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class LearnedLimits:
    """The limits learned from the reference; None where it lacks the data."""

    hit_rate: float | None
    beat_rate: float | None
    drift_score: float | None
    market_z_score: float | None


def build_calibrated_rules(limits: LearnedLimits, settings: Settings) -> list[Rule]:
    """Return the rules whose limits could be learned; they alarm on the day on which the limit is crossed."""
    hit_drop, beat_drop = settings.windows.hit_drop, settings.rules.beat_drop
    rules = []
    if (hit_limit := limits.hit_rate) is not None:
        rules.append(Rule(
            "hit_rate", "warning", "the hit rate fell",
            lambda rule_inputs: rule_inputs.detect_fall("wins", "decided", hit_drop, hit_limit),
            {"wins": -1.0}, "share", 0.4,
        ))  # fmt: skip
    if (beat_limit := limits.beat_rate) is not None:
        rules.append(Rule(
            "model_beats_line", "warning", "the model beats the line less often",
            lambda rule_inputs: rule_inputs.detect_fall("beats", "priced", beat_drop, beat_limit),
            {"beats": -1.0}, "share", 0.4,
        ))  # fmt: skip
    if (drift_limit := limits.drift_score) is not None:
        rules.append(Rule(
            "drift", "warning", f"the drift score passed {drift_limit:.1f}",
            lambda rule_inputs: flag_upcrossings(rule_inputs.drift_score, drift_limit, rule_inputs.reference_days),
            {"model": 1.0}, "loss", 4.0,
        ))  # fmt: skip
    if (sharpness_limit := limits.market_z_score) is not None:
        rules.append(Rule(
            "sharpness", "info", f"the market moved {sharpness_limit:.1f} standard errors or more from its baseline",
            lambda rule_inputs: flag_upcrossings(
                rule_inputs.market_z_score, sharpness_limit, rule_inputs.reference_days
            ),
            {"market": -1.0}, "loss", 4.0,
        ))  # fmt: skip
    return rules


def flag_upcrossings(values: Floats, limit: float, first_day: int) -> Mask:
    """Return where a value is above the limit and was not the day before, from `first_day` on."""
    is_above = np.nan_to_num(values, nan=-np.inf) > limit
    was_above = np.concatenate([np.zeros_like(is_above[..., :1]), is_above[..., :-1]], axis=-1)
    return np.asarray(is_above & ~was_above & (np.arange(values.shape[-1]) >= first_day))


def _compute_percent(wins: Floats, trials: Floats, width: int, min_count: int) -> Floats:
    win_counts, trial_counts = (
        compute_trailing_sums(daily_values.sum(axis=-1), width, axis=-1) for daily_values in (wins, trials)
    )
    return np.where(trial_counts >= min_count, 100 * win_counts / np.maximum(trial_counts, 1), np.nan)
