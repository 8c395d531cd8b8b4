"""FLAML and AutoGluon beside Trueline: the same inputs, the same test folds, and as much CPU time for each.

Trueline runs its stages on a task's source and forecasts every test fold. Each peer, in an environment of its own, then
fits on the rows that Trueline fits or calibrates on and forecasts the same rows. It gets the CPU seconds of resample,
tune, train and calibrate, divided equally among the folds, or more where it cannot fit in so little; chances of races
are divided by their sum, as nobody would use them otherwise. The ratio is Trueline's loss over the peer's, with an
interval from whole races, days or clusters: below 1 Trueline is better.
"""

import argparse
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from trueline.benchmarks._stage_processes import run_program, run_stage
from trueline.benchmarks.peer_lab.peer_environment import PEERS, describe_version, install_peer
from trueline.benchmarks.peer_lab.peer_folds import PeerFold, write_peer_folds
from trueline.core.errors import UserError
from trueline.core.racing.race_losses import compute_race_losses
from trueline.core.runtime.numeric_pins import STEERING_PREFIXES
from trueline.core.runtime.params import PARAMS_FILE, STAGES, load_seed
from trueline.core.splits.fold_data import Floats, read_fold_tables
from trueline.core.splits.walk_forward import TARGET, list_target_columns
from trueline.core.stats.block_bootstrap import bootstrap_ratio
from trueline.core.stats.group_ops import Codes, encode_groups, normalize_by_group
from trueline.core.stats.probability_scores import compute_log_losses

CODE = ("trueline", "stages", "data/sample")
LEARNING_STAGES = ("resample", "tune", "train", "calibrate")  # whose CPU time a peer gets
LAST_STAGE = "calibrate"  # which writes the predictions
RUN_PEER = Path(__file__).parent / "peer_lab/run_peer.py"
ARM = "tuned"

Losses = Callable[[Floats, Floats, Codes], Floats]  # of forecasts, targets (both rows × targets) and groups: by group


class Comparison(NamedTuple):
    """How the forecasts of a task are compared: what is forecast, and the loss of each group by its name."""

    kind: str  # chance or quantity
    loss_name: str
    compute_losses: Losses
    usual_peers: tuple[str, ...] = tuple(PEERS)


def compute_win_losses(p: Floats, y: Floats, group: Codes) -> Floats:
    """Return the log loss of each race, after its chances were divided by their sum."""
    return compute_race_losses(normalize_by_group(p[:, 0], group), y[:, 0], group)


def compute_absolute_errors(p: Floats, y: Floats, group: Codes) -> Floats:
    """Return the sum of the absolute errors of each day."""
    return np.bincount(group, weights=np.abs(p[:, 0] - y[:, 0])).astype(float)


def compute_tag_losses(p: Floats, y: Floats, group: Codes) -> Floats:
    """Return the sum over rows of the mean log loss over tags, of each cluster."""
    return np.bincount(group, weights=compute_log_losses(p, y).mean(axis=1)).astype(float)


COMPARISONS = {
    "racing": Comparison("chance", "log loss of a race", compute_win_losses),
    "props": Comparison("quantity", "absolute error", compute_absolute_errors),
    # AutoGluon would be fitted for each tag of each fold, some hundred times for several seconds
    "events": Comparison("chance", "log loss of a tag", compute_tag_losses, usual_peers=("flaml",)),
}


def main(*arguments: str) -> None:
    """Print the CPU seconds, the losses and their ratio for every task and peer; takes as long as all of them learn."""
    options = _parse_arguments(arguments)
    sources = dict(argument.partition("=")[::2] for argument in options.tasks)
    if unknown := [task for task in sources if task not in COMPARISONS]:
        raise UserError(f"peers are compared on {', '.join(COMPARISONS)}, not on {unknown[0]!r}; name one of these.")
    with TemporaryDirectory() as name:
        environments = (options.environments or Path(name) / "environments").absolute()
        print(f"{'task':<8} {'peer':<18} {'CPU s':>8} {'peer CPU s':>10} {'loss':>8} {'peer loss':>9}  ours over its")
        for task, source in sources.items():
            peers = options.peers or COMPARISONS[task].usual_peers
            pythons = {peer: install_peer(peer, environments) for peer in peers}
            compare_task(task, source, pythons, Path(name) / task)


