"""Judgement: a window of days beside those before it, split into parts and scored for every cause that is known."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from core.decomposition import distance, nested
from core.intervals import weights
from core.params import Knobs
from stages.diagnose._causes.panel import BIAS, LEVEL, MARKET, MODEL, SPREAD, Panel
from stages.diagnose._causes.where import Least, where

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CAUSES = ("market_sharpness", "model_drift", "bias", "data_quality", "leakage", "population_mix", "line_mix")
PARTS = ("market", "model", "bias", "population", "lines", "data", "noise")
CHUNK = 16  # windows judged at once: small arrays cost more in calls than in numbers
ERRORS = 5000  # of a window, at least, from which the cost of a shift is told
WEEK = 7  # days that are drawn together in the baseline: it is long, and days of a week resemble each other
# least score of a draw that agrees to a cause: on 1,644 worlds of the fault laboratory, of other seeds than those of
# `benchmarks faults`, confidence came nearest to how often causes were right; 0 promises too much, 1 too little
AGREES = 0.75
FEWEST_WEEKS = 10  # below which single days are drawn: of few blocks draws know too little


class Settings(Knobs):
    """What is compared with what, and from where on a difference counts."""

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
class Judged:
    """Every draw's parts of the change of the lead, and its scores: 1 is the least that counts. Draw 0 is the data."""

    parts: Floats  # draws × PARTS, in units of loss; they sum to the change
    scores: Floats  # draws × CAUSES
    evidence: dict[str, float]  # what was measured beside the losses
    where: dict[str, dict[str, Any]]  # part → the level in which it is found, if it is in one more than elsewhere
    priced: bool  # whether the lead is over a market, or the model's loss alone

    def named(self, least: float) -> tuple[str, float]:
        """Return the cause and the share of draws that agree; undecided where that share is too small.

        A cause is agreed to where it scores most and not far below 1, none where no score reaches 1.
        """
        most = self.scores.argmax(axis=1)
        if self.scores[0].max() < 1:
            return "none", float((self.scores[1:].max(axis=1) < 1).mean())
        share = float(((most[1:] == most[0]) & (self.scores[1:].max(axis=1) >= AGREES)).mean())
        return (CAUSES[int(most[0])] if share >= least else "undecided"), share


@dataclass(frozen=True)
class _Span:
    """The days that are compared: those of the window, those of its baseline, and where the latter's blocks begin."""

    start: int
    end: int
    window: Ints
    base: Ints
    blocks: Ints


def judge(found: Panel, ends: list[int], settings: Settings, seed: int) -> list[Judged | None]:
    """Return the judgement of the window of days before each end; None where it or its baseline has too few days."""
    spans = [_span(found, end, settings) for end in ends]
    known = [span for span in spans if span is not None]
    several = [known[begin : begin + CHUNK] for begin in range(0, len(known), CHUNK)]
    judged = iter([one for chunk in several for one in _judge(found, chunk, settings, seed)])
    return [None if span is None else next(judged) for span in spans]


