"""Planted lies: how a project fools itself, at three strengths, and whether the finished run names it.

Every case is a simulated world of its own seed (`trueline/samples`), run through all eight stages in a private copy of
the repository: once as it is and once with one lie planted (`trueline/benchmarks/lie_lab`). A lie is caught if a stage
refuses it in a sentence, or an honesty check warns of it or fails, so that `believable` is not yes. Worlds without a
lie show how often the word is wrong. The headline is that of scores.json; what a lie adds to it is what is at stake.
"""

import argparse
import shutil
import tempfile
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from trueline.benchmarks._page_section import replace_section
from trueline.benchmarks.fault_lab.planted_lies import INPUT_LIES, RAW_LIES, InputLie, RawLie
from trueline.benchmarks.lie_lab.code_lies import (
    calibrate_on_score_rows,
    learn_score_rows,
    mix_result_into_predictions,
    oversample_score_rows,
    read_result_from_file,
)
from trueline.benchmarks.lie_lab.result_journal import Case, Result, ResultJournal
from trueline.benchmarks.lie_lab.scratch_project import HEADLINES, Outcome, ScratchProject, make_scratch_project
from trueline.core.compute.parallel import run_in_parallel
from trueline.core.errors import UserError

PAGE = Path(__file__).parents[2] / "docs/truth.md"
STRENGTHS = (0.1, 0.3, 1.0)
MIXED_STRENGTHS = (0.03, 0.05, 0.1)  # shares of the result in predictions; 1 would be the result itself
TASKS = ("racing", "props", "events")
PAGE_WIDTH = 120  # characters
FIRST_SEED = 900_000  # no world that anything was developed on

Plant = Callable[[ScratchProject, float, int], None]  # plants a lie of a strength by a seed in an honest project


class Lie(NamedTuple):
    """A kind of lie in one task, its strengths, how it is planted, and the first stage that must run again then."""

    name: str
    task: str
    strengths: tuple[float, ...]
    plant: Plant
    since: str


class World(NamedTuple):
    """A simulated world, and the cases of planted lies that are run in it beside the honest one."""

    task: str
    seed: int
    planted: tuple[Case, ...]

    @property
    def honest_case(self) -> Case:
        """The case of this world as it is."""
        return Case(None, self.task, 0.0, self.seed)

    def list_cases(self) -> list[Case]:
        """Return the honest case and those with a lie."""
        return [self.honest_case, *self.planted]


def main(*arguments: str) -> None:
    """Print what was caught, missed and falsely accused as Markdown; with --write, write it into docs/truth.md too."""
    options = _parse_arguments(arguments)
    worlds = make_worlds(options)
    with tempfile.TemporaryDirectory() as name:
        journal = ResultJournal(options.journal or Path(name) / "results.jsonl")
        if not options.only_journal:
            run_in_parallel(partial(run_world, journal=journal, folder=Path(name)), worlds, options.workers, "worlds")
        results = journal.read_results()
    cases = [case for world in worlds if world.honest_case in results for case in world.list_cases()]
    counted = [results[case] for case in cases if case in results]
    markdown = render_results(counted)
    print(markdown)
    require_no_crash(counted)
    if options.write:
        PAGE.write_text(replace_section(PAGE.read_text(), markdown, "lies"))


def require_no_crash(results: list[Result]) -> None:
    """Raise UserError if a run ended without a stage's own sentence: it says nothing of the lie, and is not counted."""
    crashed = [result for result in results if result.has_crashed]
    if crashed:
        kinds = sorted({f"{result.case.task}: {result.case.lie or 'an honest world'}" for result in crashed})
        raise UserError(
            f"lies: {len(crashed)} runs crashed ({'; '.join(kinds)}; the first with {crashed[0].outcome.refusal!r}); "
            "mend the planted code or the stage, and run the same command: it runs them again."
        )


