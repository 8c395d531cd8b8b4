"""Power: how often rules alarm in simulated series without change, and the smallest change they detect."""

from typing import Any

import numpy as np

from stages.diagnose.monitoring.alarm_rules import (
    LearnedLimits,
    Rule,
    RuleInputs,
    build_calibrated_rules,
    flag_upcrossings,
)
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.monitoring_settings import Settings
from stages.diagnose.units.array_types import Floats
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.stats.change_detection import draw_block_indices, fit_cusum_alarm

RULE_COUNT = 4  # calibrated rules that share the false alarms of a season: hits, beats, drift, sharpness
BISECTION_STEPS = 8  # the smallest shift is found to within about a 250th of the largest tried
MIN_REFERENCE_BLOCKS = 2  # resampling blocks that the reference must contain
LIMIT_CANDIDATES = 300  # limits that are tried, denser towards the largest value


def simulate_worlds(daily_sums: DailySums, settings: Settings, seed: int) -> DailySums:
    """Simulate series without change: a reference and a season after it, by block bootstrap of the reference.

    The reference is the first `reference_days` calendar days; days without units are resampled like others.
    """
    rule_settings = settings.rules
    rng = np.random.default_rng(seed)
    day_count = rule_settings.reference_days + rule_settings.season_days
    day_rows = [
        draw_block_indices(rule_settings.reference_days, day_count, rule_settings.block_days, rng)
        for _ in range(rule_settings.draws)
    ]
    return daily_sums.slice_days(0, rule_settings.reference_days).select_days(np.vstack(day_rows))


def learn_limits(daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int) -> LearnedLimits:
    """Learn from the reference the limits that all rules together exceed at most `false_alarms` times a season.

    Each of the four rules gets an equal part. Each limit is set by its rule alone, so simultaneous alarms count for
    each rule. A limit is None if the reference lacks the rule's figure. Days after the reference are not used.
    """
    rule_settings, alarms_per_rule = settings.rules, settings.rules.false_alarms / RULE_COUNT
    with limit_to_one_thread():
        simulated = simulate_worlds(daily_sums, settings, seed)
        rule_inputs = RuleInputs(simulated, rule_settings.reference_days, settings.windows, is_signed)
        return LearnedLimits(
            _fit_fall_limit(daily_sums.wins, daily_sums.decided, settings.windows.hit_drop, settings, seed),
            _fit_fall_limit(daily_sums.beats, daily_sums.priced, rule_settings.beat_drop, settings, seed),
            _find_limit(rule_inputs.drift_score, rule_settings.reference_days, alarms_per_rule),
            _find_limit(rule_inputs.market_z_score, rule_settings.reference_days, alarms_per_rule),
        )


def evaluate_rules(
    rules: list[Rule], daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int
) -> list[dict[str, Any]]:
    """Return for each rule its alarms per season and share of alarmed days without change, and what it detects.

    `smallest_shift` is the smallest lasting change that raises an alarm within `power_days` in at least a share `power`
    of the simulated series, in percentage points of a rate or in the loss's unit; None if even the largest change tried
    does not, or if the rule alarms that often without any (`alarms_anyway`). The series are new ones, not those that
    set the limits.
    """
    rule_settings = settings.rules
    with limit_to_one_thread():
        simulated = simulate_worlds(daily_sums, settings, seed + 1)
        rule_inputs = RuleInputs(simulated, rule_settings.reference_days, settings.windows, is_signed)
        results = []
        for rule in rules:
            alarm_days = rule.fires(rule_inputs)[..., rule_settings.reference_days :]
            alarm_starts = flag_upcrossings(alarm_days.astype(float), 0.5, 0)
            is_always_detected = _is_detected(rule, simulated, 0.0, settings, is_signed)
            shift = None if is_always_detected else _find_smallest_shift(rule, simulated, settings, is_signed)
            results.append({
                "rule": rule.name, "level": rule.level, "meaning": rule.meaning,
                "false_alarms_a_season": float(alarm_starts.sum(axis=-1).mean()),
                "false_alarm_days_share": float(alarm_days.mean()),
                "smallest_shift": None if shift is None else shift * (100 if rule.unit == "share" else 1),
                "shift_of": "percentage points" if rule.unit == "share" else "loss a unit",
                "within_days": rule_settings.power_days,
                "alarms_anyway": is_always_detected,
            })  # fmt: skip
    return results


def fit_calibrated_rules(daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int) -> list[Rule]:
    """Return the calibrated rules; none if no day follows the reference or it has fewer than two resampling blocks."""
    if (
        len(daily_sums) <= settings.rules.reference_days
        or settings.rules.reference_days < MIN_REFERENCE_BLOCKS * settings.rules.block_days
    ):
        return []
    return build_calibrated_rules(learn_limits(daily_sums, settings, is_signed, seed), settings)


def _fit_fall_limit(wins: Floats, trials: Floats, drop: float, settings: Settings, seed: int) -> float | None:
    rule_settings = settings.rules
    daily_wins, daily_trials = (
        daily_values[: rule_settings.reference_days].sum(axis=-1) for daily_values in (wins, trials)
    )
    if daily_trials.sum() < settings.windows.least_picks:
        return None
    return fit_cusum_alarm(
        daily_wins, daily_trials, drop, rule_settings.season_days, rule_settings.false_alarms / RULE_COUNT,
        rule_settings.block_days, rule_settings.draws, seed,
    ).limit  # fmt: skip


def _find_limit(figures: Floats, first_day: int, alarms_per_rule: float) -> float | None:
    """Return the lowest limit such that it and all higher ones are crossed at most `alarms_per_rule` times a season."""
    finite_figures = figures[..., first_day:][np.isfinite(figures[..., first_day:])]
    if not len(finite_figures):
        return None
    limit = float(finite_figures.max())
    # no bisection: a value that is always above a limit never crosses it, so low limits are rarely crossed too
    for share in np.linspace(0, 1, LIMIT_CANDIDATES)[1:] ** 2 / 2:
        candidate = float(np.quantile(finite_figures, 1 - share, method="higher"))
        if flag_upcrossings(figures, candidate, first_day).sum(axis=-1).mean() > alarms_per_rule:
            break
        limit = candidate
    return limit


def _find_smallest_shift(rule: Rule, simulated: DailySums, settings: Settings, is_signed: bool) -> float | None:
    low, high = 0.0, rule.max_change
    if not _is_detected(rule, simulated, high, settings, is_signed):
        return None
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _is_detected(rule, simulated, middle, settings, is_signed) else (middle, high)
    return high


def _is_detected(rule: Rule, simulated: DailySums, change: float, settings: Settings, is_signed: bool) -> bool:
    rule_settings = settings.rules
    end = rule_settings.reference_days + min(rule_settings.power_days, rule_settings.season_days)
    shifted = simulated.apply_shift(
        rule_settings.reference_days, **{name: direction * change for name, direction in rule.effects.items()}
    )
    rule_inputs = RuleInputs(shifted.slice_days(0, end), rule_settings.reference_days, settings.windows, is_signed)
    return bool(rule.fires(rule_inputs)[..., rule_settings.reference_days :].any(axis=-1).mean() >= rule_settings.power)
