"""Planted faults by the hundred: which cause does the diagnosis name, and how far can its confidence be trusted?

Every case is a world of the fault laboratory (`trueline/benchmarks/fault_lab/planted_faults.py`) with its own seed. The
root-cause check and the gap report run with the settings of params.yaml, and their results become one name: a
prediction made after its game is a fact and comes first; then the root cause, if one is named; then what the gap report
finds, by CAUSE_BY_GAP.
"""

import argparse
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.diagnose.checks import gap, root_cause
from stages.diagnose.units.evidence import Evidence
from trueline.benchmarks._page_section import replace_section
from trueline.benchmarks.fault_lab.planted_faults import FAULT_KINDS, inject_fault
from trueline.core.compute.parallel import run_in_parallel
from trueline.core.runtime.params import load_settings
from trueline.core.scorer_description import load_description
from trueline.core.stats.confidence_intervals import compute_wilson_interval

FAULTS_PAGE = Path(__file__).parents[2] / "docs/faults.md"
SEEDS_PER_KIND = 18  # cases of each kind at moderate strength
HEALTHY_FACTOR = 3  # times as many without a fault, to distinguish one false name in twenty from one in ten
WEAK_STRENGTHS = (0.2, 0.3, 0.4, 0.55, 0.7)  # each fault has one among them that leaves the diagnosis in doubt
# As many cases of each weaker strength, at least one: few of them leave the diagnosis in doubt, and those are wanted.
WEAK_CASES_FACTOR = 0.5
WORKERS = 2  # processes
CONFIDENCE_BINS = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)  # bin edges of confidence; each bin includes its upper end

