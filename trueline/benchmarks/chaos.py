"""Chaos: stages that are killed, run on a full disk, on damaged inputs and so on, and whether anything is lost by it.

Each task runs in a small private copy of the repository, once undisturbed, and then each of its stages under each fault
of `trueline/benchmarks/chaos_lab`. Whatever happens, an output is absent or whole, what was there before is unchanged,
a message is one sentence, and the next undisturbed run ends with the bytes of the first. All moments and places are
drawn with a seed. The exit code is 1 if anything else came of a fault.
"""

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from trueline.benchmarks._page_section import replace_section
from trueline.benchmarks.chaos_lab.disturbances import FAULTS, DisturbanceError, kill_at_random_moments
from trueline.benchmarks.chaos_lab.dvc_disturbances import ALL_STAGES, run_dvc_faults
from trueline.benchmarks.chaos_lab.small_project import make_small_project
from trueline.benchmarks.chaos_lab.stage_runs import name_temporary_folder, run_forked
from trueline.benchmarks.chaos_lab.trial_journal import TrialJournal
from trueline.benchmarks.chaos_lab.trials import Problem, Reference, Trial, hash_files
from trueline.core.compute.parallel import run_in_parallel
from trueline.core.errors import UserError
from trueline.core.runtime.params import STAGES

PAGE = Path(__file__).parents[2] / "docs/chaos.md"
TASKS = ("racing", "props", "events")
KILL, DVC_FAULTS = "kill -9", "dvc"
KILLS = 9  # of each stage of each task
SEED = 20_240_229
WORKERS = 3  # processes: one for each task
ENDS = ("completed", "refused", "killed", "skipped")


def main(*arguments: str) -> None:
    """Print what came of every fault as Markdown; with --write, write it into docs/chaos.md too."""
    options = _parse_arguments(arguments)
    with tempfile.TemporaryDirectory(prefix="trueline-", ignore_cleanup_errors=True) as name:
        run = partial(run_task, options=options, folder=Path(name))
        trials = [trial for trials in run_in_parallel(run, options.tasks, WORKERS, "chaos") for trial in trials]
    markdown = render_trials(trials, options.seed)
    print(markdown)
    if options.write:
        PAGE.write_text(replace_section(PAGE.read_text(), remove_machine_paths(markdown), "chaos"))
    if any(trial.findings for trial in trials):
        sys.exit(1)


def run_task(task: str, options: argparse.Namespace, folder: Path) -> list[Trial]:
    """Run every chosen fault in every chosen stage of a task, and return what came of them."""
    last_stage = STAGES[-1] if DVC_FAULTS in options.faults else max(options.stages, key=STAGES.index)
    reference = make_reference(folder / task / "undisturbed", task, last_stage)
    cases = [(fault, stage) for fault in options.faults if fault != DVC_FAULTS for stage in options.stages]
    cases += [(DVC_FAULTS, ALL_STAGES)] if DVC_FAULTS in options.faults else []
    trials: list[Trial] = []
    for fault, stage in cases:
        journal = TrialJournal(options.journal, f"{task} {stage} {fault} {options.seed} {options.kills}")
        if not journal.is_done():
            draw = random.Random(f"{options.seed} {task} {stage} {fault}")
            with tempfile.TemporaryDirectory(dir=folder / task, ignore_cleanup_errors=True) as name:
                journal.write(list(_run_fault(reference, stage, fault, draw, Path(name), options.kills)))
        trials += journal.trials
    return trials


