"""feature_shift: which inputs are spread otherwise in the rows scored than in the rows fitted on?"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, LEVEL
from core.places import run
from core.stored import each

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAME = "Are the inputs spread in scoring as they were in fitting?"

FEW = 20  # distinct numbers up to which each is a level of its own
RARE = 0.01  # share of the fit rows below which levels are pooled: their shares are mostly noise
FIRST_LOOK = 2000  # rows in which a number of more than FEW values mostly shows so many
MOST = 1_000_000  # fit rows from which deciles are cut: so many know each to a twentieth of a percent
SHOWN = 10


def check(evidence: Evidence) -> Finding:
    """Name inputs whose population stability index between the first test fold's fit rows and all score rows is high.

    PSI = Σ (q − p)·ln(q/p) over deciles of the fit rows, or over levels; missing is a cell of its own. With no change
    it is about (cells − 1)(1/n₁ + 1/n₂), n in groups, for rows of one group are not independent. An input is named
    when its PSI exceeds that by more than the limit, and exceeds what chance does to any of the inputs once in 20.
    Of more than a million fit rows deciles are cut from as many, drawn (`decile_rows`); all rows are counted in them.
    Counts that only grow (starts so far) must shift and are named too. Values that persist over many groups shift
    more by chance than is allowed for here.
    """
    fit, score, groups = _sides(evidence)
    if min(groups) < FEWEST:
        return finding("declined", f"{groups[0]} fit and {groups[1]} score groups; {FEWEST} of each are needed.")
    some, one, other = _some(fit, evidence.seed), run(fit), run(score)
    noise = math.fsum(1 / n for n in groups)
    measured = [
        {"feature": name, **_shift(*_counts(values.iloc[one], values.iloc[other], some), noise, len(evidence.inputs))}
        for name, values in each(evidence.features, evidence.inputs)
    ]
    measured.sort(key=lambda found: (found["expected"] - found["psi"], found["feature"]))
    shifted = [found["feature"] for found in measured if _beyond(found, evidence.limits.shift)]
    details = {"top": measured[:SHOWN], "shifted": shifted, "fit_groups": groups[0], "score_groups": groups[1]}
    if len(some) < len(fit):
        details["decile_rows"] = len(some)
    if shifted:
        many = ", ".join(shifted[:SHOWN]) + (" and more" if len(shifted) > SHOWN else "")
        said = f"{len(shifted)} of {len(measured)} inputs shifted: {many} (a count that only grows always does)."
        return finding("warning", said, **details)
    return finding("ok", f"None of {len(measured)} inputs shifted between fit and score rows beyond chance.", **details)


def _beyond(found: dict[str, Any], limit: float) -> bool:
    return bool(found["psi"] - found["expected"] > limit and found["psi"] > found["chance"])


def _sides(evidence: Evidence) -> tuple[Ints, Ints, list[int]]:
    """Return the rows of features that the first test fold fits on, those that any scores, and the groups in each."""
    place, roles = evidence.fold_rows, evidence.roles
    known = np.flatnonzero(place >= 0)
    fit = roles.rows(roles.tests[0], "fit") if roles.tests else np.zeros(len(roles.part), dtype=bool)
    chosen = [known[side[place[known]]] for side in (fit, roles.scored)]
    group = pd.factorize(evidence.folds["group"])[0]
    groups = [int(np.count_nonzero(np.bincount(group[place[rows]]))) for rows in chosen]
    return chosen[0], chosen[1], groups


def _shift(fit: Ints, score: Ints, noise: float, inputs: int) -> dict[str, Any]:
    """Return the index of two sides' rows in each cell, and what chance makes of it."""
    some = fit + score > 0
    # half a row in each cell keeps an empty one finite
    p, q = ((count + 0.5) / (count + 0.5).sum() for count in (fit[some], score[some]))
    freedom = max(len(p) - 1, 1)
    return {
        "psi": float(((q - p) * np.log(q / p)).sum()),
        "expected": freedom * noise,
        "chance": float(chi2.ppf(1 - (1 - LEVEL) / inputs, freedom)) * noise,
    }


def _some(rows: Ints, seed: int) -> Ints:
    """Return which of the fit rows deciles are cut from, by number: all, or MOST of them drawn without repetition."""
    if len(rows) <= MOST:
        return np.arange(len(rows))
    return np.sort(np.random.default_rng(seed).choice(len(rows), MOST, replace=False))


def _counts(fit: pd.Series, score: pd.Series, some: Ints) -> tuple[Ints, Ints]:
    """Return how many rows of both sides are in each cell: missing, then levels (rare and new ones first) or deciles.

    Deciles are cut from `some` of the fit rows.
    """
    if not pd.api.types.is_numeric_dtype(fit):
        return _levels(*_coded(fit, score))
    one, other = fit.to_numpy(float, na_value=np.nan), score.to_numpy(float, na_value=np.nan)
    if _few(one):
        return _levels(one, other)
    cut = one if len(some) == len(one) else one[some]
    edges = np.unique(np.quantile(cut[~np.isnan(cut)], np.arange(1, 10) / 10))
    return _deciles(one, edges), _deciles(other, edges)


def _few(values: Floats) -> bool:
    """Return whether there are no more than FEW distinct numbers; some of the rows mostly show that there are more."""
    step = max(1, len(values) // FIRST_LOOK)
    return all(len(np.unique(some[~np.isnan(some)])) <= FEW for some in (values[::step], values))


def _coded(fit: pd.Series, score: pd.Series) -> tuple[Floats, Floats]:
    """Return levels as numbers, the same on both sides."""
    code = pd.factorize(pd.concat([fit, score], ignore_index=True))[0].astype(float)
    code[code < 0] = np.nan
    return code[: len(fit)], code[len(fit) :]


def _levels(fit: Floats, score: Floats) -> tuple[Ints, Ints]:
    known = fit[~np.isnan(fit)]
    levels, often = np.unique(known, return_counts=True)
    levels = levels[often / max(len(known), 1) >= RARE]

    def counts(values: Floats) -> Ints:
        missing, of = np.count_nonzero(np.isnan(values)), [np.count_nonzero(values == level) for level in levels]
        return np.array([missing, len(values) - missing - sum(of), *of], dtype=np.int64)

    return counts(fit), counts(score)


def _deciles(values: Floats, edges: Floats) -> Ints:
    """Return the rows that are missing, then those of each decile: counting beats placing every row."""
    missing = np.count_nonzero(np.isnan(values))
    beyond = np.array([len(values) - missing, *(np.count_nonzero(values >= edge) for edge in edges), 0])
    return np.append(missing, beyond[:-1] - beyond[1:])
