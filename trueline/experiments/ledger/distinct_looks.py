"""How many looks some evaluations are: a look that is repeated, perhaps with other last digits, counts once."""

import json
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from trueline.experiments.store.metric_definitions import METRICS

LAST_DIGITS = 5e-4  # figures that differ by less, of the larger one or of 1, may come from another processor

LedgerLine = dict[str, Any]
Figures = Mapping[str, Any]


def count_distinct_looks(evaluations: Iterable[LedgerLine]) -> int:
    """Return how many looks evaluations are.

    Two are one look if they have the same predictions and figures, or the same origins (parameters, code and data) and
    figures that differ in their last digits only. Looks join: if the first is one with the second, and the second with
    the third, all three are one.
    """
    leaders: dict[str, str] = {}  # of each look, by which another one of the same look is known
    figures_by_origins: dict[str, dict[str, Figures]] = {}
    for line in evaluations:
        figures = _select_figures(line)
        look = json.dumps([line["predictions"], figures], sort_keys=True)
        leaders[look] = look
        if line.get("origins"):
            figures_by_origins.setdefault(line["origins"], {})[look] = figures
    for figures_by_look in figures_by_origins.values():
        for (look, figures), (other_look, other_figures) in combinations(figures_by_look.items(), 2):
            if _differ_in_last_digits(figures, other_figures):
                leaders[_find_leader(leaders, look)] = _find_leader(leaders, other_look)
    return sum(look == leader for look, leader in leaders.items())


def _find_leader(leaders: Mapping[str, str], look: str) -> str:
    while leaders[look] != look:
        look = leaders[look]
    return look


def _select_figures(line: LedgerLine) -> Figures:
    """Return the figures that a look shows: the metrics; all figures where the predictions are not known."""
    return {name: value for name, value in line["metrics"].items() if name in METRICS or not line["predictions"]}


def _differ_in_last_digits(figures: Figures, other_figures: Figures) -> bool:
    return figures.keys() == other_figures.keys() and all(
        value == other_figures[name] or _is_close(value, other_figures[name]) for name, value in figures.items()
    )


def _is_close(value: Any, other_value: Any) -> bool:
    are_numbers = all(isinstance(number, int | float) for number in (value, other_value))
    return are_numbers and abs(value - other_value) <= LAST_DIGITS * max(abs(value), abs(other_value), 1)
