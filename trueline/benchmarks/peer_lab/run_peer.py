"""python run_peer.py PEER FOLDER KIND SECONDS: a peer forecasts every fold of a folder, in an environment of its own.

Nothing of Trueline is imported here or in the modules of the peers, for Trueline is not installed in that environment.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
import pandas as pd

TARGET, GROUP = "peer target", "peer group"  # as in peer_folds.py


def main(peer: str, folder: str, kind: str, seconds: str) -> None:
    """Write `peer.npy` and `spent.json`, which holds the CPU seconds, into every fold.

    The kind is `chance` or `quantity`, the seconds are CPU for each fold; a fold with several targets divides them
    equally. A peer takes its limit in seconds of wall, so it gets more of these where the machine is busy, as it was on
    the folds before.
    """
    module, cpu_sum, wall_sum = import_module(f"fit_{peer}"), 0.0, 0.0
    for fold in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        wall_seconds = float(seconds) * (wall_sum / cpu_sum if cpu_sum else 1.0)
        cpu, wall = measure_cpu(), time.perf_counter()
        np.save(fold / "peer.npy", forecast_fold(module, fold, kind, wall_seconds))
        spent = {"cpu": measure_cpu() - cpu, "wall": time.perf_counter() - wall}
        (fold / "spent.json").write_text(json.dumps(spent))
        cpu_sum, wall_sum = cpu_sum + spent["cpu"], wall_sum + spent["wall"]


def forecast_fold(module: Any, fold: Path, kind: str, seconds: float) -> np.ndarray:
    """Return a peer's forecasts of a fold, score rows × targets; a target that never varies is forecast as it is."""
    fit, score = (pd.read_parquet(fold / f"{name}.parquet") for name in ("fit", "score"))
    targets = [str(name) for name in fit if str(name).startswith(TARGET)]
    inputs, group = fit.drop(columns=[*targets, GROUP]), fit[GROUP].to_numpy()
    forecasts = []
    for target in targets:
        y = fit[target] if kind == "quantity" else (fit[target] > 0).astype(int)
        if y.nunique() == 1:
            forecasts.append(np.full(len(score), float(y.iloc[0])))
        else:
            forecasts.append(module.forecast(inputs, y, group, score, kind, seconds / len(targets)))
    return np.column_stack(forecasts)


def measure_cpu() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    usages = [getrusage(scope) for scope in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main(*sys.argv[1:])
