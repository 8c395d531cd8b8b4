"""Stages that take no time: they write what dvc.yaml says, of committed metrics and of games made up for props.

Commands that are shown on pages are run with them: DVC, git and the registry are the real ones, and only the models are
not fitted. What a stage writes depends on the parameters, as in a real run.
"""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

import yaml

from tests import pipeline_copy
from tests.prepared_games import make_games
from trueline.core.runtime.params import YAML_LOADER
from trueline.core.tables import table_schema

DAYS, DAILY = 40, 20
GAMES = "data/prepared/props.parquet"
UNCHANGED_PARAMS = re.compile(r"diagnose\.|evaluate\.|tune\.|score_audit|\w+\.defaults")  # no page changes one
UNREAD_SECTIONS = ("diagnose", "predict")  # of params.yaml; no command of a page reads one
UNTRACKED = "/trueline/\n/stages/*/*/"  # code that no stage runs: git and DVC copy every file of git for an experiment
ENTRY = """\
import sys

if __name__ == "__main__" and sys.argv[1] not in ("gap", "sources", "today"):  # which are commands, no tasks
    from pathlib import Path

    from stand_in import write_outputs

    write_outputs(Path(__file__).parent.name, sys.argv[1])
    sys.exit()
"""
INTERCEPTOR = """\
import sys

if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("stages."):
    import os
    import traceback

    code = 1
    try:
        from stand_in import write_outputs

        write_outputs(sys.orig_argv[2].removeprefix("stages."), sys.orig_argv[3])
        code = 0
    except Exception:
        traceback.print_exc()
    os._exit(code)
"""
STAND_IN = '''\
"""Write the outputs that dvc.yaml names for a stage: committed metrics, curves, tables of props, or a few bytes."""

import hashlib
import shutil
from pathlib import Path

import yaml

COMMITTED, GAMES = Path({committed!r}), Path({games!r})
CURVE = "step\\tloss\\n" + "".join(f"{{step}}\\t{{1 / (step + 1)}}\\n" for step in range(9))


def write_outputs(stage, task):
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


def make_repository(folder: Path, tasks: Collection[str]) -> Path:
    """Return a copy of the repository in a folder with some tasks and stages that take no time, without git."""
    pipeline_copy.copy(folder)
    games = folder.parent / "games.parquet"
    table_schema.write_table(make_games(DAYS, DAILY), games)
    for entry in (folder / "stages").glob("*/__main__.py"):
        entry.write_text(ENTRY + entry.read_text())
    (folder / "stages/__init__.py").write_text("")  # which would import the code that git does not hold here
    _shorten_params(folder / "params.yaml", set(pipeline_copy.tasks()) - set(tasks))
    _shorten_pipeline(folder / "dvc.yaml", tasks)
    _write_stand_in(folder, games)
    shutil.copytree(pipeline_copy.ROOT / ".ci", folder / ".ci")
    for name in (".gitattributes", "Makefile", "requirements.lock"):
        shutil.copy(pipeline_copy.ROOT / name, folder)
    return folder


def write_interceptor(folder: Path) -> Path:
    """Write what lets no stage run where the folder is on Python's path; its outputs are written instead.

    No file that DVC watches changes for that, unlike in a repository of make_repository. The folder is returned.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(INTERCEPTOR)
    _write_stand_in(folder, folder / "games.parquet")
    return folder


def _write_stand_in(folder: Path, games: Path) -> None:
    (folder / "stand_in.py").write_text(STAND_IN.format(committed=str(pipeline_copy.ROOT), games=str(games)))


def _shorten_params(file: Path, dropped_tasks: Collection[str]) -> None:
    """Take the sections of some tasks, and those that nothing reads, out of params.yaml.

    DVC parses all of the file several times for each stage. What is left keeps its form and its comments.
    """
    kept, section, is_kept = [], "", True
    for line in file.read_text().splitlines(keepends=True):
        if key := re.match(r"(  )?(\w+):", line):
            section = section if key[1] else key[2]
            is_kept = section not in UNREAD_SECTIONS and not (key[1] and key[2] in dropped_tasks)
        kept += [line] if is_kept else []
    file.write_text("".join(kept))


def _shorten_pipeline(file: Path, tasks: Collection[str]) -> None:
    """Leave the pipeline what concerns some tasks, and each stage a file of code and the parameters that pages change.

    Of what the stage before it writes, a stage reads one output that the parameters change, so that it runs again as in
    a real run. DVC reads and writes all of dvc.lock at every stage, which would take most of the time.
    """
    content = yaml.load(file.read_text(), YAML_LOADER)
    read_of_earlier: list[str] = []
    for name, stage in content["stages"].items():
        task_stage = stage["do"]
        sources = [dep for dep in task_stage["deps"] if dep.startswith("${item.")]
        task_stage["deps"] = [f"stages/{name}/__main__.py", *sources, *read_of_earlier]
        task_stage["params"] = [key for key in task_stage["params"] if not UNCHANGED_PARAMS.match(key)]
        models_or_rows = [output for output in task_stage["outs"] if isinstance(output, str)]
        read_of_earlier = models_or_rows[-1:] or [*read_of_earlier, next(iter(task_stage["outs"][0]))]
    content["artifacts"] = {name: what for name, what in content["artifacts"].items() if _concerns(what["path"], tasks)}
    content["plots"] = [
        plot for plot in content["plots"] if all(_concerns(path, tasks) for what in plot.values() for path in what["y"])
    ]
    file.write_text(yaml.dump(content, Dumper=pipeline_copy.YAML_DUMPER, sort_keys=False))


def _concerns(path: str, tasks: Collection[str]) -> bool:
    return not set(path.split("/")).isdisjoint(tasks)
