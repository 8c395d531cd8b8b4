"""Stages that take no time: they write what dvc.yaml says, of committed metrics and of games made up for props.

Commands that are shown on pages are run with them: DVC, git and the registry are the real ones, and only the models are
not fitted. What a stage writes depends on the parameters, as in a real run.
"""

import shutil
from pathlib import Path

import yaml

from tests import pipeline_copy
from tests.prepared_games import make_games
from trueline.core.runtime.params import YAML_LOADER
from trueline.core.tables import table_schema

DAYS, DAILY = 40, 20
GAMES = "data/prepared/props.parquet"
UNCHANGED_PARAMS = ("diagnose.", "evaluate.", "tune.", "score_audit")  # no page changes one
ENTRY = """\
import sys

if __name__ == "__main__" and sys.argv[1] not in ("gap", "sources", "today"):  # which are commands, no tasks
    from stand_in import write_outputs

    write_outputs(__file__, sys.argv[1])
    sys.exit()
"""
STAND_IN = '''\
"""Write the outputs that dvc.yaml names for a stage: committed metrics, curves, tables of props, or a few bytes."""

import hashlib
import shutil
from pathlib import Path

import yaml

COMMITTED, GAMES = Path({committed!r}), Path({games!r})
CURVE = "step\\tloss\\n" + "".join(f"{{step}}\\t{{1 / (step + 1)}}\\n" for step in range(9))


def write_outputs(entry, task):
    stage = Path(entry).parent.name
    declared = yaml.safe_load(Path("dvc.yaml").read_text())["stages"][stage]["do"]
    for output in [*declared["outs"], *declared.get("metrics", ())]:
        path = next(iter(output)) if isinstance(output, dict) else output
        write_output(Path(path.replace("${{key}}", task)))


def write_output(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    trace = hashlib.md5(Path("params.yaml").read_bytes()).hexdigest()
    committed = COMMITTED / path
    if str(path) == "data/prepared/props.parquet":
        shutil.copy(GAMES, path)
    elif str(path) == "data/predictions/props.parquet":
        write_predictions(path, int(trace[:6], 16))
    elif path.parts[0] == "metrics" and committed.is_dir():
        shutil.copytree(committed, path, dirs_exist_ok=True)
    elif path.parts[0] == "metrics" and committed.exists():
        shutil.copy(committed, path)
    elif path.name == "curves":
        for rows in ("fit", "later"):
            file = path / f"plots/metrics/loss/{{rows}}.tsv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(CURVE.replace("loss", rows))
    elif path.suffix:
        path.write_text(f"{{path}} {{trace}}")
    else:
        path.mkdir(exist_ok=True)
        (path / "model.json").write_text(trace)


def write_predictions(path, seed):
    import numpy as np
    import pandas as pd

    games = pd.read_parquet(GAMES)
    tuned = games["truth"] + np.random.default_rng(seed).normal(0, 1, len(games))
    rows = games[["row_id", "group", "time", "target"]]
    rows.assign(fold="test_0", tuned=tuned, baseline=games["target"].mean()).to_parquet(path)
'''


def make_repository(folder: Path) -> Path:
    """Return a copy of the repository in a folder with stages that take no time, without git."""
    pipeline_copy.copy(folder)
    games = folder.parent / "games.parquet"
    table_schema.write_table(make_games(DAYS, DAILY), games)
    for entry in (folder / "stages").glob("*/__main__.py"):
        entry.write_text(ENTRY + entry.read_text())
    _shorten_lock(folder / "dvc.yaml")
    content = STAND_IN.format(committed=str(pipeline_copy.ROOT), games=str(games))
    (folder / "stand_in.py").write_text(content)
    shutil.copytree(pipeline_copy.ROOT / ".ci", folder / ".ci")
    for name in (".gitattributes", "Makefile", "requirements.lock"):
        shutil.copy(pipeline_copy.ROOT / name, folder)
    return folder


def _shorten_lock(pipeline: Path) -> None:
    """Leave each stage one file of code, its own, and the parameters that pages change.

    DVC reads and writes all of dvc.lock at every stage, which would take most of the time.
    """
    content = yaml.load(pipeline.read_text(), YAML_LOADER)
    for name, stage in content["stages"].items():
        task_stage = stage["do"]
        kept = [dep for dep in task_stage["deps"] if not dep.startswith(("stages/", "trueline/"))]
        task_stage["deps"] = [f"stages/{name}/__main__.py", *kept]
        task_stage["params"] = [key for key in task_stage["params"] if not key.startswith(UNCHANGED_PARAMS)]
    pipeline.write_text(yaml.dump(content, Dumper=pipeline_copy.YAML_DUMPER, sort_keys=False))
