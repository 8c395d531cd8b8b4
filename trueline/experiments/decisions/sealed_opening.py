"""The opening of a sealed period: a candidate is fitted on all days before it and scored on its days, once.

Whoever chose windows, inputs or the edge of bets by looking at a test period has no honest figure of that period left.
The sealed days (`folds.<task>.sealed_days`) are in no output of any stage, so nothing can have been chosen on them. The
stages of the candidate's own commit score them in a private copy. The ledger keeps every opening.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import yaml

from trueline.core.errors import UserError
from trueline.core.model_tags import Tag
from trueline.core.runtime.params import YAML_LOADER, expand_params, find_section_path
from trueline.core.scorer_description import load_description
from trueline.core.splits.sealed_period import SealedPeriod
from trueline.experiments.decisions import gates, noise_gate
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.ledger import ledger
from trueline.experiments.store import git, output_files
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.file_cache import PARAMS
from trueline.experiments.store.metric_definitions import extract_intervals, get_nested

QUALITY = "metrics/{task}/quality.json"
PREPARED = "data/prepared/{task}.parquet"
PREDICTIONS = "data/predictions/{task}.parquet"
TUNED = "models/{task}/tuned.json"  # taken from the candidate: a search that ends at the seal could choose others
REPORT = "metrics/{task}/report.json"
RUN_STAGES = """
import runpy, sys
task, *stages = sys.argv[1:]
for stage in stages:
    sys.argv = [stage, task]
    runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
"""  # in one process, to spare its imports
SCORING_STAGES = ("prepare", "features", "resample", "train", "calibrate", "evaluate")


class SealedResult(NamedTuple):
    """What the stages wrote about the sealed days: predictions, the report, and the hash of the rows."""

    predictions: pd.DataFrame
    report: dict[str, Any]
    data_hash: str


def find_sealed_period(rev: str, task: str) -> SealedPeriod | None:
    """Return the period that was sealed when a commit's results were made, or None."""
    try:
        period: Any = get_nested(json.loads(git.read_file(rev, QUALITY.format(task=task)) or b"null"), ("sealed",))
    except (ValueError, RecursionError):
        return None
    if not isinstance(period, dict) or not SealedPeriod.__required_keys__ <= period.keys():
        return None
    return SealedPeriod(from_day=period["from_day"], to_day=period["to_day"], rows=period["rows"])


def describe_sealed_period(period: SealedPeriod) -> Gate:
    """Return the answer of a period that stays closed."""
    sentence = f"The days from {period['from_day']} to {period['to_day']} stay sealed; a promotion opens them."
    return Gate("sealed", True, sentence, dict(period))


def open_sealed_period(experiment: Experiment, task: str, period: SealedPeriod, incumbent: Tag | None) -> Gate:
    """Score the sealed days, record the opening in the ledger, and stop a candidate that is worse there beyond luck.

    It is compared with the stage's current model, fitted and scored in the same way, or with its own baseline if there
    is none or if that model cannot be scored. Raises UserError, and records nothing, if the candidate cannot be scored.
    """
    result = score_sealed_days(experiment.rev, task, period, check_data=True)
    scorer = str(get_nested(experiment.params, ("tasks", task, "scorer")))
    earlier_openings = ledger.list_openings(task, period["from_day"], period["to_day"])
    days = {"hash": "", "from": period["from_day"], "to": period["to_day"]}
    earlier_looks = ledger.count_overlapping_evaluations(task, [days])
    comparison = noise_gate.check_not_worse(
        scorer,
        result.predictions,
        _choose_reference(task, period, incumbent, result.predictions),
        1 + len(earlier_openings) + earlier_looks,
        int(experiment.params.get("seed", 0)),
    )
    figures = extract_intervals(result.report) | (get_nested(result.report, ("scores",)) or {})
    opening = {
        "task": task,
        "experiment": experiment.display_name,
        "rev": experiment.rev,
        "data": result.data_hash,
        "from": period["from_day"],
        "to": period["to_day"],
        "rows": get_nested(result.report, ("scored", "hash")),
        "scored": get_nested(result.report, ("scored", "rows")),
        "metrics": figures,
        "earlier": len(earlier_openings),
        "looks": earlier_looks,
    }
    ledger.record_opening(opening)
    headline = gates.check_interval(result.report, load_description(scorer)).sentence
    sentence = (
        f"On the days from {period['from_day']} to {period['to_day']}, sealed until now: {headline} "
        f"{comparison.sentence}{_describe_earlier(earlier_openings, earlier_looks)}"
    )
    return Gate(
        "sealed", comparison.passed, sentence, comparison.figures | {"sealed": dict(period), "metrics": figures}
    )


