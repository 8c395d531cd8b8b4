"""Power: how often rules alarm in worlds without change, and the smallest change they find."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.diagnose.monitoring.alarm_rules import (
    LearnedLimits,
    Rule,
    RuleInputs,
    build_calibrated_rules,
    flag_upcrossings,
)
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.monitoring_settings import Settings
from trueline.core.runtime.single_thread import limit_to_one_thread
from trueline.core.stats.change_detection import draw_block_indices, fit_cusum_alarm

Floats = npt.NDArray[np.float64]

RULE_COUNT = 4  # that share the false alarms of a season: hits, beats, drift, sharpness
BISECTION_STEPS = 8  # of the changes that are tried: to a 250th of the largest
MIN_REFERENCE_BLOCKS = 2  # blocks of reference
LIMIT_CANDIDATES = 300  # limits, closer to each other toward the largest figure


def simulate_worlds(daily_sums: DailySums, settings: Settings, seed: int) -> DailySums:
    """Return worlds without change: the reference and a season after it, drawn from it in blocks of neighbours.

    The reference are the first `reference_days` calendar days; days without units are drawn like others.
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
    """Return limits that all rules together exceed at most `false_alarms` times a season, learned from the reference.

    Each of the four gets an even part. Limits are of rules alone, so alarms on one day count for each. None of a rule
    whose figure the reference does not hold. Days after the reference have no part in them.
    """
    rule_settings, alarms_per_rule = settings.rules, settings.rules.false_alarms / RULE_COUNT
    with limit_to_one_thread():
        rule_inputs = RuleInputs(
            simulate_worlds(daily_sums, settings, seed), rule_settings.reference_days, settings.windows, is_signed
        )
        return LearnedLimits(
            _fit_fall_limit(daily_sums.wins, daily_sums.decided, settings.windows.hit_drop, settings, seed),
            _fit_fall_limit(daily_sums.beats, daily_sums.priced, rule_settings.beat_drop, settings, seed),
            _find_limit(rule_inputs.drift_score, rule_settings.reference_days, alarms_per_rule),
            _find_limit(rule_inputs.market_z_score, rule_settings.reference_days, alarms_per_rule),
        )


def evaluate_rules(
    rules: list[Rule], daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int
) -> list[dict[str, Any]]:
    """Return of each rule: its alarms a season and share of alarmed days without change, and what it finds.

    `smallest_shift` is the smallest change, from one day on, that is alarmed within `power_days` in a share of `power`
    of worlds or more: percentage points of a rate, or the loss's unit; None where even the largest tried is not. Worlds
    are drawn anew, not those that set the limits.
    """
    rule_settings = settings.rules
    with limit_to_one_thread():
        simulated = simulate_worlds(daily_sums, settings, seed + 1)
        rule_inputs = RuleInputs(simulated, rule_settings.reference_days, settings.windows, is_signed)
        results = []
        for rule in rules:
            alarm_days = rule.fires(rule_inputs)[..., rule_settings.reference_days :]
            alarm_starts = alarm_days & ~np.concatenate(
                [np.zeros_like(alarm_days[..., :1]), alarm_days[..., :-1]], axis=-1
            )
            is_always_detected = _is_detected(rule, simulated, 0.0, settings, is_signed)
            smallest_shift = None if is_always_detected else _find_smallest_shift(rule, simulated, settings, is_signed)
            results.append({
                "rule": rule.name, "level": rule.level, "meaning": rule.meaning,
                "false_alarms_a_season": float(alarm_starts.sum(axis=-1).mean()),
                "false_alarm_days_share": float(alarm_days.mean()),
                "smallest_shift": None if smallest_shift is None else smallest_shift * (100 if rule.unit == "share" else 1),
                "shift_of": "percentage points" if rule.unit == "share" else "loss a unit",
                "within_days": rule_settings.power_days,
                "alarms_anyway": is_always_detected,
            })  # fmt: skip
    return results


def fit_calibrated_rules(daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int) -> list[Rule]:
    """Return the calibrated rules; none where the reference is not complete."""
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
    alarms_per_rule = rule_settings.false_alarms / RULE_COUNT
    return fit_cusum_alarm(
        daily_wins,
        daily_trials,
        drop,
        rule_settings.season_days,
        alarms_per_rule,
        rule_settings.block_days,
        rule_settings.draws,
        seed,
    ).limit


def _find_limit(figures: Floats, first_day: int, alarms_per_rule: float) -> float | None:
    """Return the lowest limit above which every limit is passed `alarms_per_rule` times a season on average, or more rarely."""
    finite_figures = figures[..., first_day:][np.isfinite(figures[..., first_day:])]
    if not len(finite_figures):
        return None
    limit = float(finite_figures.max())
    # not by halving: a figure that is always above a limit never passes it, so low limits are passed rarely as well
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
