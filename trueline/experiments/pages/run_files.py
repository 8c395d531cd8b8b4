"""Files of a run that a page draws: training curves, and the cells of its calibration plot."""

import csv
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from trueline.core.charts.curve_files import Curves, read_curves
from trueline.experiments.store import git, output_files
from trueline.experiments.store.run_tables import Run

CURVES_PATH = "models/{task}/curves"
RELIABILITY_PATH = "metrics/{task}/plots/reliability.csv"


def read_run_curves(run: Run, task: str) -> Curves:
    """Return the training curves of a run by name; none if its learner has none, or if they are not in the cache."""
    path = CURVES_PATH.format(task=task)
    if run.experiment is None:
        return read_curves(Path(path))
    md5 = run.get_output_hash(path)
    with TemporaryDirectory() as folder:
        if md5:
            output_files.copy_cached_folder(md5, Path(folder))
        return read_curves(Path(folder))


def read_calibration_cells(run: Run, task: str) -> list[Mapping[str, str]]:
    """Return the rows of a run's reliability.csv; none if it has none."""
    path = RELIABILITY_PATH.format(task=task)
    if run.experiment is None:
        content = Path(path).read_bytes() if Path(path).is_file() else None
    else:
        content = git.read_file(run.experiment.rev, path)
    return list(csv.DictReader((content or b"").decode(errors="replace").splitlines()))