def make_reference(folder: Path, task: str, last_stage: str) -> Reference:
    """Return a small project in which the stages of a task up to a last one ran undisturbed, and what came of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    project = make_small_project(folder, task)
    name_temporary_folder(project).mkdir()
    seconds = {}
    for stage in STAGES[: STAGES.index(last_stage) + 1]:
        run = run_forked(project, stage)
        if run.exit_code:
            raise UserError(f"{stage} of {task} fails undisturbed: {run.messages.strip()}")
        seconds[stage] = run.seconds
    return Reference(project, hash_files(project.folder), seconds)


def remove_machine_paths(text: str) -> str:
    """Return a text without the folders of this machine: of the environment, and of the projects of a run.

    >>> remove_machine_paths(f"too many files in {tempfile.gettempdir()}/trueline-x1/racing/rows.parquet")
    'too many files in racing/rows.parquet'
    """
    text = text.replace(f"{Path(sys.prefix).parent}/", "")
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/trueline-\w+/", "", text)


def render_trials(trials: Sequence[Trial], seed: int) -> str:
    """Return a sentence with the sums, a table of the faults, the problems if there are any, and the sentences."""
    kills = sum(trial.fault == KILL for trial in trials)
    stages = {(trial.task, trial.stage) for trial in trials if trial.stage in STAGES}
    problems = {problem: _count(trials, problem) for problem in Problem}
    summary = (
        f"{len(trials)} runs of {len(stages)} stages under a fault or after one, {kills} of them killed, seed {seed}: "
        f"{', '.join(f'{count} × {problem.value}' for problem, count in problems.items())}."
    )
    rows = [
        "| fault | completed, same bytes | one sentence | killed | not possible here | problems |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for fault in dict.fromkeys(trial.fault for trial in trials):
        group = [trial for trial in trials if trial.fault == fault]
        counts = [sum(trial.end == end for trial in group) for end in ENDS]
        problem_count = sum(len(trial.findings) for trial in group)
        rows.append(f"| {fault} | {' | '.join(str(count or '·') for count in (*counts, problem_count))} |")
    return "\n".join([summary, "", *rows, *_render_findings(trials), *_render_messages(trials)])


def _run_fault(
    reference: Reference, stage: str, fault: str, draw: random.Random, folder: Path, kills: int
) -> Iterator[Trial]:
    if fault == DVC_FAULTS:
        yield from run_dvc_faults(reference, draw, folder)
        return
    if fault == KILL:
        yield from kill_at_random_moments(reference, stage, draw, folder, kills)
        return
    try:
        yield from FAULTS[fault](reference, stage, draw, folder)
    except DisturbanceError as reason:
        yield Trial(fault, reference.project.task, stage, "skipped", str(reason))


def _count(trials: Sequence[Trial], problem: Problem) -> int:
    return sum(finding.problem is problem for trial in trials for finding in trial.findings)


def _render_findings(trials: Sequence[Trial]) -> list[str]:
    lines = [
        f"- {trial.fault}, {trial.stage} of {trial.task}: {finding.problem.value}, {finding.place}"
        for trial in trials
        for finding in trial.findings
    ]
    return ["", *lines] if lines else []


def _render_messages(trials: Sequence[Trial]) -> list[str]:
    """Return the first sentence of each fault that a run was refused with, or that says why it was left out."""
    lines = []
    for fault in dict.fromkeys(trial.fault for trial in trials if trial.message):
        trial = next(trial for trial in trials if trial.fault == fault and trial.message)
        lines.append(f"- {fault}: `{trial.message}`")
    return ["", "What the first run that stopped, or was left out, said:", "", *lines] if lines else []


def _parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline benchmarks chaos", description="Disturb every stage, and see whether anything is lost."
    )
    faults = (KILL, *FAULTS, DVC_FAULTS)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, help="only these tasks")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="only these stages")
    parser.add_argument("--faults", nargs="+", choices=faults, default=faults, help="only these faults")
    parser.add_argument("--kills", type=int, default=KILLS, help="kills of each stage of each task")
    parser.add_argument("--seed", type=int, default=SEED, help="by which all moments and places are drawn")
    parser.add_argument("--journal", type=Path, help="a file that keeps what is done, so that a run goes on from it")
    parser.add_argument("--write", action="store_true", help=f"write the result into docs/{PAGE.name}")
    options = parser.parse_args(arguments)
    if options.kills < 1:
        parser.error("--kills must be 1 or more.")
    return options
