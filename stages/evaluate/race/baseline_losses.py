"""Baseline losses: the mean loss of each forecast on the races that it prices, and how the model does on the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trueline.core.stats.block_bootstrap import bootstrap_ratios
from trueline.core.stats.confidence_intervals import describe_difference
from trueline.core.stats.group_ops import Floats

Report = dict[str, Any]


def summarise_baselines(
    loss_by_name: Mapping[str, Floats], uniform: Floats, weight: Floats, seed: int
) -> dict[str, Report]:
    """Return Σ loss / Σ weight and R² of each forecast, and how the tuned arm does on the same races.

    Losses, those of the uniform forecast and weights have one number per race; a loss is missing in a race that its
    forecast does not price.
    """
    names_by_races: dict[bytes, list[str]] = {}
    for name, loss in loss_by_name.items():
        names_by_races.setdefault(np.isnan(loss).tobytes(), []).append(name)
    summaries: dict[str, Report] = {}
    for names in names_by_races.values():  # the names that price the same races share the resamples
        has_price = ~np.isnan(loss_by_name[names[0]])
        uniform_loss, tuned_loss = uniform[has_price], loss_by_name["tuned"][has_price]
        losses, weights = [loss_by_name[name][has_price] for name in names], weight[has_price]
        ratios = [
            [(loss, weights), (uniform_loss - loss, uniform_loss), (tuned_loss - loss, weights)] for loss in losses
        ]
        intervals = iter(bootstrap_ratios([ratio for terms in ratios for ratio in terms], seed))
        for name, log_loss, r2, difference in zip(names, intervals, intervals, intervals, strict=False):
            tuned_is = describe_difference(difference, "better", "worse")
            comparison = {} if name == "tuned" else {"tuned_minus_this": difference, "tuned_is": tuned_is}
            summaries[name] = {"log_loss": log_loss, "r2": r2} | comparison
    return {name: summaries[name] for name in loss_by_name}