MEASURE = load_description("market").gap  # of the simulated evidence, which has lines
SILENT_NAMES = ("none", "undecided")
RIGHT_NAMES = {
    "nothing": SILENT_NAMES,
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
CAUSE_NAMES = (
    *SILENT_NAMES,
    *dict.fromkeys(name for kind, right in RIGHT_NAMES.items() if kind != "nothing" for name in right),
)
CAUSE_BY_GAP = {
    "line_type": "line_mix",
    "line_timing": "line_mix",
    "dates": "data_quality",
    "grading": "data_quality",
    "players": "population_mix",
}

CheckSettings = tuple[root_cause.Settings, gap.Settings]


class Case(NamedTuple):
    """A planted fault: its kind, the seed of its world, and its strength."""

    kind: str
    seed: int
    strength: float


class Answer(NamedTuple):
    """The named cause, what named it, and the root cause with its confidence (NaN if it has none)."""

    case: Case
    name: str
    named_by: str
    root: str
    confidence: float

    @property
    def is_right(self) -> bool:
        """Whether the name is that of the planted fault."""
        return self.name in RIGHT_NAMES[self.case.kind]


def main(*arguments: str) -> None:
    """Print the confusion matrix and the shares as Markdown; with --write, write them into the page too."""
    options = _parse_arguments(arguments)
    settings = (
        load_settings(root_cause.Settings, *_get_section("root_cause")),
        load_settings(gap.Settings, *_get_section("gap")),
    )
    answers = run_in_parallel(partial(diagnose_case, settings), make_cases(options.seeds), WORKERS, "cases")
    markdown = render_results(answers)
    print(markdown)
    if options.write:
        FAULTS_PAGE.write_text(replace_section(FAULTS_PAGE.read_text(), markdown, "faults"))


def make_cases(seeds: int) -> list[Case]:
    """Return the cases, each with its own seed: all kinds, more without a fault, and fewer of each weaker strength."""
    pairs = [(kind, 1.0) for kind in FAULT_KINDS for _ in range(seeds * (HEALTHY_FACTOR if kind == "nothing" else 1))]
    weak_count = max(round(WEAK_CASES_FACTOR * seeds), 1)
    weak = [(kind, strength) for kind in FAULT_KINDS for strength in WEAK_STRENGTHS for _ in range(weak_count)]
    pairs += [pair for pair in weak if pair[0] != "nothing"]
    return [Case(kind, seed, strength) for seed, (kind, strength) in enumerate(pairs)]


def diagnose_case(settings: CheckSettings, case: Case) -> Answer:
    """Return the cause that the diagnosis names in one case."""
    evidence = inject_fault(case.kind, case.seed, case.strength)
    details = root_cause.check(evidence, settings[0])["details"]
    root, confidence = details.get("cause", "undecided"), details.get("confidence")
    name, named_by = _choose_name(root, _run_gap_report(evidence, settings[1]))
    return Answer(case, name, named_by, root, np.nan if confidence is None else confidence)


def render_results(answers: list[Answer]) -> str:
    """Return the matrix and the shares as Markdown."""
    moderate = [answer for answer in answers if answer.case.strength == 1]
    planted = [answer for answer in moderate if answer.case.kind != "nothing"]
    healthy = [answer for answer in moderate if answer.case.kind == "nothing"]
    weaker = [
        (strength, [answer for answer in answers if answer.case.strength == strength]) for strength in WEAK_STRENGTHS
    ]
    lines = [
        *_render_confusion_matrix(moderate),
        "",
        f"- Named right at moderate strength: {_format_share_right(planted)}.",
        f"- None or undecided where nothing is planted: {_format_share_right(healthy)}.",
        *(
            f"- Named right at {strength:g} of it: {_format_share_right(subset)}."
            for strength, subset in weaker
            if subset
        ),
        "",
        *_render_calibration(answers),
    ]
    return "\n".join(lines)


def _run_gap_report(evidence: Evidence, settings: gap.Settings) -> dict[str, Any]:
    assert MEASURE is not None
    rows = gap.join_evidence_rows(evidence, MEASURE, settings.segments)
    return gap.build_gap_report(rows, settings, evidence.seed, MEASURE)


def _choose_name(root: str, report: dict[str, Any]) -> tuple[str, str]:
    """Return one name from the root cause and the gap report, and which of them gave it."""
    if report["creation"]["late"]:
        return "leakage", "gap"
    gap_name = _name_from_gap(report)
    return (gap_name, "gap") if root in SILENT_NAMES and gap_name else (root, "root cause")


def _name_from_gap(report: dict[str, Any]) -> str | None:
    if report["dates"]["runs"] or report["rows"]["repeated"]:
        return "data_quality"
    if stretches := report["stretches"]:
        clearest = max(stretches, key=lambda stretch: stretch["errors"])
        return "bias" if clearest["measure"] == "bias" else "leakage" if clearest["off"] < 0 else "model_drift"
    return CAUSE_BY_GAP.get(report["main_cause"]["name"] or "")


def _render_confusion_matrix(answers: list[Answer]) -> list[str]:
    """Return a row per kind with how often each name was given; right names are bold."""
    rows = [f"| planted | {' | '.join(CAUSE_NAMES)} |", f"|---|{'---:|' * len(CAUSE_NAMES)}"]
    for kind in FAULT_KINDS:
        named = [answer.name for answer in answers if answer.case.kind == kind]
        counts = [(str(named.count(name) or "·"), name in RIGHT_NAMES[kind]) for name in CAUSE_NAMES]
        rows.append(f"| {kind} | {' | '.join(f'**{count}**' if is_right else count for count, is_right in counts)} |")
    return rows


def _format_share_right(answers: list[Answer]) -> str:
    right_count = sum(answer.is_right for answer in answers)
    interval = compute_wilson_interval(right_count, len(answers))
    if interval["value"] is None or interval["low"] is None or interval["high"] is None:
        return "no case"
    share, low, high = (100 * interval["value"], 100 * interval["low"], 100 * interval["high"])
    return f"{share:.1f} % ({right_count} of {len(answers)}; 95 % interval {low:.1f} to {high:.1f})"


def _render_calibration(answers: list[Answer]) -> list[str]:
    """Return how often a named root cause is right, by its confidence, over all strengths."""
    named = [answer for answer in answers if np.isfinite(answer.confidence) and answer.root not in SILENT_NAMES]
    rows = ["| confidence of a named root cause | cases | mean confidence | right |", "|---|---:|---:|---:|"]
    for low, high in pairwise(CONFIDENCE_BINS):
        within = [answer for answer in named if low < answer.confidence <= high]
        if within:
            mean = np.mean([answer.confidence for answer in within])
            right = np.mean([answer.root in RIGHT_NAMES[answer.case.kind] for answer in within])
            rows.append(f"| {low:.1f} to {high:.1f} | {len(within)} | {mean:.2f} | {right:.2f} |")
    return rows


def _get_section(check: str) -> tuple[str, str, str]:
    return "diagnose", "props", check


def _parse_arguments(arguments: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline benchmarks faults", description="Plant faults, and count what the diagnosis names."
    )
    parser.add_argument("--seeds", type=int, default=SEEDS_PER_KIND, help="cases of each kind at moderate strength")
    parser.add_argument("--write", action="store_true", help=f"write the result into docs/{FAULTS_PAGE.name}")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds is {options.seeds}; it must be 1 or more.")
    return options
