"""Printed figures: the lines in which a benchmark prints what it measured, with its goal."""

from collections.abc import Sequence

import numpy as np


def print_spread(name: str, seconds: Sequence[float], goal: str = "") -> None:
    """Print the median and the 99th percentile of durations, in milliseconds."""
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1000
    text = f"p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   n {len(seconds):,}"
    print(f"  {name:<38}{text}{f'    goal {goal}' if goal else ''}", flush=True)


def print_value(name: str, value: float, unit: str, goal: str = "") -> None:
    """Print a number with its unit."""
    print(f"  {name:<38}{value:10.4g} {unit:<16}{f'  goal {goal}' if goal else ''}".rstrip(), flush=True)


def print_count(name: str, number: int, goal: str = "0") -> None:
    """Print how often something happened."""
    print(f"  {name:<38}{number:10,}    goal {goal}", flush=True)