def score_sealed_days(rev: str, task: str, period: SealedPeriod, check_data: bool = False) -> SealedResult:
    """Return how a commit's model, fitted on all days before the sealed ones, does on them, by the commit's own stages.

    The stages run in a private copy with the source that the commit's params name. `check_data` requires that prepare
    still gives the rows that the commit's dvc.lock names, so that the sealed days belong to the data it was made from.
    Raises UserError for another source, an output that is not at hand, and a stage that fails.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(fileobj=io.BytesIO(git.run_git("archive", "--format=tar", rev))) as archive:
            archive.extractall(folder, filter="data")
        params = yaml.load((folder / PARAMS).read_text(), YAML_LOADER)
        _find_source(folder, params, task)
        if check_data:
            _check_prepared_rows(folder, params, rev, task)
        _write_params(folder, _unseal(params, task, period))
        tuned_path = folder / TUNED.format(task=task)
        tuned_path.parent.mkdir(parents=True, exist_ok=True)
        tuned_path.write_bytes(output_files.read_output(rev, TUNED.format(task=task), task))
        _run_stages(folder, task, *SCORING_STAGES)
        return SealedResult(
            pd.read_parquet(folder / PREDICTIONS.format(task=task)),
            json.loads((folder / REPORT.format(task=task)).read_text()),
            hashlib.md5((folder / PREPARED.format(task=task)).read_bytes()).hexdigest(),
        )


def _choose_reference(
    task: str, period: SealedPeriod, incumbent: Tag | None, predictions: pd.DataFrame
) -> noise_gate.Reference:
    baseline = noise_gate.Reference("the baseline", predictions, noise_gate.BASELINE_ARM)
    if incumbent is None:
        return baseline
    name = incumbent.experiment or incumbent.rev[:7]
    try:
        incumbent_predictions = score_sealed_days(incumbent.rev, task, period).predictions
    except UserError:
        return baseline._replace(name=f"the baseline ({name} could not be scored on these days)")
    return noise_gate.Reference(name, incumbent_predictions, noise_gate.TUNED_ARM)


def _describe_earlier(openings: list[ledger.LedgerLine], look_count: int) -> str:
    names = ", ".join(dict.fromkeys(str(opening["experiment"]) for opening in openings))
    facts = [f"they were opened before, for {names}"] if openings else []
    facts += [f"the ledger has {look_count} evaluations of days among them"] if look_count else []
    return f" This is not a first look: {' and '.join(facts)}." if facts else ""


def _find_source(folder: Path, params: dict[str, Any], task: str) -> None:
    """Name the source, and the word vectors, by their absolute paths, unless the commit itself holds them."""
    config = params["tasks"][task]
    for key in ("source", "vectors"):
        if key in config and not (folder / config[key]).exists():
            config[key] = str(Path(config[key]).resolve())


def _check_prepared_rows(folder: Path, params: Mapping[str, Any], rev: str, task: str) -> None:
    _write_params(folder, params)
    _run_stages(folder, task, "prepare")
    path = PREPARED.format(task=task)
    content_hash = hashlib.md5((folder / path).read_bytes()).hexdigest()
    if output_files.get_output_hashes(rev, task).get(path) != content_hash:
        raise UserError(
            f"the source {params['tasks'][task]['source']} no longer gives the rows that {rev[:7]} was made from, so "
            "its sealed days are not those of the experiment; run the experiment again on this source."
        )


def _unseal(params: Mapping[str, Any], task: str, period: SealedPeriod) -> dict[str, Any]:
    """Return params in which the sealed days are the only test fold, and nothing is fitted for comparison."""
    # a copy, in which dates are text: settings may be that
    opened: dict[str, Any] = json.loads(json.dumps(params, default=str))
    section = _open_section(opened, "folds", task)
    if "dated" in get_nested(expand_params(params), ("folds", task)):
        section = section.setdefault("dated", {})
    day_count = (pd.Timestamp(period["to_day"]) - pd.Timestamp(period["from_day"])).days + 1
    section |= {"sealed_days": None, "first_test": period["from_day"], "last_test": None, "test_days": day_count}
    if "final" in section:  # a day that it names may lie before the sealed ones
        section["final"] = "newest"
    _open_section(opened, "train", task)["comparison"] = {"learners": []}
    return opened


def _open_section(params: dict[str, Any], stage: str, task: str) -> dict[str, Any]:
    """Return the task's section of a stage, to change."""
    name = find_section_path(params, stage, task)[1]
    params[stage][name] = params[stage].get(name) or {}
    section: dict[str, Any] = params[stage][name]
    return section


def _write_params(folder: Path, params: Mapping[str, Any]) -> None:
    (folder / PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))


def _run_stages(folder: Path, task: str, *stages: str) -> None:
    command = [sys.executable, "-c", RUN_STAGES, task, *stages]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if process.returncode:
        last_line = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"the sealed days could not be scored; {last_line}")
