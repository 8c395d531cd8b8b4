"""Rules: which days alarm, by preset bounds or by limits learned from a reference period."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core import sequential
from core.trailing import sums
from stages.diagnose._daily.days import Days
from stages.diagnose._daily.drift import drift
from stages.diagnose._daily.knobs import Rules, Settings, Windows
from stages.diagnose._daily.sharpness import Better, better

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEVELS = ("none", "info", "warning", "critical")


class Figures:
    """What the rules look at, on every day of every world; the first `reference` days set the rates."""

    def __init__(self, days: Days, reference: int, windows: Windows, signed: bool) -> None:
        self.days, self.reference, self._windows, self._signed = days, reference, windows, signed

    @cached_property
    def hits(self) -> Floats:
        """Percentage of picks won in the last 7 days."""
        return _percent(self.days.wins, self.days.decided, 7, self._windows.least_picks)

    @cached_property
    def beats(self) -> Floats:
        """Percentage of priced units of the window in which the model was closer than the market."""
        return _percent(self.days.beats, self.days.priced, self._windows.window_days, self._windows.least_units)

    @cached_property
    def drift(self) -> Floats:
        """The drift score."""
        return drift(self.days, self._windows.sizes(), self._signed).score

    @cached_property
    def better(self) -> Better:
        """By which share the market was better than before."""
        own = self._windows
        return better(self.days, own.window_days, own.baseline_days, own.least_units, own.least_days)

    @cached_property
    def moved(self) -> Floats:
        """How many standard errors the market is from its baseline, to either side."""
        known = self.better.error > 0
        away = np.divide(self.better.value, self.better.error, out=np.full(known.shape, np.nan), where=known)
        return np.asarray(np.abs(away))

    def falls(self, name: str, of: str, drop: float, limit: float) -> Mask:
        """Return where Page's evidence of a fall of a rate below that of the reference exceeds the limit."""
        won, all_of = (getattr(self.days, one).sum(axis=-1) for one in (name, of))
        first = slice(None, self.reference)
        rate = won[..., first].sum(axis=-1) / np.maximum(all_of[..., first].sum(axis=-1), 1)
        later = slice(self.reference, None)
        gain = sequential.gains(won[..., later], all_of[..., later], np.asarray(rate)[..., None], drop)
        alarms = sequential.cusum(gain.reshape(-1, gain.shape[-1]), limit)[1].reshape(gain.shape)
        return np.concatenate([np.zeros_like(won[..., first], dtype=bool), alarms], axis=-1)


@dataclass(frozen=True)
class Rule:
    """A rule, the level of its alarms, what they say, and the change that it is made to find."""

    name: str
    level: str
    meaning: str
    raised: Callable[[Figures], Mask]
    moves: dict[str, float]  # which sums a unit of change raises, and to which side
    unit: str
    most: float  # the largest change that is tried


def preset(rules: Rules) -> list[Rule]:
    """Return the rules of fixed bounds; they hold on every day on which their figures are beyond them."""
    return [
        Rule(
            "preset_critical", "critical",
            f"the model beats the line in less than {rules.critical_beats:g} % and hits less than "
            f"{rules.critical_hits:g} % in 7 days",
            lambda seen: (seen.beats < rules.critical_beats) & (seen.hits < rules.critical_hits),
            {"wins": -1.0, "beats": -1.0}, "share", 0.4,
        ),
        Rule(
            "preset_warning", "warning",
            f"the drift score is {rules.warning_drift:g} or more, or the model beats the line in less than "
            f"{rules.warning_beats:g} %",
            lambda seen: (seen.drift >= rules.warning_drift) | (seen.beats < rules.warning_beats),
            {"beats": -1.0}, "share", 0.4,
        ),
        Rule(
            "preset_info", "info", f"the market's loss is {rules.info_change:g} % or more from its baseline",
            lambda seen: np.abs(seen.better.value) * 100 >= rules.info_change, {"market": -1.0}, "loss", 4.0,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """The limits that the reference sets; None where it has nothing to set one by."""

    hits: float | None
    beats: float | None
    drift: float | None
    moved: float | None


def calibrated(limits: Learned, settings: Settings) -> list[Rule]:
    """Return the rules of learned limits, as many as could be learned; they alarm on the day a limit is passed."""
    hit_drop, beat_drop = settings.windows.hit_drop, settings.rules.beat_drop
    found = []
    if (hits := limits.hits) is not None:
        found.append(Rule(
            "hit_rate", "warning", "the hit rate fell",
            lambda seen: seen.falls("wins", "decided", hit_drop, hits), {"wins": -1.0}, "share", 0.4,
        ))  # fmt: skip
    if (beats := limits.beats) is not None:
        found.append(Rule(
            "model_beats_line", "warning", "the model beats the line less often",
            lambda seen: seen.falls("beats", "priced", beat_drop, beats), {"beats": -1.0}, "share", 0.4,
        ))  # fmt: skip
    if (score := limits.drift) is not None:
        found.append(Rule(
            "drift", "warning", f"the drift score passed {score:.1f}",
            lambda seen: passed(seen.drift, score, seen.reference), {"model": 1.0}, "loss", 4.0,
        ))  # fmt: skip
    if (errors := limits.moved) is not None:
        found.append(Rule(
            "sharpness", "info", f"the market moved {errors:.1f} standard errors or more from its baseline",
            lambda seen: passed(seen.moved, errors, seen.reference), {"market": -1.0}, "loss", 4.0,
        ))  # fmt: skip
    return found


def passed(values: Floats, limit: float, first: int) -> Mask:
    """Return where a figure is above a limit and was not the day before, from a day on."""
    above = np.nan_to_num(values, nan=-np.inf) > limit
    before = np.concatenate([np.zeros_like(above[..., :1]), above[..., :-1]], axis=-1)
    return np.asarray(above & ~before & (np.arange(values.shape[-1]) >= first))


def _percent(wins: Floats, of: Floats, width: int, least: int) -> Floats:
    won, n = (sums(one.sum(axis=-1), width, axis=-1) for one in (wins, of))
    return np.where(n >= least, 100 * won / np.maximum(n, 1), np.nan)
