"""compare: two runs of a task, ranked only where both were judged on the same rows with the same outcomes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.refusals import Refusal
from experiments import locks, metrics, parsed
from experiments.differences import differing
from experiments.metrics import METRICS
from experiments.runs import Run, predictions, prepared

if TYPE_CHECKING:
    import pandas as pd

FIRST = 3  # rows that a refusal names
SILENT = ("experiment", "diagnose", "workers")  # sections that no score depends on
MADE = ("models/", "data/scores/", "data/predictions/")  # what a run makes: of course it differs
CODE = ("stages/evaluate/*.py", "core/*.py")  # what a remembered verdict depends on besides data and knobs

Found = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Which rows two runs share, and where their tests are not the same."""

    common: frozenset[str]  # of groups (days, races, clusters) whose every row is in both, with equal outcomes
    alone: tuple[tuple[str, ...], tuple[str, ...]]
    outcomes: tuple[str, ...]  # in both, with outcomes that differ

    @property
    def same(self) -> bool:
        """Whether both runs were judged on the same rows with the same outcomes."""
        return not any((*self.alone, self.outcomes))


def verdict(task: str, one: Run, other: Run, common: bool = False, fetch: bool = True) -> Found:
    """Return what the task's scorer says of two runs; remembered while data, knobs and code are the same.

    `metrics` hold for each metric the values, the difference (one less other) with its interval by drawn blocks, and
    whether the one is better, worse or undecided. Lines and other facts are those that the first run prepared. Runs
    judged on different rows or outcomes are refused, and the rows named; with `common` the groups (days, races,
    clusters) that both have whole, with equal outcomes, are compared, and it is said. Predictions that are not at hand
    are fetched from a remote, or refused without `fetch`.
    """
    name = _name(task, one, other, common)
    held = parsed.recall(name) if name else None
    if held is not None:
        return dict(held)
    found = _verdict(task, one, other, common, fetch)
    return dict(parsed.remember(name, found)) if name else found


def origins(task: str, one: Run, other: Run) -> Found:
    """Return the parameters, data and code that differ between what two runs' scores were made from."""
    mine, theirs = (locks.deps(run.lock, task) for run in (one, other))
    read = (path for path in mine | theirs if not path.startswith(MADE))
    files = sorted(path for path in read if mine.get(path) != theirs.get(path))
    changed = differing(one.params, other.params)
    planned = {*one.tasks, *other.tasks, *(one.params.get("tasks") or {})}
    own = {path: pair for path, pair in changed.items() if not set(path.split(".")[1:2]) & (planned - {task})}
    return {
        "params": {path: list(values) for path, values in own.items() if path.partition(".")[0] not in SILENT},
        "data": {path: [mine.get(path), theirs.get(path)] for path in files if not path.endswith(".py")},
        "code": [path for path in files if path.endswith(".py")],
    }


def rows(one: "pd.DataFrame", other: "pd.DataFrame") -> Rows:
    """Return which scored rows two tables of predictions share; outcomes are the columns target and target:…"""
    mine, theirs = _outcomes(one), _outcomes(other)
    both = mine.index.intersection(theirs.index)
    columns = sorted({*mine.columns, *theirs.columns})
    first, second = (each.reindex(index=both, columns=columns) for each in (mine, theirs))
    unequal = ~((first == second) | (first.isna() & second.isna())).all(axis=1)
    alone = (tuple(sorted(mine.index.difference(both))), tuple(sorted(theirs.index.difference(both))))
    odd = {*alone[0], *alone[1], *both[unequal]}
    cut = {group for table in (one, other) for group in table["group"][table["row_id"].isin(odd)]}
    whole = (set(table["row_id"][~table["group"].isin(cut)]) for table in (one, other))
    return Rows(frozenset(set.intersection(*whole)), alone, tuple(sorted(both[unequal])))