def _span(found: Panel, end: int, settings: Settings) -> _Span | None:
    start = max(end - settings.window_days, 0)
    window = _active(found, start, end)
    base = _active(found, max(start - settings.baseline_days, 0), start)
    if len(window) < settings.least_days or len(base) < settings.least_baseline_days:
        return None
    weeks = np.flatnonzero(np.r_[True, np.diff((start - 1 - base) // WEEK) != 0])
    return _Span(start, end, window, base, weeks if len(weeks) >= FEWEST_WEEKS else np.arange(len(base)))


def _judge(found: Panel, spans: list[_Span], settings: Settings, seed: int) -> list[Judged]:
    draws = settings.draws
    windows = [partial(_of_window, span, draws, seed) for span in spans]
    bases = [partial(_of_base, span, draws, seed + 1) for span in spans]
    own, other = (_Sums(found, [drawn(found.flat) for drawn in side]) for side in (windows, bases))
    turn = _turn(np.stack([_odds(found, span.base) for span in spans]))
    split = nested(own.counts, own.outcomes(turn), other.counts, other.outcomes(turn), 3)
    parts = _parts(found, spans, split)
    extent = _extent(found, spans, own, other) | {"signed_error": split[..., 3, 3]}
    scores = _scores(parts, extent, settings, found.priced)
    measured = [{name: float(value[n, 0]) for name, value in extent.items()} for n in range(len(spans))]
    least = Least(settings.errors, settings.least_days, settings.least_baseline_days)
    toward = [_toward(parts[n, 0], measured[n]["signed_error"]) for n in range(len(spans))]
    places = [where(found.fields, *each, least) for each in zip(windows, bases, toward, strict=True)]
    return [Judged(parts[n], scores[n], measured[n], places[n], found.priced) for n in range(len(spans))]


def _toward(parts: Floats, signed_error: float) -> dict[str, float]:
    """Return in which direction the model's loss, the market's and the signed error went; 0 for a part without any."""
    market, model, bias = np.sign([-parts[0], parts[1] + parts[2], signed_error]).tolist()
    return {"market": market, "model": model, "bias": bias}


def _of_window(span: _Span, draws: int, seed: int, daily: Floats) -> Floats:
    """Return what every draw of the window's days sums to, draws × …"""
    return _times(_drawn(len(span.window), draws, seed), daily[span.window])


def _of_base(span: _Span, draws: int, seed: int, daily: Floats) -> Floats:
    """Return what every draw of the baseline's blocks of days sums to, draws × …"""
    return _times(_drawn(len(span.blocks), draws, seed), np.add.reduceat(daily[span.base], span.blocks))


def _times(drawn: Floats, daily: Floats) -> Floats:
    return np.asarray((drawn @ daily.reshape(len(daily), -1)).reshape(len(drawn), *daily.shape[1:]))


def _turn(fit: Floats) -> Floats:
    """Return what turns outcomes into lead, model's loss, market's and signed error, odd outcomes out of the last."""
    turn = np.zeros((len(fit), 5, 4))
    turn[:, [MODEL, MARKET], 0] = 1, -1
    turn[:, [MODEL, MARKET, BIAS], [1, 2, 3]] = 1
    turn[:, [LEVEL, SPREAD], 1:] = -fit
    return turn


def _extent(found: Panel, spans: list[_Span], own: "_Sums", other: "_Sums") -> dict[str, Floats]:
    """Return what is measured beside the losses, spans × draws."""
    shares, base_shares = own.shares(), other.shares()
    # days without a unit cannot be drawn, and what is absent is no matter of chance
    absent = [_absent(found, s.start, s.end) - _absent(found, int(s.base[0]), s.start) for s in spans]
    missing = [0.0 if found.asked else _missing(found, s) for s in spans]
    shape = own.counts.shape[:2]
    return {
        **{name: share - base_shares[name] for name, share in shares.items()},
        "population": _apart(own.counts.sum(axis=(3, 4)), other.counts.sum(axis=(3, 4))),
        "lines": _apart(own.counts.sum(axis=(2, 4)), other.counts.sum(axis=(2, 4))),
        "absent": np.broadcast_to(np.array(absent)[:, None], shape),
        "missing_days": np.broadcast_to(np.array(missing)[:, None], shape),
    }


class _Sums:
    """What every draw of some days sums to, spans × draws × cells."""

    def __init__(self, found: Panel, drawn: list[Floats]) -> None:
        sums, cells = np.stack(drawn), found.counts[0].size
        self.counts = sums[..., :cells].reshape(*sums.shape[:2], *found.counts.shape[1:])
        self._sums = sums[..., cells:-3].reshape(*sums.shape[:2], *found.sums.shape[1:])
        self._units, self._unsound, self._twice = np.moveaxis(sums[..., -3:], -1, 0)

    def outcomes(self, turn: Floats) -> Floats:
        """Return the sums of lead, model's loss, market's loss and signed error."""
        return np.asarray((self._sums.reshape(len(turn), -1, 5) @ turn).reshape(*self._sums.shape[:-1], 4))

    def shares(self) -> dict[str, Floats]:
        """Return which shares of all units are unsound and told twice."""
        units = np.maximum(self._units, 1)
        return {"unsound": self._unsound / units, "twice": self._twice / units}


def _active(found: Panel, start: int, end: int) -> Ints:
    return np.asarray(start + np.flatnonzero(found.counts[start:end].sum(axis=(1, 2, 3))), dtype=np.int64)


def _absent(found: Panel, start: int, end: int) -> float:
    """Return the share of the rows asked for that are not predicted."""
    absent = found.absent[start:end].sum()
    return float(absent / max(found.units[start:end].sum() + absent, 1))


@lru_cache(maxsize=512)
def _drawn(blocks: int, draws: int, seed: int) -> Floats:
    """Return how often each block counts: once in draw 0, which is the data, then as drawn with replacement."""
    return np.vstack([np.ones((1, blocks)), *weights(blocks, seed, draws)])


def _odds(found: Panel, base: Ints) -> Floats:
    """Return what one of surplus and of spread cost the model, the market and the signed error in the baseline."""
    cross = found.cross[base].sum(axis=0)
    fit = np.linalg.lstsq(cross[:, :3], cross[:, 3:], rcond=1e-10)[0]
    return np.asarray(fit[1:])


def _parts(found: Panel, spans: list[_Span], split: Floats) -> Floats:
    """Return PARTS of every draw. What model and market share within cells is odd outcomes, hence noise."""
    model, market, shift = split[..., 3, 1], split[..., 3, 2], split[..., 3, 3]
    if found.priced:
        shared = np.where(model * market > 0, np.sign(model) * np.minimum(np.abs(model), np.abs(market)), 0.0)
        model, market = model - shared, market - shared
    bias = np.stack([_cost_of_shift(found, span.window, shift[n]) for n, span in enumerate(spans)])
    bias = np.minimum(bias, np.maximum(model, 0.0))
    noise = split[..., 3, 0] - (model - market)
    shares = split[..., 0, 0], split[..., 1, 0], split[..., 2, 0]
    return np.stack([-market, model - bias, bias, *shares, noise], axis=-1)


def _cost_of_shift(found: Panel, window: Ints, shift: Floats) -> Floats:
    """Return how much lower the mean |error| of the window were without the shift: near its middle, quadratic in it."""
    if found.shares or not shift[0]:
        return np.zeros(len(shift))
    error = found.error[found.edge[window[0]] : found.edge[window[-1] + 1]]
    some = error[:: max(1, len(error) // ERRORS)]
    cost = float((np.abs(some) - np.abs(some - shift[0])).mean())
    return np.asarray(max(cost, 0.0) * np.square(shift / shift[0]))


def _apart(counts: Floats, base: Floats) -> Floats:
    """Return the distance of compositions beyond that of chance, of every draw."""
    found = distance(counts, base)
    spread = [np.square(distance(side[:, 1:], side[:, :1])).mean(axis=1, keepdims=True) for side in (counts, base)]
    allowed = np.broadcast_to(2 * (spread[0] + spread[1]), found.shape).copy()
    allowed[:, 0] /= 2  # a draw of days adds chance to that of the data
    return np.asarray(np.sqrt(np.maximum(np.square(found) - allowed, 0.0)))


def _missing(found: Panel, span: _Span) -> float:
    """Return how many days without a unit are more than usual, but for the longest run: that may be a break.

    Where unpredicted rows are known, they tell; here days count on whose weekday the baseline nearly always has units.
    """
    begin, start, end = int(span.base[0]), span.start, span.end
    weekday = np.arange(begin, end) % 7
    some = found.units[begin:end] > 0
    usual = np.array([some[: start - begin][weekday[: start - begin] == day].mean() for day in range(7)])
    gone = ~some[start - begin :] & (usual[weekday[start - begin :]] >= 0.8)
    lengths = np.diff(np.flatnonzero(np.r_[True, ~gone, True])) - 1
    return float(gone.sum() - lengths.max(initial=0))


def _scores(parts: Floats, extent: dict[str, Floats], settings: Settings, priced: bool) -> Floats:
    market, model, _, population, lines, data, _ = np.moveaxis(parts, -1, 0)
    size, errors = settings.size if priced else settings.size_alone, settings.errors

    def score(effect: Floats, counts: float) -> Floats:
        return np.asarray(effect / np.maximum(counts, errors * effect[:, 1:].std(axis=1, keepdims=True)))

    quality = [
        score(np.abs(data), size),
        score(extent["unsound"], settings.unsound_share),
        score(extent["twice"], settings.twice_share),
        score(extent["absent"], settings.absent_share),
        score(extent["missing_days"], settings.missing_days),
    ]
    found = {
        "market_sharpness": score(market, size),
        "model_drift": score(model, size),
        "bias": score(np.abs(extent["signed_error"]), settings.bias_size),
        "data_quality": np.max(quality, axis=0),
        "leakage": score(-model, size),
        "population_mix": np.maximum(
            score(np.abs(population), size), score(extent["population"], settings.shift_share)
        ),
        "line_mix": np.max(
            [score(-market, size), score(np.abs(lines), size), score(extent["lines"], settings.shift_share)], axis=0
        ),
    }
    return np.asarray(np.nan_to_num(np.stack([found[name] for name in CAUSES], axis=-1)))
