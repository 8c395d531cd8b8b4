"""knows_outcome: does an input know of the result what the market missed?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.diagnose.units.array_types import Floats
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.market_rows import iter_market_inputs, read_market_rows
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.clustered_correlation import Correlation, compute_group_correlation
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stats.group_ops import Codes

NAME = "Does an input know of the result what the market missed?"
ASKS = "honesty"

SHRINK_ROWS = 20.0  # a level's mean surprise is shrunk toward 0 with the weight of this many rows
MAX_SHOWN = 10


class Settings(StageSettings):
    """The correlation with what the market missed, and its t value, above which an input is named."""

    correlation: float = Field(gt=0, lt=1)
    t: float = Field(gt=0)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Warn of every input that correlates with target − market, within groups, by more than a market ever misses.

    Numbers are compared as they are and by rank, a text by the mean surprise of its level in the other half of the
    groups; t counts a group as one observation. Both limits must be exceeded: t alone grows with the rows, and a sharp
    model may find a little that the market missed; the correlation alone is noise in few rows. A result that is mixed
    into an input so weakly that it stays below is not found. Declines without a market, or with under 30 groups.
    """
    group_count = read_market_rows(evidence).group_count
    if group_count < MIN_BLOCKS:
        return decline(f"The market prices {group_count} groups; {MIN_BLOCKS} are needed.")
    measured: list[dict[str, Any]] = []
    for name, values, market in iter_market_inputs(evidence):
        correlation = _compute_correlation(values, market.target - market.market, market.group)
        measured.append({"input": name, "r": correlation.r, "t": correlation.t})
    measured.sort(key=lambda entry: (-abs(entry["r"]), entry["input"]))
    named = [entry for entry in measured if abs(entry["r"]) > settings.correlation and abs(entry["t"]) > settings.t]
    details: dict[str, Any] = {
        "inputs": [entry["input"] for entry in named],
        "top": measured[:MAX_SHOWN],
        "groups": group_count,
    }
    if not named:
        most = f"the most is {measured[0]['r']:+.3f} for {measured[0]['input']}" if measured else "there are no inputs"
        return make_finding("ok", f"No input knows much of what the market missed: {most}.", **details)
    shown = ", ".join(f"{entry['input']} ({entry['r']:+.2f}, t {entry['t']:+.1f})" for entry in named[:MAX_SHOWN])
    summary = (
        f"{shown} correlate with target − market by more than {settings.correlation:g}: look for the result in it."
    )
    return make_finding("warning", summary, **details)


def _compute_correlation(values: pd.Series, surprise: Floats, group: Codes) -> Correlation:
    """Return the strongest correlation of an input's forms with the surprise, on the rows that have the input."""
    is_present = values.notna().to_numpy()
    if not is_present.any():
        return Correlation(0.0, 0.0)
    surprise, group = surprise[is_present], group[is_present]
    forms = _encode_input(values[is_present], surprise, group)
    return max(
        (compute_group_correlation(form, surprise, group) for form in forms), key=lambda correlation: abs(correlation.r)
    )


def _encode_input(values: pd.Series, surprise: Floats, group: Codes) -> Iterator[Floats]:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(float)
        if np.isfinite(numbers).all():
            yield numbers
        yield np.asarray(pd.Series(numbers).rank(), dtype=np.float64)
        return
    # the mean surprise of each level, from the other half of the groups: a level's own rows would tell on themselves
    level = pd.factorize(values)[0].astype(np.int64)
    half = group % 2
    cell = level + half * (level.max() + 1)
    sums = np.bincount(cell, weights=surprise, minlength=2 * (level.max() + 1))
    counts = np.bincount(cell, minlength=len(sums))
    means = sums / (counts + SHRINK_ROWS)
    yield means[level + (1 - half) * (level.max() + 1)]
