"""compare: the origins of two runs, and whether their difference on the same test rows is more than noise.

With --html: any number of runs on one page, which opens offline.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.cli.table_layout import format_number, truncate_text, wrap_text
from trueline.experiments.experiment_registry import Registry, list_planned_tasks

HELP = "compare two runs on the same rows, paired; with --html several, on a page"
PAGE_FILE = "compare.html"
WORKSPACE = "workspace"
MAX_DIFFERENCES_SHOWN = 10  # of each kind: parameters, data and code


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", help=f"[TASK] ONE OTHER: experiments, git revisions, or {WORKSPACE}")
    parser.add_argument("--html", action="store_true", help="draw two or more runs on a page; the first is compared")
    parser.add_argument("--out", default=PAGE_FILE, help=f"the file of the page; {PAGE_FILE} by default")
    parser.add_argument("--task", help="the task to compare; by default all that both are about")
    parser.add_argument("--common", action="store_true", help="compare the rows that both have, if others differ")


def main(options: argparse.Namespace) -> Any:
    if options.html:
        page = _write_page(options.runs, options.task, options.common, Path(options.out))
        return {"page": page} if options.json else [page]
    if len(options.runs) not in (2, 3):
        raise UserError(f"compare takes [TASK] ONE OTHER, and got {len(options.runs)} arguments; name two runs.")
    *task_names, run_name, other_name = options.runs
    task = task_names[0] if task_names else options.task
    comparisons = Registry().compare(run_name, other_name, task, options.common)
    if options.json:
        return comparisons[task] if task_names else comparisons
    lines = [
        line
        for compared_task, comparison in comparisons.items()
        for line in (*_format_comparison(comparison, None if task else compared_task), "")
    ]
    return lines[:-1]


def _write_page(arguments: Sequence[str], task: str | None, common: bool, file: Path) -> str:
    """Write the page of the runs that are named after a task, if one is, and return its path."""
    from trueline.experiments.pages.collect_runs import collect_named_runs  # only the page needs it
    from trueline.experiments.pages.runs_page import render_runs_page

    has_task = arguments[0] in list_planned_tasks()
    names = list(dict.fromkeys(arguments[has_task:]))
    if len(names) < 2:
        raise UserError(f"compare --html takes [TASK] and two or more runs, and got {len(names)}; name another run.")
    page_tasks = collect_named_runs(Registry(), names, arguments[0] if has_task else task, common)
    title = f"{names[0]} and {', '.join(names[1:])}"
    file.write_text(render_runs_page("Runs compared", title, page_tasks), encoding="utf-8")
    return str(file)


def _format_comparison(comparison: dict[str, Any], task: str | None) -> list[str]:
    verdicts = [_format_verdict(metric_difference) for metric_difference in comparison["metrics"]]
    sources = {
        "parameters": [
            f"{path}: {value} → {other_value}" for path, (value, other_value) in comparison["params"].items()
        ],
        "data": [
            f"{path}: {_truncate_hash(value)} → {_truncate_hash(other_value)}"
            for path, (value, other_value) in comparison["data"].items()
        ],
        "code": comparison["code"],
    }
    unchanged_sources = [source for source, differing in sources.items() if not differing]
    lines = [f"{task}, {comparison['rows']:,} rows:"] if task else []
    lines += [line for sentence in (*comparison["sentences"], *verdicts) for line in wrap_text(sentence)]
    lines.append(f"believable: {', '.join(f'{name} {answer}' for name, answer in comparison['believable'].items())}")
    for source, differing in sources.items():
        lines += _format_differences(source, differing)
    return lines + ([f"no difference in {' or '.join(unchanged_sources)}"] if unchanged_sources else [])


def _format_verdict(metric_difference: dict[str, Any]) -> str:
    low, high = metric_difference["low"], metric_difference["high"]
    within = "" if low is None else f" ({low:+.4f} to {high:+.4f})"
    values = " against ".join(format_number(value) for value in metric_difference["values"])
    difference = f"difference {metric_difference['difference']:+.4f}{within}"
    return f"{metric_difference['of']}: {metric_difference['verdict']}, {values}, {difference}"


def _format_differences(source: str, differing: list[str]) -> list[str]:
    if not differing:
        return []
    more = [f"  and {len(differing) - MAX_DIFFERENCES_SHOWN} more"] if len(differing) > MAX_DIFFERENCES_SHOWN else []
    return [f"differing {source}:", *(truncate_text(f"  {line}") for line in differing[:MAX_DIFFERENCES_SHOWN]), *more]


def _truncate_hash(md5: str | None) -> str:
    return md5[:7] if md5 else "none"
