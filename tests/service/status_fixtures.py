"""Outputs of all tasks as the service finds them, and a service whose models return made-up answers."""

import json
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pandas as pd
import yaml

from tests.service.trained_repo import ROOT, seal
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.service import Service
from trueline.service.serving.endpoint import PredictionEndpoint
from trueline.service.settings import Settings
from trueline.service.tasks import events, props, racing

TASKS = ("events", "props", "racing")
METRICS = ("report.json", "diagnosis.json", "importance.csv", "trials.csv", "daily.csv", "plots")
DAYS = {"fit": ("2024-01-01", "2024-01-02"), "calibrate": ("2024-01-03", "2024-01-03")}


def repository(folder: Path) -> Path:
    """Put the metrics of the sample beside made-up models and folds, and write dvc.lock; return the folder."""
    outs: list[str] = []
    for task in TASKS:
        for name in METRICS:
            source, target = ROOT / f"metrics/{task}/{name}", folder / f"metrics/{task}/{name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
            outs.append(f"metrics/{task}/{name}")
        outs += _models(folder, task)
    params = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
    used = {f"{part}.{task}": params[part][task] for part in ("tasks", "tune") for task in TASKS}
    seal(folder, used, tuple(outs))
    return folder


def _models(folder: Path, task: str) -> list[str]:
    models = folder / f"models/{task}"
    (models / "final").mkdir(parents=True)
    (models / "final/model.json").write_text(json.dumps({"importance": {"form": 0.75, task: 0.25}}))
    loss = {"name": "made_up", "default": 2.0, "tuned": 1.5}
    tuned = {"learner": "trees", "loss": loss, "tuned": {"depth": 3}, "beats_default": True}
    (models / "tuned.json").write_text(json.dumps(tuned))
    curves = models / "curves/plots/metrics/loss"
    curves.mkdir(parents=True)
    for name, last in (("fit", 0.5), ("later", 0.75)):
        (curves / f"{name}.tsv").write_text(f"step\t{name}\n1\t1.0\n2\t{last}\n")
    folds(folder / f"data/folds/{task}.parquet", clock=task != "events")
    return [*(f"models/{task}/{name}" for name in ("final", "tuned.json", "curves")), f"data/folds/{task}.parquet"]


def folds(file: Path, clock: bool = True) -> None:
    """Write folds of four rows: three to fit, one to calibrate."""
    days = ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-03"] if clock else ["1970-01-01"] * 4
    file.parent.mkdir(parents=True, exist_ok=True)
    roles = ["fit", "fit", "fit", "calibrate"]
    pd.DataFrame({"time": pd.to_datetime(days), "final": roles}).to_parquet(file)


def service(folder: Path) -> Service:
    """Return a service for all tasks on the files of a folder; an event called `refuse` is rejected."""
    files, counters = open_workspace(folder), ServiceMetrics()
    loaded = {task: LoadedModel(task, module, None, files) for task, module in modules().items()}
    found = Service(Settings(root=str(folder), log=""), loaded, counters)
    found.endpoints = {task: PredictionEndpoint(one, counters, None, found.pool) for task, one in loaded.items()}
    return found


def modules() -> dict[str, ModuleType]:
    """Return the tasks with their own requests and answers, and made-up models."""
    made = {"events": (events, _tagged), "props": (props, _outlook), "racing": (racing, _chances)}
    found: dict[str, Any] = {
        task: SimpleNamespace(
            __doc__=module.__doc__,
            Request=module.Request,
            Answer=module.Answer,
            answer=answer,
            log_rows=lambda model, request, answer: [],
        )
        for task, (module, answer) in made.items()
    }
    return cast(dict[str, ModuleType], found)


WARNING = "season 'zzz' is not in the history; it counts as new."
WITHHELD = "The report shows no lead over the market."


def _tagged(model: None, request: events.Request) -> events.Answer:
    if any(one.name == "refuse" for one in request.events):
        raise UserError("name: 'refuse' is no name; give another.")
    top = [events.Chance(tag="tea", chance=0.99999, threshold=0.4), events.Chance(tag="<b>", chance=0.2, threshold=0.4)]
    return events.Answer(
        model="made", events=[events.Tagged(id=one.id, tags=["tea"], top=top, warnings=[]) for one in request.events]
    )


def _outlook(model: None, request: props.Request) -> props.Answer:
    names: dict[str, Any] = dict.fromkeys(props.Outlook.model_fields, 0.25)
    rows = [
        props.Outlook(
            **names | {"player_id": row.player_id, "date": f"{row.date:%Y-%m-%d}", "pick": "over", "past_games": 3}
        )
        for row in request.rows
    ]
    return props.Answer(
        model="made", quantity="points", min_edge=1.0, rows=rows, edge_withheld=None, warnings=[WARNING]
    )


def _chances(model: None, request: racing.Request) -> racing.Answer:
    even: dict[str, Any] = {
        "probability": 1 / len(request.runners),
        "fair_odds": float(len(request.runners)),
        "rank": 1,
    }
    rest: dict[str, Any] = {"place_probability": None, "market_probability": None, "edge": None, "past_starts": 3}
    runners = [racing.Chance(runner=one.runner, box=one.box, **even, **rest) for one in request.runners]
    return racing.Answer(model="made", race_id="made", runners=runners, edge_withheld=WITHHELD, warnings=[WARNING])
