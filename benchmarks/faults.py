"""Planted faults by the hundred: which cause does the diagnosis name, and how far can its confidence be believed?

Every case is a world of the fault laboratory (`samples/faults.py`) of its own seed. Asked are the check of root causes
and the gap report, with the knobs of params.yaml, and what they say becomes one name: a prediction made after its game
is a fact and goes first; then the root cause, where one is named; then what the gap report finds, by BY_GAP.
"""

import argparse
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.evidence import Evidence
from core.intervals import wilson
from core.jobs import run
from core.params import knobs
from core.refusals import Refusal
from samples.faults import KINDS, plant
from stages.diagnose import gap, root_cause

PAGE = Path(__file__).parent.parent / "docs/faults.md"
MARKERS = "<!-- written by python -m benchmarks faults --write -->", "<!-- until here -->"
SEEDS = 18  # cases of each kind at moderate strength
HEALTHY = 3  # times as many without a fault: one false name in twenty is to be told from one in ten
WEAKER = (0.2, 0.3, 0.4, 0.55, 0.7)  # strengths among which each fault has one that leaves the diagnosis in doubt
DOUBTFUL = 0.5  # as many cases of each weaker strength, or one: in doubt are few of them, and those are wanted
WORKERS = 2  # processes
BINS = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)  # of confidence; each holds its upper end

SILENT = ("none", "undecided")
RIGHT = {
    "nothing": SILENT,
    "market_sharper": ("market_sharpness",),
    "model_drift": ("model_drift",),
    "bias": ("bias",),
    "stale_features": ("data_quality",),
    "leak": ("leakage",),
    "leak_in_model": ("leakage",),
    "estimated_lines": ("line_mix",),
    "missing_dates": ("data_quality",),
    "duplicated_rows": ("data_quality",),
    "line_timing": ("line_mix",),
    "population_shift": ("population_mix",),
    "outage": ("no_data",),
}
NAMES = (*SILENT, *dict.fromkeys(name for kind, right in RIGHT.items() if kind != "nothing" for name in right))
BY_GAP = {
    "line_type": "line_mix",
    "line_timing": "line_mix",
    "dates": "data_quality",
    "grading": "data_quality",
    "players": "population_mix",
}

Settings = tuple[root_cause.Settings, gap.Settings]


class Case(NamedTuple):
    """What is planted."""

    kind: str
    seed: int
    strength: float


