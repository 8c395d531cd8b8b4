"""A repository in which one task's pipeline ran on little data, as the service finds it, and its batch predictions."""

from pathlib import Path
from typing import Any

import pandas as pd
import schemathesis
import yaml
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests import pipeline_copy
from tests.own_fixtures import OWN, add_to_source
from tests.service.trained_repo import seal
from trueline.core.runtime.plugins import load_plugin
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.tables import table_schema
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.predictor import load_predictor

OUTS = (
    *("models/{}/final", "models/{}/calibrator.json", "data/prepared/{}.parquet", "data/predictions/{}.parquet"),
    "data/folds/{}.parquet",
    "metrics/{}/quality.json",
)
SECTIONS = ("tasks", "prepare", "features", "evaluate")


def repository(folder: Path, task: str, own_table: str | None = None, **params: Any) -> Path:
    """Run a task's pipeline up to its calibrator, on little data, and write dvc.lock beside the outputs.

    A table of the source that is named gets own columns of every kind.
    """
    pipeline_copy.shrink(pipeline_copy.copy(folder), task)
    if own_table is not None:
        add_to_source(folder / f"data/sample/{task}/{own_table}.parquet")
        params[f"prepare__{task}__own_columns"] = OWN
    pipeline_copy.quicken(folder, task)
    pipeline_copy.change(folder, **params)
    pipeline_copy.run_pipeline(folder, task, "calibrate")
    used = yaml.safe_load((folder / "params.yaml").read_text())
    sections = {f"{part}.{task}": used[part][task] for part in SECTIONS}
    sections |= {f"{part}.defaults": used[part]["defaults"] for part in SECTIONS if part != "tasks"}
    seal(folder, sections, tuple(out.format(task) for out in OUTS))
    return folder


def table(folder: Path, kind: str, task: str) -> pd.DataFrame:
    """Return a table that a stage wrote."""
    return table_schema.read_table(folder / f"data/{kind}/{task}.parquet")


def scored(folder: Path, task: str) -> "pd.Series[bool]":
    """Return which prepared rows some test fold scored."""
    folds = table(folder, "folds", task)
    return (folds.filter(like="test_") == "score").any(axis=1)


def batch(folder: Path, task: str) -> dict[str, Floats]:
    """Return the final model's calibrated predictions for the features that the stage wrote, for all rows at once."""
    predictor = load_predictor(open_workspace(folder), task)
    learner = load_plugin("train", yaml.safe_load((folder / "params.yaml").read_text())["tasks"][task]["learner"])
    model = learner.load(folder / f"models/{task}/final")
    score = learner.score(model, table(folder, "features", task).drop(columns="row_id"))
    group = encode_groups(table(folder, "prepared", task)["group"])
    found = predictor.calibrator.apply(predictor.state, score, group)
    return found if isinstance(found, dict) else {"": found}


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them: null for missing values."""
    plain = rows.astype(object)
    return [
        {str(name): value for name, value in row.items()} for row in plain.where(rows.notna(), None).to_dict("records")
    ]


def schema_holds(client: TestClient, path: str) -> None:
    """Send an address what its schema allows and forbids: the server must not fail, nor answer what is forbidden.

    What the schema allows may still be rejected: no schema can express that boxes are unique, say.
    """
    few: Any = settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def ask(case: Any) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    operation = schemathesis.openapi.from_asgi("/openapi.json", client.app)[path]["POST"]
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
        with_cases: Any = given(operation.as_strategy(generation_mode=mode))
        few(with_cases(ask))()
