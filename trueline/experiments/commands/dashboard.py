"""dashboard: all experiments that can be ranked on one HTML page, which opens offline and can be sent to anyone."""

import argparse
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.store.metric_definitions import get_metric

HELP = "draw all experiments that can be ranked on one HTML page"
PAGE_FILE = "dashboard.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="only one task of params.yaml")
    parser.add_argument("--metric", help="the metric to rank by; the task's headline metric by default")
    parser.add_argument("--where", metavar="CONDITION", help="only experiments that meet it: 'depth > 4 and r2 > 0.19'")
    parser.add_argument("--out", default=PAGE_FILE, help=f"the file to write; {PAGE_FILE} by default")


def main(options: argparse.Namespace) -> Any:
    from trueline.experiments.pages.collect_runs import collect_ranked_runs  # not needed by --help
    from trueline.experiments.pages.runs_page import render_runs_page

    if options.metric:
        get_metric(options.metric)
    registry = Registry()
    tasks = dict.fromkeys(task for experiment in registry.experiments for task in experiment.scores)
    page_tasks = []
    for task in [options.task] if options.task else sorted(tasks):
        try:
            page_tasks.append(collect_ranked_runs(registry, RankingQuery(options.metric, task, where=options.where)))
        except UserError:
            if options.task:
                raise
    if not page_tasks:
        raise UserError(
            "no finished experiment can be ranked; `python -m trueline experiments list` shows what there is."
        )
    counts = ", ".join(f"{len(page_task.runs)} of {page_task.task}" for page_task in page_tasks)
    page = render_runs_page("Experiments", f"Runs on the same test rows: {counts}.", page_tasks)
    Path(options.out).write_text(page, encoding="utf-8")
    return {"page": options.out} if options.json else [f"{options.out}: {counts}"]
