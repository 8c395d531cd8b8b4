"""show: all that is known of one experiment."""

import argparse
from typing import Any

from experiments import layout, plain
from experiments.experiment import Experiment
from experiments.registry import Registry

HELP = "all that is known of one experiment"
SHOWN = 20  # parameters that differ


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, the start of its commit, or a git revision")


def main(asked: argparse.Namespace) -> Any:
    registry = Registry()
    found = registry.show(asked.name)
    each: Experiment = found["experiment"]
    if asked.json:
        rest = {key: value for key, value in found.items() if key != "experiment"}
        return plain.experiment(each, registry.void) | rest | {"params": each.params}
    return [layout.cut(line) for line in (*_facts(each), *_results(each, found), *_changed(found["changed"]))]


def _facts(each: Experiment) -> list[str]:
    facts = {
        "status": each.status,
        "commit": each.rev,
        "made from": each.baseline,
        "created": each.created.isoformat(sep=" "),
        "about": " ".join(each.tasks),
        "type": each.type,
        "hypothesis": each.hypothesis,
        "tags": " ".join(each.tags),
        "goes on from": each.parent,
        "error": each.error,
    }
    return [each.name, *(f"  {word + ':':<14}{value}" for word, value in facts.items() if value)]


def _results(each: Experiment, found: dict[str, Any]) -> list[str]:
    lines = []
    for task, scores in each.scores.items():
        lines.append(f"{task}: {plain.rows(each.scored[task])}" if each.scored.get(task) else f"{task}:")
        names = [name for name in scores if not name.endswith(("_low", "_high"))]
        lines += [f"  {name + ':':<20}{plain.value(each.figures(task), name)}" for name in names]
        if looks := found["looks"].get(task):
            lines.append(f"  these rows were looked at {looks['all']}×, {looks['different']} different")
        if why := found["invalidated"].get(task):
            lines.append(f"  INVALIDATED: {why}")
    return lines


def _changed(changed: dict[str, list[Any]]) -> list[str]:
    own = {path: pair for path, pair in changed.items() if not path.startswith("experiment.")}
    lines = [f"  {path}: {before} → {after}" for path, (before, after) in own.items()]
    more = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ["parameters that differ from where it started:", *lines[:SHOWN], *more] if lines else []