def _verdict(task: str, one: Run, other: Run, common: bool, fetch: bool) -> Found:
    from core.params import knobs, plan, seed
    from core.shelf import tool

    tables = [predictions(task, run, fetch) for run in (one, other)]
    names = (one.name, other.name)
    shared = rows(*tables)
    if not shared.common:
        raise Refusal(f"{one.name} and {other.name} scored no row in common; compare runs of the same test period.")
    if not shared.same and not common:
        raise Refusal(_refusal(names, shared))
    pair = [_kept(table, shared) for table in tables]
    scorer = tool("evaluate", plan(task).scorer, "compare")
    settings = knobs(scorer.Settings, "evaluate", task)
    said = scorer.compare(*pair, prepared(task, one, fetch), names, settings, seed())
    counts = {"rows": len(shared.common), "alone": [len(each) for each in shared.alone]}
    found = {
        **counts,
        "outcomes_that_differ": len(shared.outcomes),
        **said,
        "metrics": _metrics(task, (one, other), said),
    }
    if not shared.same:
        found["sentences"] = [_warning(names, shared), *found["sentences"]]
    return found


def _metrics(task: str, pair: Sequence[Run], said: Found) -> list[Found]:
    """Return each metric of which the scorer gives a paired difference."""
    found = []
    for metric in METRICS.values():
        interval = metrics.at(said, metric.paired) if metric.paired else None
        if isinstance(interval, dict) and interval.get("value") is not None:
            ends = [None if interval[end] is None else interval[end] / metric.scale for end in ("value", "low", "high")]
            values = [run.figures(task).get(metric.name) for run in pair]
            found.append(
                {
                    "metric": metric.name,
                    "of": metric.judged_by or metric.name,
                    "values": values,
                    **dict(zip(("difference", "low", "high"), ends, strict=True)),
                    "verdict": metric.verdict(*ends[1:]),
                }
            )
    return found


def _outcomes(table: "pd.DataFrame") -> "pd.DataFrame":
    from core.folds import targets

    return table[["row_id", *targets(table)]].drop_duplicates("row_id").set_index("row_id")


def _kept(table: "pd.DataFrame", shared: Rows) -> "pd.DataFrame":
    kept = table[table["row_id"].isin(shared.common)]
    return kept.sort_values("row_id", kind="stable", ignore_index=True)


def _refusal(names: tuple[str, str], shared: Rows) -> str:
    return (
        f"{names[0]} and {names[1]} were not judged on the same rows ({_unlike(names, shared)}); nothing is ranked: "
        f"--common compares the {len(shared.common):,} rows of groups that both have whole, with equal outcomes."
    )


def _warning(names: tuple[str, str], shared: Rows) -> str:
    return (
        f"Only the {len(shared.common):,} rows of groups that both have whole, with equal outcomes, are compared "
        f"({_unlike(names, shared)}): it says nothing of the scores of either on its own rows."
    )


def _unlike(names: tuple[str, str], shared: Rows) -> str:
    parts = [(rows, f"only in {name}") for name, rows in zip(names, shared.alone, strict=True)]
    parts.append((shared.outcomes, "with outcomes that differ"))
    return "; ".join(f"{len(rows):,} {where}: {_first(rows)}" for rows, where in parts if rows)


def _first(rows: Sequence[str]) -> str:
    return ", ".join(rows[:FIRST]) + (", …" if len(rows) > FIRST else "")


def _name(task: str, one: Run, other: Run, common: bool) -> str | None:
    """Return under which name a verdict is remembered: what it depends on; None where a hash is not known."""
    files = (f"data/predictions/{task}.parquet", f"data/prepared/{task}.parquet")
    hashes = [one.hash(files[0]), other.hash(files[0]), one.hash(files[1])]
    if not all(hashes):
        return None
    values = [run.figures(task) for run in (one, other)]
    knobs = Path("params.yaml").read_text() if Path("params.yaml").exists() else ""
    key = json.dumps([task, one.name, other.name, *hashes, common, values, knobs, _code()], sort_keys=True)
    return f"verdicts/{hashlib.md5(key.encode()).hexdigest()}.json"


def _code() -> str:
    files = sorted(file for form in CODE for file in Path().glob(form))
    return hashlib.md5(b"".join(file.read_bytes() for file in files)).hexdigest()
