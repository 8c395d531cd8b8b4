"""Ranking: the experiments of a task whose scores can be compared, best first, and why the others are left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.refusals import Refusal
from experiments import deflation, ledger, metrics
from experiments.experiment import Experiment
from experiments.metrics import METRICS, Metric

Void = Mapping[str, Mapping[str, str]]  # by commit and task, why a result does not count


@dataclass(frozen=True)
class Asked:
    """What a ranking is of: a metric of a task, and which experiments take part."""

    metric: str | None = None
    task: str | None = None
    min_n: int = 0
    since: datetime | None = None  # UTC where it names no zone
    kind: str | None = None  # what params call experiment.type
    tag: str | None = None

    def fits(self, each: Experiment) -> bool:
        """Return whether an experiment takes part, its results aside."""
        young = self.since is None or each.created >= (
            self.since if self.since.tzinfo else self.since.replace(tzinfo=UTC)
        )
        return young and self.kind in (None, each.type) and (self.tag is None or self.tag in each.tags)


@dataclass(frozen=True)
class Ranking:
    """Experiments of one task on the same test rows, best first; the rest by why they are not among them."""

    task: str
    metric: Metric
    rows: str | None
    ranked: list[Experiment]
    elsewhere: list[Experiment] = field(default_factory=list)  # judged on other rows
    few: list[Experiment] = field(default_factory=list)
    void: dict[str, str] = field(default_factory=dict)

    @property
    def scored(self) -> dict[str, Any]:
        """The rows that all of them were judged on: how many, from which day to which."""
        return self.ranked[0].scored.get(self.task, {}) if self.ranked else {}


def rank(experiments: Sequence[Experiment], asked: Asked, void: Void) -> Ranking:
    """Return the ranking that is asked for, within the test rows that most experiments were judged on.

    Of equally common test rows the newest experiment's count. Invalidated results and those of fewer than `min_n` are
    left out. Refuses where no experiment has the metric, or several tasks do and none is named.
    """
    fitting = [each for each in experiments if each.finished and asked.fits(each)]
    task, metric = _subject(fitting, asked)
    able = [each for each in fitting if _value(each, task, metric) is not None]
    why = {each.name: void[each.rev][task] for each in able if task in void.get(each.rev, {})}
    sound = [each for each in able if task not in void.get(each.rev, {})]
    many = [each for each in sound if (each.scores[task].get(metric.count) or 0) >= asked.min_n]
    rows = _common(many, task)
    ranked = sorted(
        (each for each in many if each.rows(task) == rows and rows),
        key=lambda each: (-_value(each, task, metric) if metric.more else _value(each, task, metric), each.name),
    )
    elsewhere = [each for each in many if each not in ranked]
    return Ranking(task, metric, rows, ranked, elsewhere, [each for each in sound if each not in many], why)


def periods(lines: Sequence[ledger.Line], void: Void) -> list[dict[str, Any]]:
    """Return the test periods that were looked at: how often, the best score, and what of it is left without luck.

    Looks at invalidated data count as looks, and none of them is the best.
    """
    keys = dict.fromkeys((line["task"], line["rows"]) for line in lines if line["kind"] == "look" and line["rows"])
    return [found for task, rows in keys if (found := _period(task, rows, lines, void))]


def _period(task: str, rows: str, lines: Sequence[ledger.Line], void: Void) -> dict[str, Any] | None:
    own = ledger.of_rows(task, rows, lines)
    sound = [line for line in own if task not in void.get(line["rev"], {})]
    metric = next((found for line in sound if (found := metrics.headline(line["metrics"]))), None)
    if metric is None:
        return None
    told = [line for line in sound if metrics.finite(line["metrics"].get(metric.name)) is not None]
    pick = max if metric.more else min
    best = pick(told, key=lambda line: line["metrics"][metric.name])
    looks, named = ledger.counted(task, rows, lines), next(line for line in own if line["rows"] == rows)
    return {
        "task": task,
        **{key: named[key] for key in ("rows", "scored", "from", "to")},
        "looks": looks.all,
        "different": looks.different,
        "metric": metric.name,
        "best": best["metrics"][metric.name],
        "experiment": best["experiment"] or best["rev"][:7],
        "deflated": left(metric, best["metrics"], looks.different),
    }


def left(metric: Metric, figures: Mapping[str, Any], looks: int) -> float | None:
    """Return a best score with the luck of so many looks taken off; None where the score has no interval."""
    ends = metrics.ends(figures, metric.name)
    if ends is None or not looks:
        return None
    return round(deflation.deflated(metric, figures[metric.name], *ends, looks), 4)


def _subject(fitting: Sequence[Experiment], asked: Asked) -> tuple[str, Metric]:
    """Return the task and the metric that are meant."""
    named = metrics.metric(asked.metric) if asked.metric else None
    tasks = dict.fromkeys(task for each in fitting for task in each.scores if asked.task in (None, task))
    able = {task: [each for each in METRICS.values() if _any(fitting, task, each)] for task in tasks}
    able = {task: held for task, held in able.items() if named in held or (named is None and held)}
    if not able:
        what, where = asked.metric or "score", f" of {asked.task}" if asked.task else ""
        raise Refusal(f"no finished experiment that fits has a {what}{where}; `python -m experiments list` shows all.")
    if len(able) > 1:
        raise Refusal(f"several tasks have experiments to rank ({', '.join(sorted(able))}); name one with --task.")
    task, held = next(iter(able.items()))
    return task, named or held[0]


def _common(experiments: Sequence[Experiment], task: str) -> str | None:
    """Return the test rows that most were judged on; experiments come newest first, so that ties go to the newest."""
    counts = Counter(rows for each in experiments if (rows := each.rows(task)))
    return max(counts, key=lambda rows: counts[rows]) if counts else None


def _any(experiments: Sequence[Experiment], task: str, metric: Metric) -> bool:
    return any(_value(each, task, metric) is not None for each in experiments)


def _value(each: Experiment, task: str, metric: Metric) -> Any:
    return metrics.finite(each.scores.get(task, {}).get(metric.name))
