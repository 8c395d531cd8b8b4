"""show: print all that is known of one experiment."""

import argparse
from typing import Any

from trueline.experiments.cli.table_layout import drop_empty_columns, format_table, truncate_text
from trueline.experiments.cli.to_json import describe_experiment, format_rows, format_value
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.store import git
from trueline.experiments.store.experiment import Experiment

HELP = "show all that is known of one experiment"
MAX_PARAMETERS_SHOWN = 20  # of those that differ


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, the start of its commit, or a git revision")


def main(options: argparse.Namespace) -> Any:
    registry = Registry()
    details = registry.show_experiment(options.name)
    experiment: Experiment = details["experiment"]
    if options.json:
        other_details = {key: value for key, value in details.items() if key != "experiment"}
        return describe_experiment(experiment, registry.invalidations) | other_details | {"params": experiment.params}
    return [
        truncate_text(line)
        for line in (
            *_format_facts(experiment),
            *_format_results(experiment, details),
            *_format_costs(details["costs"], details["parent"]),
            *_format_changes(details["changed"]),
        )
    ]


def _format_facts(experiment: Experiment) -> list[str]:
    facts = {
        "status": experiment.status,
        "commit": experiment.rev,
        "made from": experiment.baseline,
        "created": experiment.created.isoformat(sep=" "),
        "by": git.read_committer(experiment.rev),
        "about": " ".join(experiment.tasks),
        "type": experiment.type,
        "hypothesis": experiment.hypothesis,
        "conclusion": experiment.conclusion,
        "tags": " ".join(experiment.tags),
        "goes on from": experiment.parent,
        "error": experiment.error,
    }
    return [experiment.name, *(f"  {label + ':':<14}{value}" for label, value in facts.items() if value)]


def _format_results(experiment: Experiment, details: dict[str, Any]) -> list[str]:
    lines = []
    for task, scores in experiment.scores.items():
        lines.append(f"{task}: {format_rows(experiment.scored[task])}" if experiment.scored.get(task) else f"{task}:")
        figures = experiment.get_figures(task)
        names = [name for name in scores if name in figures and not name.endswith(("_low", "_high"))]
        lines += [f"  {name + ':':<20}{format_value(figures, name)}" for name in names]
        answer, reasons = experiment.get_believability(task)
        lines += [f"  {'believable:':<20}{answer}", *(f"    {reason}" for reason in reasons)]
        if counts := details["looks"].get(task):
            lines.append(f"  these rows were evaluated {counts['all']}×, {counts['different']} different")
        if why := details["invalidated"].get(task):
            lines.append(f"  INVALIDATED: {why}")
    return lines


def _format_costs(costs: dict[str, Any], parent: str | None) -> list[str]:
    """Return what the stages took that ran for it, beside what they took its parent."""
    heads = ("stage", "s", "CPU s", "machine", f"s of {parent}", f"CPU s of {parent}")
    rows = [
        (
            f"{stage}@{task}",
            pair["own"]["seconds"],
            pair["own"]["cpu_seconds"],
            pair["own"]["machine"],
            *(_get_parent_cost(pair["parent"], key) for key in ("seconds", "cpu_seconds")),
        )
        for task, stages in costs.items()
        for stage, pair in stages.items()
    ]
    return ["what its stages took:", *format_table(*drop_empty_columns(heads, rows))] if rows else []


def _get_parent_cost(cost: dict[str, Any] | None, key: str) -> Any:
    return cost[key] if cost else None


def _format_changes(changed: dict[str, list[Any]]) -> list[str]:
    changed_params = {path: pair for path, pair in changed.items() if not path.startswith("experiment.")}
    lines = [f"  {path}: {before} → {after}" for path, (before, after) in changed_params.items()]
    more = [f"  and {len(lines) - MAX_PARAMETERS_SHOWN} more"] if len(lines) > MAX_PARAMETERS_SHOWN else []
    return ["parameters that differ from its baseline:", *lines[:MAX_PARAMETERS_SHOWN], *more] if lines else []
