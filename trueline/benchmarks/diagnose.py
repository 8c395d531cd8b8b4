"""The diagnose stage on a league of many seasons: wall and CPU seconds and the peak of memory of its own process.

Twenty seasons of prepared rows, folds, features and predictions are simulated and written as the pipeline writes them,
in chunks, so that building them is cheap. The stage runs as it always does, in its own process and a temporary folder.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trueline.benchmarks._stage_processes import measure_stage
from trueline.core.runtime.params import load_seed, load_settings
from trueline.core.splits.walk_forward import WalkForwardSettings, list_folds, walk_forward
from trueline.core.tables.table_schema import METADATA_KEY, Column

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TASK = "props"
DEFAULT_ROWS, MIN_ROWS = 1_000_000, 20_000
GOAL_SECONDS_AND_GIB = 120.0, 4.0  # seconds of wall and GiB, for five million rows on two processors
SEASONS, DAYS_PER_SEASON = 20, 165  # seasons, and days with games in each
CHUNK_ROWS = 1 << 18  # rows simulated and written at once
INPUT_COUNT = 80  # numeric inputs; three categories come on top
TEAM_COUNT = 30
ROLES = ("bench", "rotation", "starter")
KNOWN_BEFORE_COLUMNS = ("last_5", "last_10", "season_mean", "usual", "usual_minutes", "estimated_line", "open_line")
COLUMNS = [
    Column("row_id", "text", "before", "player and day", nullable=False),
    Column("entity", "text", "before", "the player", nullable=False),
    Column("group", "text", "before", "the day", nullable=False),
    Column("time", "time", "before", "the day", nullable=False),
    Column("target", "number", "after", "the points that are predicted", nullable=False),
    Column("soft_label", "number", "at_start", "the line"),
    *(Column(name, "text", "before", name) for name in ("team", "opponent", "role")),
    Column("home", "whole", "before", "1 at home, 0 away"),
    *(Column(name, "number", "before", "what was known of the player") for name in KNOWN_BEFORE_COLUMNS),
]


def main(*arguments: str) -> None:
    """Print rows, seconds and peak memory, with the goals if there are as many rows as these are for."""
    rows = _parse_rows(arguments)
    with TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        start = perf_counter()
        predicted = write_inputs(folder, rows)
        print(f"{rows} rows, {predicted} of them predicted, written in {perf_counter() - start:.0f} s", flush=True)
        cost = measure_stage("diagnose", TASK, folder)
    goals = GOAL_SECONDS_AND_GIB if rows >= 5_000_000 else None
    print(f"  wall{cost.wall_seconds:12.1f} s{f'      goal < {goals[0]:.0f}' if goals else ''}")
    print(f"  CPU {cost.cpu_seconds:12.1f} s")
    print(f"  peak{cost.peak_gib:12.2f} GiB{f'    goal < {goals[1]:.0f}' if goals else ''}")


def write_inputs(folder: Path, rows: int) -> int:
    """Write all that the diagnose stage reads, and return how many rows are predicted."""
    shutil.copy("params.yaml", folder)
    shutil.copytree(Path("metrics") / TASK, folder / "metrics" / TASK)
    (folder / "models" / TASK / "curves").mkdir(parents=True)  # of a learner that was not watched
    time = _build_calendar()
    day = np.arange(rows) * len(time) // rows
    roles = _build_fold_roles(time)
    writers: dict[str, pq.ParquetWriter] = {}
    predicted = 0
    for tables in _generate_chunks(time, day, roles):
        for name, table in tables.items():
            if name not in writers:
                path = folder / "data" / name / f"{TASK}.parquet"
                path.parent.mkdir(parents=True)
                writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
            writers[name].write_table(table)
        predicted += len(tables["predictions"]) if "predictions" in tables else 0
    for writer in writers.values():
        writer.close()
    return predicted


def _build_calendar() -> pd.DatetimeIndex:
    """Return the days with games: DAYS_PER_SEASON days from 20 October on, in each of SEASONS years."""
    seasons = [pd.date_range(f"{2004 + season}-10-20", periods=DAYS_PER_SEASON) for season in range(SEASONS)]
    return pd.DatetimeIndex(np.concatenate(seasons)).as_unit("us")


def _build_fold_roles(time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return each day's role in every fold, by the settings of params.yaml."""
    days = pd.Series(time)
    return walk_forward(days, days.astype("str"), load_settings(WalkForwardSettings, "folds", TASK))


