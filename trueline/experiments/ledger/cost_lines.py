"""What the stages of an experiment took, on which machine: from the journal of the runs here, and from the ledger.

The journal, which stays here, has the machine's name in the network. The ledger is shared, so it has the processors
instead, or a name that the user has chosen for it in git's configuration.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueline.core.machine_description import describe_processors
from trueline.core.runtime.stage_costs import read_journal
from trueline.experiments.ledger.evaluation_lines import WORKSPACE
from trueline.experiments.store import dvc_lock, git

COST_KEYS = ("seconds", "cpu_seconds", "machine")
MACHINE_SETTING = "trueline.machine"  # of git: what to call this machine in the ledger
OTHER_MACHINE = "another machine"  # which wrote to a journal that lies on a disk of several

LedgerLine = dict[str, Any]
StageCosts = dict[str, dict[str, Any]]  # by stage: seconds, CPU seconds, machine
Journal = Mapping[str, Sequence[dict[str, Any]]]


def find_cost_lines(ledger_lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Return lines for the costs of evaluated experiments whose stages ran here and that are not recorded.

    The predictions of an experiment tell whether its stages ran here, so that few locks are read.
    """
    journal = _read_described_journal()
    made_here = {md5 for runs in journal.values() for run in runs for md5 in run["outputs"].values()}
    recorded = {(line["rev"], line["task"]) for line in ledger_lines if line["kind"] == "cost"}
    evaluations = {
        (line["rev"], line["task"]): line["experiment"]
        for line in ledger_lines
        if line["kind"] == "look" and line["predictions"] in made_here and line["experiment"] not in (None, WORKSPACE)
    }
    unrecorded = {key: name for key, name in evaluations.items() if key not in recorded}
    lock_by_rev = dvc_lock.read_locks(rev for rev, _ in unrecorded) if unrecorded else {}
    return [
        {"kind": "cost", "experiment": name, "rev": rev, "task": task, "stages": costs}
        for (rev, task), name in unrecorded.items()
        if (costs := _match_runs(lock_by_rev[rev], task, journal))
    ]


def get_stage_costs(rev: str, task: str, ledger_lines: Iterable[LedgerLine]) -> StageCosts:
    """Return what the stages of a task took that made a commit's outputs, as far as the ledger or the journal knows."""
    recorded = [
        line["stages"] for line in ledger_lines if line["kind"] == "cost" and (line["rev"], line["task"]) == (rev, task)
    ]
    if recorded:
        return dict(recorded[-1])
    return _match_runs(dvc_lock.read_locks([rev])[rev], task, _read_described_journal())


def list_rerun_stages(lock: dvc_lock.Lock, parent_lock: dvc_lock.Lock, task: str) -> list[str]:
    """Return the stages of a task that differ from a parent's in inputs, parameters or outputs, in order."""
    return [
        name.partition("@")[0]
        for name, stage in lock.items()
        if name.endswith(f"@{task}") and stage != parent_lock.get(name)
    ]


def _read_described_journal() -> Journal:
    """Return the journal with the processors of this machine, or the name chosen for it, in place of its own name."""
    journal = read_journal()
    own_name = (git.read_setting(MACHINE_SETTING) or describe_processors()) if journal else ""
    return {
        stage: [run | {"machine": own_name if run.get("machine") == platform.node() else OTHER_MACHINE} for run in runs]
        for stage, runs in journal.items()
    }


def _match_runs(lock: dvc_lock.Lock, task: str, journal: Journal) -> StageCosts:
    """Return the newest run of each stage that wrote what a lock names."""
    costs = {}
    for name, stage in lock.items():
        runs = [run for run in journal.get(name, ()) if run["outputs"].items() <= stage["outs"].items()]
        if name.endswith(f"@{task}") and runs:
            costs[name.partition("@")[0]] = {key: runs[-1].get(key) for key in COST_KEYS}
    return costs
