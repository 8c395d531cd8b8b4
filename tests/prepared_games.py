"""Prepared rows of props, made up, whose lines are good."""

import numpy as np
import pandas as pd


def make_games(days: int, daily: int, seed: int = 0) -> pd.DataFrame:
    """Return prepared rows of so many games a day, whose line is the truth plus a little noise."""
    random = np.random.default_rng(seed)
    truth = random.uniform(5, 25, days * daily)
    day = np.repeat(np.arange(days), daily)
    return pd.DataFrame(
        {
            "row_id": [f"r{number:04}" for number in range(len(truth))],
            "group": [f"d{number:03}" for number in day],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, "D"),
            "target": np.maximum(random.normal(truth, 5), 0).round(),
            "truth": truth,
            "line": (truth + random.normal(0, 1, len(truth))).round() + 0.5,
            "line_type": "actual",
        }
    )
