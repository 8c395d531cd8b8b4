"""How prepare and features of racing grow: CPU time and peak memory of tables of more tracks, and of more seasons.

Leagues of the sample's kind are simulated, each on tracks of its own, or season after season with the same dogs. The
fits say how time grows with rows; what a season adds to time also shows that ratings are learned anew before each day.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml

from trueline.benchmarks._stage_processes import StageCost, measure_stage
from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE, load_seed
from trueline.core.tables import table_schema
from trueline.samples.racing import DAYS, simulate_clean_sample

TASK = "racing"
STAGES = ("prepare", "features")
DEFAULT_ROWS = (30_000, 60_000, 120_000)
MAX_EXPONENT_OVER_N_LOG_N = 0.05  # of rows, beyond that of n·log n: noise of the clock
HELD_GIB = 8
KIB_PER_GIB = 2**20


def main(*arguments: str) -> None:
    """Print what each stage takes for each table, how it grows with rows, and what a row adds to peak memory."""
    parser = argparse.ArgumentParser(prog="python -m trueline benchmarks growth", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS, help="about how many rows each table has")
    parser.add_argument("--more", nargs="+", choices=list(SERIES), default=list(SERIES), help="what there is more of")
    options = parser.parse_args(arguments)
    sizes = sorted(set(options.rows))
    if len(sizes) < 2 or sizes[0] < 1:
        raise UserError(f"--rows is {options.rows}; give at least two different numbers of rows, which show a growth.")
    for kind in options.more:
        tables = [measure_table(SERIES[kind], rows) for rows in sizes]
        for stage in STAGES:
            print_growth(kind, stage, [row_count for row_count, _ in tables], [costs[stage] for _, costs in tables])


def measure_table(simulate: Callable[[int], Iterator[pd.DataFrame]], rows: int) -> tuple[int, dict[str, StageCost]]:
    """Return the number of rows of a simulated table, and what each stage takes for it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        row_count = write_source(simulate(load_seed()), rows, folder)
        return row_count, {stage: measure_stage(stage, TASK, folder) for stage in STAGES}


def write_source(parts: Iterator[pd.DataFrame], rows: int, folder: Path) -> int:
    """Write parts to a source until it has some rows, and params that name it; return how many it has."""
    (folder / "source/runners").mkdir(parents=True)
    row_count = 0
    while row_count < rows:
        part = next(parts)
        table_schema.write_table(part, folder / f"source/runners/{row_count:09}.parquet")
        row_count += len(part)
    params = yaml.safe_load(PARAMS_FILE.read_text())
    params["tasks"][TASK]["source"] = "source"
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    return row_count


def simulate_leagues(seed: int) -> Iterator[pd.DataFrame]:
    """Yield leagues of the same days, each with dogs and tracks of its own, without end."""
    number = 0
    while True:
        starts = simulate_clean_sample(seed + number)[0]
        for name in ("race_id", "runner", "trainer", "venue"):
            starts[name] = f"L{number} " + starts[name]
        yield starts
        number += 1


def simulate_seasons(seed: int) -> Iterator[pd.DataFrame]:
    """Yield seasons of one league, each before the last, in which mostly the same dogs run, without end."""
    number = 0
    while True:
        starts = simulate_clean_sample(seed + number)[0]
        earlier = pd.Timedelta(days=number * DAYS)
        yield starts.assign(start_time=starts["start_time"] - earlier, race_id=f"S{number} " + starts["race_id"])
        number += 1


SERIES = {"tracks": simulate_leagues, "seasons": simulate_seasons}


def print_growth(kind: str, stage: str, row_counts: Sequence[int], costs: Sequence[StageCost]) -> None:
    """Print what a stage takes for each table of a series, and how that grows."""
    print(f"{stage}, more {kind}")
    for row_count, cost in zip(row_counts, costs, strict=True):
        cpu_us, peak_kib = cost.cpu_seconds / row_count * 1e6, cost.peak_gib / row_count * KIB_PER_GIB
        print(
            f"  {row_count:>10,} rows {cost.cpu_seconds:9.1f} CPU s {cpu_us:8.0f} µs a row"
            f" {cost.peak_gib:8.2f} GiB {peak_kib:8.1f} KiB a row"
        )
    exponent = fit_exponent(row_counts, [cost.cpu_seconds for cost in costs])
    limit = fit_exponent(row_counts, [rows * np.log(rows) for rows in row_counts]) + MAX_EXPONENT_OVER_N_LOG_N
    kib_a_row, kib_at_once = np.polyfit(row_counts, [cost.peak_gib * KIB_PER_GIB for cost in costs], 1)
    held_rows = (HELD_GIB * KIB_PER_GIB - kib_at_once) / kib_a_row
    print(f"  time grows as rows to the {exponent:.2f}    goal ≤ {limit:.2f}, which n·log n is")
    print(
        f"  a further row takes {kib_a_row:.2f} KiB of peak memory: {HELD_GIB} GiB hold {held_rows / 1e6:.1f} million"
    )
    sys.stdout.flush()


def fit_exponent(row_counts: Sequence[int], amounts: Sequence[float]) -> float:
    """Return the power of the number of rows that some amounts grow with, by least squares of logarithms.

    >>> round(fit_exponent([10, 100, 1000], [5.0, 500.0, 50000.0]), 6)
    2.0
    """
    return float(np.polyfit(np.log(row_counts), np.log(amounts), 1)[0])
