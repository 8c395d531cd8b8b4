"""compare: two runs of one task on the rows that both predicted, paired."""

import io
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd
import yaml
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from core import tables
from core.params import knobs, plan, seed
from core.refusals import Refusal
from core.shelf import tool

WORKSPACE = "workspace"
PREDICTIONS = "data/predictions/{task}.parquet"
PREPARED = "data/prepared/{task}.parquet"


def compare(task: str, one: str, other: str) -> dict[str, Any]:
    """Return what the task's scorer says of two runs on their common rows, and how many rows either has alone.

    A run is a git revision, the name of an experiment, or `workspace`. Outcomes and lines are those of the workspace.
    Refuses a run whose predictions are not at hand, and two runs without a common row.
    """
    scorer = tool("evaluate", plan(task).scorer, "compare")
    settings = knobs(scorer.Settings, "evaluate", task)
    runs = [predictions(task, run) for run in (one, other)]
    common = set(runs[0]["row_id"]) & set(runs[1]["row_id"])
    if not common:
        raise Refusal(f"{one} and {other} predicted no row in common; compare runs of the same source and test period.")
    pair = [run[run["row_id"].isin(common)].sort_values("row_id", ignore_index=True) for run in runs]
    prepared = tables.read(Path(PREPARED.format(task=task)))
    found: dict[str, Any] = scorer.compare(*pair, prepared, (one, other), settings, seed())
    return {"rows": len(common), "alone": [len(run) - len(common) for run in runs], **found}


def predictions(task: str, run: str) -> pd.DataFrame:
    """Return the predictions of a run."""
    path = PREDICTIONS.format(task=task)
    if run == WORKSPACE:
        if not Path(path).exists():
            raise Refusal(f"{path} is missing; run `dvc repro evaluate@{task}` first.")
        return tables.read(Path(path))
    try:
        return pd.read_parquet(io.BytesIO(dvc.api.read(path, repo=".", rev=run, mode="rb")))
    except (DvcException, SCMError, OSError, yaml.YAMLError) as error:
        raise Refusal(
            f"the predictions of {run!r} are not at hand ({error}); `dvc exp show` lists the names."
        ) from None