def list_lies() -> list[Lie]:
    """Return every lie that can be planted."""
    lies = [
        Lie(name, task, STRENGTHS, partial(_plant_in_raw_tables, change), "prepare")
        for task, changes in RAW_LIES.items()
        for name, change in changes.items()
    ]
    lies += [
        Lie(name, task, STRENGTHS, partial(_plant_in_inputs, change), "resample")
        for task in ("racing", "props")
        for name, change in INPUT_LIES.items()
    ]
    code_lies = {
        "learners fitted on score rows": (learn_score_rows, "train"),
        "calibrators fitted on score rows": (calibrate_on_score_rows, "calibrate"),
        "oversampling before the split": (oversample_score_rows, "resample"),
        "a features plugin that opens the result": (read_result_from_file, "features"),
    }
    for task in TASKS:
        lies += [
            Lie(name, task, STRENGTHS, partial(_plant_in_code, edit), since)
            for name, (edit, since) in code_lies.items()
        ]
    lies += [
        Lie("the result mixed into predictions", task, MIXED_STRENGTHS, _plant_in_predictions, "evaluate")
        for task in ("racing", "props")
    ]
    return lies


def make_worlds(options: argparse.Namespace) -> list[World]:
    """Return the worlds that the options ask for, those first in which lies are planted, which take longest."""
    lies = [lie for lie in list_lies() if any(name_part in lie.name for name_part in options.lie)]
    return [
        World(task, FIRST_SEED + number, _list_planted(lies, task, number, options))
        for number in range(max(options.honest, options.seeds))
        for task in options.tasks
    ]


def run_world(world: World, journal: ResultJournal, folder: Path) -> None:
    """Run the cases of a world that the journal does not hold yet, and add what each of them comes to.

    The honest project stays in a folder of its own while the lies are planted in copies of it, whose stages run again
    from the first that the lie changes on. A journal that lacks only lies has the honest world run again for that.
    """
    results = journal.read_results()
    missing = [case for case in world.list_cases() if case not in results or results[case].has_crashed]
    if not missing:
        return
    lies = {(lie.name, lie.task): lie for lie in list_lies()}
    with tempfile.TemporaryDirectory(dir=folder) as name:
        honest = make_scratch_project(Path(name) / "honest", world.task, world.seed)
        outcome = honest.read_outcome(honest.run())
        for case in missing:
            if case.lie is not None:
                outcome = _run_planted(honest, lies[case.lie, case.task], case, Path(name) / "planted")
            journal.append(Result(case, outcome))


def _run_planted(honest: ScratchProject, lie: Lie, case: Case, folder: Path) -> Outcome:
    project = honest.copy_to(folder)
    lie.plant(project, case.strength, case.seed)
    outcome = project.read_outcome(project.run(lie.since))
    shutil.rmtree(folder)
    return outcome


def _list_planted(lies: list[Lie], task: str, number: int, options: argparse.Namespace) -> tuple[Case, ...]:
    if number >= options.seeds:
        return ()
    return tuple(
        Case(lie.name, task, strength, FIRST_SEED + number)
        for lie in lies
        if lie.task == task
        for strength in lie.strengths
        if not options.strengths or strength in options.strengths
    )