def compare_task(task: str, source: str, pythons: dict[str, Path], folder: Path) -> None:
    """Run a task in a folder, then every peer on the same folds, and print a line for each."""
    seconds = run_trueline(task, source, folder)
    tables = read_fold_tables(folder / f"data/features/{task}.parquet", folder / f"data/folds/{task}.parquet")
    peer_folds = write_peer_folds(tables, folder / "folds")
    predictions = pd.read_parquet(folder / f"data/predictions/{task}.parquet")
    for peer, python in pythons.items():
        peer_seconds = run_peer(peer, python, COMPARISONS[task].kind, folder / "folds", seconds / len(peer_folds))
        forecasts = [_read_forecasts(fold, tables.folds["row_id"]) for fold in peer_folds]
        line = compare_forecasts(task, predictions, pd.concat(forecasts, ignore_index=True))
        print(
            f"{task:<8} {describe_version(peer, python):<18} {seconds:>8.1f} {peer_seconds:>10.1f} {line}", flush=True
        )


def run_trueline(task: str, source: str, folder: Path) -> float:
    """Run the stages of a task up to the predictions, and return the CPU seconds of those that learn."""
    for name in CODE:
        shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    params = yaml.safe_load(PARAMS_FILE.read_text())
    if source:
        params["tasks"][task]["source"] = str(Path(source).absolute())
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    seconds = {stage: run_stage(stage, task, folder) for stage in STAGES[: STAGES.index(LAST_STAGE) + 1]}
    return sum(seconds[stage] for stage in LEARNING_STAGES)


def run_peer(peer: str, python: Path, kind: str, folder: Path, seconds: float) -> float:
    """Let a peer forecast every fold, and return its CPU seconds."""
    # without the pins of Trueline, which cost speed: a peer runs as its own users run it
    environment = {name: value for name, value in os.environ.items() if not name.startswith(STEERING_PREFIXES)}
    command = [str(python), str(RUN_PEER), peer, str(folder.absolute()), kind, f"{seconds:.3f}"]
    run_program(command, folder, environment, peer)
    return sum(float(json.loads(file.read_text())["cpu"]) for file in folder.glob("*/spent.json"))


def compare_forecasts(task: str, predictions: pd.DataFrame, forecasts: pd.DataFrame) -> str:
    """Return both mean losses and their ratio with its interval, on the rows that both forecast."""
    comparison, targets = COMPARISONS[task], list_target_columns(predictions)
    arms = [name.replace(TARGET, ARM, 1) for name in targets]
    peer_names = [name.replace(TARGET, "peer", 1) for name in targets]
    rows = predictions.merge(forecasts, on=["fold", "row_id"], validate="one_to_one")
    if len(rows) != len(predictions):
        raise UserError(f"{task}: the peer forecasts {len(rows)} of {len(predictions)} rows; it must forecast all.")
    y = rows[targets].to_numpy(float)
    # a fold scores a group once; with repeats several folds do, and each time the group stays one block
    unit = encode_groups(rows["fold"] + " " + rows["group"].astype(str))
    our_losses, peer_losses = (
        comparison.compute_losses(rows[names].to_numpy(float), y, unit) for names in (arms, peer_names)
    )
    block = encode_groups(rows["group"].astype(str).groupby(unit).first())
    block_sums = [np.bincount(block, weights=losses).astype(float) for losses in (our_losses, peer_losses)]
    ratio = bootstrap_ratio(block_sums[0], block_sums[1], load_seed())
    count = len(our_losses) if task == "racing" else len(rows)
    interval = f" ({ratio['low']:.3f} to {ratio['high']:.3f})" if ratio["low"] is not None else ""
    means = f"{our_losses.sum() / count:>8.4f} {peer_losses.sum() / count:>9.4f}"
    return f"{means}  ratio {ratio['value']:.3f}{interval}, {comparison.loss_name}"


def _read_forecasts(fold: PeerFold, row_ids: pd.Series) -> pd.DataFrame:
    values = np.load(fold.folder / "peer.npy")
    names = [f"peer:{tag}" for tag in fold.tags] or ["peer"]
    table = pd.DataFrame(values, columns=names)
    return table.assign(fold=fold.folder.name, row_id=row_ids.iloc[fold.table_position].to_numpy())


def _parse_arguments(arguments: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trueline benchmarks peers", description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(COMPARISONS), help="tasks, all by default; or task=FOLDER")
    parser.add_argument("--peers", nargs="+", choices=PEERS, help="by default all, or what a task has time for")
    parser.add_argument("--environments", type=Path, help="a folder that keeps the peers' environments")
    return parser.parse_args(arguments)