class Answer(NamedTuple):
    """What is named, by what, and the root cause with its confidence, missing where it has none."""

    case: Case
    name: str
    by: str
    root: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the name is that of the planted fault."""
        return self.name in RIGHT[self.case.kind]


def main(*words: str) -> None:
    """Print the confusion matrix and the figures as Markdown; with --write, put them into the page as well."""
    asked = _asked(words)
    settings = knobs(root_cause.Settings, *_section("root_cause")), knobs(gap.Settings, *_section("gap"))
    told = page_part(run(partial(answer, settings), cases(asked.seeds), WORKERS, "cases"))
    print(told)
    if asked.write:
        PAGE.write_text(between(PAGE.read_text(), told))


def cases(seeds: int) -> list[Case]:
    """Return the cases, each of a seed of its own: of every kind, more without a fault, and fewer of weaker ones."""
    wanted = [(kind, 1.0) for kind in KINDS for _ in range(seeds * (HEALTHY if kind == "nothing" else 1))]
    weak = [(kind, strength) for kind in KINDS for strength in WEAKER for _ in range(max(round(DOUBTFUL * seeds), 1))]
    wanted += [one for one in weak if one[0] != "nothing"]
    return [Case(kind, seed, strength) for seed, (kind, strength) in enumerate(wanted)]


def answer(settings: Settings, case: Case) -> Answer:
    """Return what the diagnosis names in one case."""
    evidence = plant(case.kind, case.seed, case.strength)
    found = root_cause.check(evidence, settings[0])["details"]
    root, confidence = found.get("cause", "undecided"), found.get("confidence")
    name, by = _named(root, _gap(evidence, settings[1]))
    return Answer(case, name, by, root, np.nan if confidence is None else confidence)


def page_part(answers: list[Answer]) -> str:
    """Return the matrix and the figures as Markdown."""
    moderate = [one for one in answers if one.case.strength == 1]
    planted = [one for one in moderate if one.case.kind != "nothing"]
    healthy = [one for one in moderate if one.case.kind == "nothing"]
    weaker = [(strength, [one for one in answers if one.case.strength == strength]) for strength in WEAKER]
    lines = [
        *_matrix(moderate),
        "",
        f"- Named right at moderate strength: {_share(planted)}.",
        f"- None or undecided where nothing is planted: {_share(healthy)}.",
        *(f"- Named right at {strength:g} of it: {_share(some)}." for strength, some in weaker if some),
        "",
        *_calibration(answers),
    ]
    return "\n".join(lines)


def between(text: str, told: str) -> str:
    """Return a page with a new part between its markers; refuses a page without them."""
    first, last = MARKERS
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise Refusal(f"{PAGE.name} needs the lines {first!r} and {last!r}, once and in this order; put them back.")
    return f"{text[: text.index(first)]}{first}\n{told}\n{text[text.index(last) :]}"


def _gap(evidence: Evidence, settings: gap.Settings) -> dict[str, Any]:
    return gap.gap(gap.from_evidence(evidence, settings.segments), settings, evidence.seed)


def _named(root: str, report: dict[str, Any]) -> tuple[str, str]:
    """Return one name for what both say, and which said it."""
    if report["creation"]["late"]:
        return "leakage", "gap"
    other = _of_gap(report)
    return (other, "gap") if root in SILENT and other else (root, "root cause")


def _of_gap(report: dict[str, Any]) -> str | None:
    if report["dates"]["runs"] or report["rows"]["repeated"]:
        return "data_quality"
    if apart := report["stretches"]:
        clearest = max(apart, key=lambda one: one["errors"])
        return "bias" if clearest["measure"] == "bias" else "leakage" if clearest["off"] < 0 else "model_drift"
    return BY_GAP.get(report["main_cause"]["name"] or "")


def _matrix(answers: list[Answer]) -> list[str]:
    """Return a row for every kind, with how often each name was given; right ones are bold."""
    rows = [f"| planted | {' | '.join(NAMES)} |", f"|---|{'---:|' * len(NAMES)}"]
    for kind in KINDS:
        given = [one.name for one in answers if one.case.kind == kind]
        counts = [(str(given.count(name) or "·"), name in RIGHT[kind]) for name in NAMES]
        rows.append(f"| {kind} | {' | '.join(f'**{count}**' if good else count for count, good in counts)} |")
    return rows


def _share(answers: list[Answer]) -> str:
    right = sum(one.right for one in answers)
    known = wilson(right, len(answers))
    if known["value"] is None or known["low"] is None or known["high"] is None:
        return "no case"
    share, low, high = (100 * known["value"], 100 * known["low"], 100 * known["high"])
    return f"{share:.1f} % ({right} of {len(answers)}; 95 % interval {low:.1f} to {high:.1f})"


def _calibration(answers: list[Answer]) -> list[str]:
    """Return how often a named root cause is right, by its confidence, at all strengths."""
    named = [one for one in answers if np.isfinite(one.confidence) and one.root not in SILENT]
    rows = ["| confidence of a named root cause | cases | mean confidence | right |", "|---|---:|---:|---:|"]
    for low, high in pairwise(BINS):
        within = [one for one in named if low < one.confidence <= high]
        if within:
            mean = np.mean([one.confidence for one in within])
            right = np.mean([one.root in RIGHT[one.case.kind] for one in within])
            rows.append(f"| {low:.1f} to {high:.1f} | {len(within)} | {mean:.2f} | {right:.2f} |")
    return rows


def _section(check: str) -> tuple[str, str, str]:
    return "diagnose", "props", check


def _asked(words: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks faults", description="Planted faults, and their names.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="cases of each kind at moderate strength")
    parser.add_argument("--write", action="store_true", help=f"put the result into docs/{PAGE.name}")
    asked = parser.parse_args(words)
    if asked.seeds < 1:
        parser.error(f"--seeds is {asked.seeds}; it must be 1 or more.")
    return asked