def render_results(results: list[Result]) -> str:
    """Return a table of the lies, one of the honest worlds, and how many lies that matter were caught."""
    honest = {(result.case.task, result.case.seed): result for result in results if result.case.lie is None}
    planted = [result for result in results if result.case.lie is not None]
    rows = [
        "| task | lie | strength | worlds | headline, honest → lie | no | doubtful | refused | missed | named by |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for key in dict.fromkeys((result.case.task, result.case.lie, result.case.strength) for result in planted):
        group = [result for result in planted if (result.case.task, result.case.lie, result.case.strength) == key]
        rows.append(_render_lie(group, honest))
    return "\n".join([_render_sizes(planted, honest), "", *rows, "", *_render_honest(list(honest.values()))])


def _render_sizes(planted: list[Result], honest: dict[tuple[str, int], Result]) -> str:
    """Return which worlds were run, and how many lies that moved the headline beyond its interval were caught."""
    ended = [result for result in planted if result.outcome.refusal is None]
    moved = [result for result in ended if result.is_moved_from(honest[result.case.task, result.case.seed])]
    caught, moved_caught = (sum(result.is_caught for result in results) for results in (ended, moved))
    kinds = {(result.case.task, result.case.lie) for result in planted}
    world_count = len({result.case.seed for result in planted})
    text = (
        f"Run: {len(planted)} cases of {len(kinds)} of {len(list_lies())} kinds, in "
        f"{world_count} world{'s' * (world_count != 1)} a task (seeds from {FIRST_SEED}), and {len(honest)} "
        f"honest worlds; strengths that are not in the table were not run. {len(planted) - len(ended)} runs were "
        f"refused. Of the others {len(moved)} moved the headline above its interval (in bold), and {moved_caught} of "
        f"these were caught; of the {len(ended) - len(moved)} that did not, {caught - moved_caught} were."
    )
    not_run = [f"{lie.task}: {lie.name}" for lie in list_lies() if (lie.task, lie.name) not in kinds]
    text += f" Kinds that were not run: {'; '.join(not_run)}." if not_run else ""
    return textwrap.fill(text, PAGE_WIDTH)


def _render_lie(group: list[Result], honest: dict[tuple[str, int], Result]) -> str:
    case = group[0].case
    counts = {
        answer: sum(result.outcome.believable == answer for result in group) for answer in ("no", "doubtful", "refused")
    }
    missed = sum(not result.is_caught for result in group)
    names = sorted({name for result in group for name in result.outcome.named_by})
    unlied = [honest[result.case.task, result.case.seed] for result in group]
    before = [result.outcome.headline for result in unlied]
    after = [result.outcome.headline for result in group if result.outcome.refusal is None]
    headline = f"{np.mean(before):.3f} → {f'{np.mean(after):.3f}' if after else 'none'}"
    if any(result.is_moved_from(world) for result, world in zip(group, unlied, strict=True)):
        headline = f"**{headline}**"
    cells = " | ".join(str(count or "·") for count in (*counts.values(), missed))
    return (
        f"| {case.task} | {case.lie} | {case.strength:g} | {len(group)} | {HEADLINES[case.task]} {headline} | {cells} "
        f"| {', '.join(names) or '–'} |"
    )


def _render_honest(results: list[Result]) -> list[str]:
    rows = ["| honest worlds | yes | doubtful | no | refused | named by |", "|---|---:|---:|---:|---:|---|"]
    for task in dict.fromkeys(result.case.task for result in results):
        answers = [result.outcome.believable for result in results if result.case.task == task]
        names = sorted({name for result in results if result.case.task == task for name in result.outcome.named_by})
        counts = " | ".join(str(answers.count(answer) or "·") for answer in ("yes", "doubtful", "no", "refused"))
        rows.append(f"| {task} | {counts} | {', '.join(names) or '–'} |")
    return rows


def _plant_in_raw_tables(change: RawLie, project: ScratchProject, strength: float, seed: int) -> None:
    project.write_raw_tables(change(project.read_raw_tables(), strength, seed))


def _plant_in_inputs(change: InputLie, project: ScratchProject, strength: float, seed: int) -> None:
    path = project.folder / f"data/features/{project.task}.parquet"
    inputs, prepared = pd.read_parquet(path), pd.read_parquet(project.folder / f"data/prepared/{project.task}.parquet")
    change(inputs, prepared, strength, seed).to_parquet(path, index=False)
    project.note_hashes()


def _plant_in_code(
    edit: Callable[[ScratchProject, float], None], project: ScratchProject, strength: float, seed: int
) -> None:
    edit(project, strength)


def _plant_in_predictions(project: ScratchProject, strength: float, seed: int) -> None:
    mix_result_into_predictions(project, strength)
    project.note_hashes()


def _parse_arguments(arguments: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline benchmarks lies", description="Plant lies, and count which of them are named."
    )
    parser.add_argument("--seeds", type=int, default=3, help="worlds for each lie and strength")
    parser.add_argument("--honest", type=int, default=14, help="honest worlds for each task")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, help="only these tasks")
    parser.add_argument("--lie", nargs="+", default=[""], help="only lies whose names contain one of these")
    parser.add_argument("--strengths", nargs="+", type=float, help="only these of a lie's strengths")
    parser.add_argument("--workers", type=int, default=2, help="processes, each of which runs a world at a time")
    parser.add_argument("--journal", type=Path, help="a file that keeps results; what it holds is not run again")
    parser.add_argument("--only-journal", action="store_true", help="run nothing, count what the journal holds")
    parser.add_argument("--write", action="store_true", help=f"write the result into docs/{PAGE.name}")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.honest < 0 or options.workers < 1:
        parser.error("--seeds and --workers must be 1 or more, and --honest 0 or more.")
    if options.only_journal and not (options.journal and options.journal.exists()):
        parser.error(f"--only-journal counts the results of a journal, and {options.journal} is none; name one.")
    return options
