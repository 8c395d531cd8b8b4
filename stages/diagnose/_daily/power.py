"""Power: how often rules alarm in worlds without change, and the smallest change they find."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.sequential import alarm, neighbours
from core.threads import one_thread
from stages.diagnose._daily.days import Days
from stages.diagnose._daily.knobs import Settings
from stages.diagnose._daily.rules import Figures, Learned, Rule, calibrated, passed

Floats = npt.NDArray[np.float64]

RULES = 4  # that share the false alarms of a season: hits, beats, drift, sharpness
HALVINGS = 8  # of the changes that are tried: to a 250th of the largest
LEAST = 2  # blocks of reference
TRIED = 300  # limits, closer to each other toward the largest figure


def worlds(days: Days, settings: Settings, seed: int) -> Days:
    """Return worlds without change: the reference and a season after it, drawn from it in blocks of neighbours.

    The reference are the first `reference_days` calendar days; days without units are drawn like others.
    """
    rules = settings.rules
    random = np.random.default_rng(seed)
    size = rules.reference_days + rules.season_days
    rows = [neighbours(rules.reference_days, size, rules.block_days, random) for _ in range(rules.draws)]
    return days.between(0, rules.reference_days).at(np.vstack(rows))


def learn(days: Days, settings: Settings, signed: bool, seed: int) -> Learned:
    """Return limits that all rules together exceed at most `false_alarms` times a season, learned from the reference.

    Each of the four gets an even part. Limits are of rules alone, so alarms on one day count for each. None of a rule
    whose figure the reference does not hold. Days after the reference have no part in them.
    """
    rules, part = settings.rules, settings.rules.false_alarms / RULES
    with one_thread():
        made = Figures(worlds(days, settings, seed), rules.reference_days, settings.windows, signed)
        return Learned(
            _fall(days.wins, days.decided, settings.windows.hit_drop, settings, seed),
            _fall(days.beats, days.priced, rules.beat_drop, settings, seed),
            _limit(made.drift, rules.reference_days, part),
            _limit(made.moved, rules.reference_days, part),
        )


def measured(rules: list[Rule], days: Days, settings: Settings, signed: bool, seed: int) -> list[dict[str, Any]]:
    """Return of each rule: its alarms a season and share of alarmed days without change, and what it finds.

    `smallest_shift` is the smallest change, from one day on, that is alarmed within `power_days` in a share of `power`
    of worlds or more: percentage points of a rate, or the loss's unit; None where even the largest tried is not. Worlds
    are drawn anew, not those that set the limits.
    """
    own = settings.rules
    with one_thread():
        drawn = worlds(days, settings, seed + 1)
        seen = Figures(drawn, own.reference_days, settings.windows, signed)
        found = []
        for rule in rules:
            quiet = rule.raised(seen)[..., own.reference_days :]
            begins = quiet & ~np.concatenate([np.zeros_like(quiet[..., :1]), quiet[..., :-1]], axis=-1)
            anyway = _found(rule, drawn, 0.0, settings, signed)
            shift = None if anyway else _smallest(rule, drawn, settings, signed)
            found.append({
                "rule": rule.name, "level": rule.level, "meaning": rule.meaning,
                "false_alarms_a_season": float(begins.sum(axis=-1).mean()),
                "false_alarm_days_share": float(quiet.mean()),
                "smallest_shift": None if shift is None else shift * (100 if rule.unit == "share" else 1),
                "shift_of": "percentage points" if rule.unit == "share" else "loss a unit",
                "within_days": own.power_days,
                "alarms_anyway": anyway,
            })  # fmt: skip
    return found


def rules_of(days: Days, settings: Settings, signed: bool, seed: int) -> list[Rule]:
    """Return the calibrated rules; none where the reference is not complete."""
    if len(days) <= settings.rules.reference_days or settings.rules.reference_days < LEAST * settings.rules.block_days:
        return []
    return calibrated(learn(days, settings, signed, seed), settings)


def _fall(wins: Floats, of: Floats, drop: float, settings: Settings, seed: int) -> float | None:
    rules = settings.rules
    won, n = (one[: rules.reference_days].sum(axis=-1) for one in (wins, of))
    if n.sum() < settings.windows.least_picks:
        return None
    part = rules.false_alarms / RULES
    return alarm(won, n, drop, rules.season_days, part, rules.block_days, rules.draws, seed).limit


def _limit(figure: Floats, first: int, part: float) -> float | None:
    """Return the lowest limit above which every limit is passed `part` times a season on average, or more rarely."""
    seen = figure[..., first:][np.isfinite(figure[..., first:])]
    if not len(seen):
        return None
    held = float(seen.max())
    # not by halving: a figure that is always above a limit never passes it, so low limits are passed rarely as well
    for share in np.linspace(0, 1, TRIED)[1:] ** 2 / 2:
        lower = float(np.quantile(seen, 1 - share, method="higher"))
        if passed(figure, lower, first).sum(axis=-1).mean() > part:
            break
        held = lower
    return held


def _smallest(rule: Rule, drawn: Days, settings: Settings, signed: bool) -> float | None:
    low, high = 0.0, rule.most
    if not _found(rule, drawn, high, settings, signed):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _found(rule, drawn, middle, settings, signed) else (middle, high)
    return high


def _found(rule: Rule, drawn: Days, change: float, settings: Settings, signed: bool) -> bool:
    own = settings.rules
    end = own.reference_days + min(own.power_days, own.season_days)
    moved = drawn.moved(own.reference_days, **{name: side * change for name, side in rule.moves.items()})
    seen = Figures(moved.between(0, end), own.reference_days, settings.windows, signed)
    return bool(rule.raised(seen)[..., own.reference_days :].any(axis=-1).mean() >= own.power)
