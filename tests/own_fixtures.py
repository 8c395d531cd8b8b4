"""Own columns added to the tables of a source: random values of every kind, known before, at the start and after."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

OWN: dict[str, dict[str, str]] = {
    "jockey": {"kind": "category", "known": "before"},
    "official_rating": {"kind": "number", "unit": "lb", "known": "before"},
    "hood": {"kind": "flag", "known": "before"},
    "crowd": {"kind": "number", "known": "at_start"},
    "bias": {"kind": "category", "known": "at_start"},
    "effort": {"kind": "number", "known": "after"},
}


def add_own_columns(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return a table with the columns of OWN, as sources write them, with gaps."""
    random, size = np.random.default_rng(seed), len(table)
    jockeys = np.array(["A. Reed", "a.  reed", "B. O'Hara", "C. Stone", None], dtype=object)
    values: dict[str, Any] = {
        "Jockey": random.choice(jockeys, size),
        "Official Rating": [f"{rating} lb" if rating > 40 else "-" for rating in random.integers(38, 110, size)],
        "hood": random.choice(["Y", "N", ""], size),
        "crowd": random.integers(100, 5000, size).astype(float),
        "bias": random.choice(["inside", "outside"], size),
        "effort": np.where(random.random(size) < 0.2, np.nan, random.normal(size=size).round(3)),
    }
    return table.assign(**values)


def add_to_source(file: Path) -> None:
    """Write the columns of OWN into a Parquet file."""
    add_own_columns(pd.read_parquet(file)).to_parquet(file)


def get_posted_own(row: dict[str, Any], *known: str) -> dict[str, Any]:
    """Return the own values of a prepared row as a request posts them: those that are known by then."""
    posted = {name: row[f"own:{name}"] for name, own in OWN.items() if own["known"] in known}
    return {
        name: bool(value) if OWN[name]["kind"] == "flag" and value is not None else value
        for name, value in posted.items()
    }