def _generate_chunks(time: pd.DatetimeIndex, day: Ints, roles: pd.DataFrame) -> Iterator[dict[str, pa.Table]]:
    """Yield the tables chunk by chunk; the predictions only for chunks that have any."""
    random = np.random.default_rng(load_seed())
    tests = list_folds(roles, "test")
    scoring = np.where((roles[tests] == "score").any(axis=1), (roles[tests] == "score").to_numpy().argmax(axis=1), -1)
    players = 2 * len(day) // len(time)
    level = np.maximum(random.gamma(3.0, 3.5, players), 1.0)
    first_row = np.searchsorted(day, day)  # the first row of each row's day
    for start in range(0, len(day), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        chunk_days = day[chunk]
        day_rank = np.arange(start, start + len(chunk_days)) - first_row[chunk]
        player = (2 * day_rank + chunk_days % 2) % players  # half of them play, the others on the next day
        rows = chunk_days
        yield _build_tables(random, time[rows], player, level[player], roles.iloc[rows], scoring[rows])


def _build_tables(
    random: np.random.Generator, time: pd.DatetimeIndex, player: Ints, level: Floats, roles: pd.DataFrame, fold: Ints
) -> dict[str, pa.Table]:
    rows = len(time)
    group = pd.Series(time.astype("str"))
    entity = pd.Series(np.arange(player.max() + 1)).astype("str").iloc[player].reset_index(drop=True)
    target = np.round(np.maximum(random.normal(level, 2 + 0.2 * level), 0))
    line = np.where(random.random(rows) < 0.6, np.round(2 * random.normal(level, 1)) / 2, np.nan)
    keys = pd.DataFrame({"row_id": entity + ":" + group, "group": group, "time": time, "target": target})
    # in hundredths, since inputs are means of a few whole numbers
    form_columns = {name: np.round(random.normal(level, 2), 2) for name in KNOWN_BEFORE_COLUMNS}
    prepared = keys.assign(entity=entity, soft_label=line, **_draw_facts(player, random), **form_columns)
    inputs: dict[str, Any] = {f"input_{n}": np.round(random.normal(level * (n % 5), 3), 2) for n in range(INPUT_COUNT)}
    inputs |= {name: values.astype("category") for name, values in _draw_categories(player, random).items()}
    features = keys[["row_id"]].assign(**inputs)
    folds: dict[str, Any] = {str(name): roles[name].reset_index(drop=True).astype("str") for name in roles}
    tables = {
        "prepared": _convert_to_arrow(prepared[[column.name for column in COLUMNS]], COLUMNS),
        "features": _convert_to_arrow(features),
        "folds": _convert_to_arrow(keys.assign(soft_label=line, **folds)),
    }
    scored = np.flatnonzero(fold >= 0)
    if len(scored):
        arms = {name: random.normal(level, 2)[scored] for name in ("default", "baseline", "tuned")}
        test_folds = pd.Series([f"test_{n}" for n in range(fold.max() + 1)], dtype="str").iloc[fold[scored]]
        tables["predictions"] = _convert_to_arrow(keys.iloc[scored].assign(fold=test_folds.to_numpy(), **arms))
    return tables


def _draw_facts(player: Ints, random: np.random.Generator) -> dict[str, pd.Series | Ints]:
    texts: dict[str, pd.Series | Ints] = {
        name: values.astype("str") for name, values in _draw_categories(player, random).items()
    }
    return texts | {"home": random.integers(0, 2, len(player))}


def _draw_categories(player: Ints, random: np.random.Generator) -> dict[str, pd.Series]:
    teams = pd.Index([f"team {n}" for n in range(TEAM_COUNT)])
    categories = {
        "team": pd.Categorical.from_codes(player % TEAM_COUNT, teams),
        "opponent": pd.Categorical.from_codes(random.integers(0, TEAM_COUNT, len(player)), teams),
        "role": pd.Categorical.from_codes(player % len(ROLES), pd.Index(ROLES)),
    }
    return {name: pd.Series(values) for name, values in categories.items()}


def _convert_to_arrow(table: pd.DataFrame, columns: list[Column] | None = None) -> pa.Table:
    arrow_table = pa.Table.from_pandas(table, preserve_index=False)
    declared = json.dumps([asdict(column) for column in columns or ()]).encode()
    return arrow_table.replace_schema_metadata({**(arrow_table.schema.metadata or {}), METADATA_KEY: declared})


def _parse_rows(arguments: tuple[str, ...]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trueline benchmarks diagnose", description="Measure the time and memory of the diagnose stage."
    )
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help=f"rows of {SEASONS} seasons, {MIN_ROWS} or more")
    rows: int = parser.parse_args(arguments).rows
    if rows < MIN_ROWS:
        parser.error(f"--rows is {rows}; it must be {MIN_ROWS} or more.")
    return rows
