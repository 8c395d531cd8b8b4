"""The registry as an object: `Registry().list(status="completed", limit=10)`, `.best(metric="hit_rate")`, and so on.

Every question first brings the ledger up to date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from core.refusals import Refusal, suggest
from experiments import compare, differences, ledger, locks, parsed, records, repository
from experiments.config import Type
from experiments.experiment import Experiment, Status
from experiments.parsed import PARAMS
from experiments.ranking import Asked, Ranking, Void, left, periods, rank
from experiments.runs import Run, made, run

STATES: tuple[Status, ...] = ("pending", "running", "completed", "failed", "promoted", "archived")


@dataclass(frozen=True)
class Best:
    """The best experiment of a ranking, how it stands to the next, and what is left of its score without luck."""

    ranking: Ranking
    value: float
    interval: tuple[float, float] | None
    n: int | None
    looks: ledger.Looks
    deflated: float | None
    runner_up: Experiment | None  # the next with predictions of its own
    paired: dict[str, Any] | None  # the difference to it, on the same rows
    tie: bool | None  # None where it could not be told
    why: str  # a sentence

    @property
    def experiment(self) -> Experiment:
        """The first of the ranking."""
        return self.ranking.ranked[0]


class Registry:
    """All experiments as they stand when the object is made; their looks go into the ledger unless it is a peek."""

    def __init__(self, peek: bool = False) -> None:
        self.experiments = records.all_experiments()
        finished = [each for each in self.experiments if each.finished]
        self.lines = ledger.seen(ledger.lines(), finished) if peek else ledger.sync(finished)
        self.void: Void = ledger.invalidations(finished, self.lines)

    def list(
        self,
        status: str | None = None,
        task: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Experiment]:
        """Return experiments, newest first; a status is one of pending running completed failed promoted archived.

        Refuses a status, a task or a type that nothing has, and a limit below 1.
        """
        if status is not None and status not in STATES:
            raise Refusal(f"no experiment is ever {status!r}; {suggest(status, STATES)}")
        if limit is not None and limit < 1:
            raise Refusal(f"the limit is {limit}; give 1 or more, or none for all.")
        self._known(task, kind)
        found = [
            each
            for each in self.experiments
            if status in (None, each.status)
            and (task is None or task in each.tasks)
            and Asked(kind=kind, tag=tag).fits(each)
        ]
        return found[:limit]

    def periods(self) -> Sequence[dict[str, Any]]:
        """Return each test period: how often it was looked at, its best score, and that score deflated."""
        return periods(self.lines, self.void)

    def show(self, name: str) -> dict[str, Any]:
        """Return all that is known of an experiment, or of a git revision."""
        each = records.find(name, self.experiments)
        held = locks.of([each.rev])[each.rev]
        # a baseline that was rebased away may be gone
        base = records.committed(each.baseline).params if repository.commit(each.baseline) else each.params
        void = ledger.invalidations([each], self.lines).get(each.rev, {})
        looks = {task: ledger.counted(task, each.rows(task), self.lines) for task in each.scored}
        return {
            "experiment": each,
            "changed": {path: list(pair) for path, pair in differences.differing(base, each.params).items()},
            "invalidated": void,
            "looks": {task: {"all": count.all, "different": count.different} for task, count in looks.items()},
            "outputs": {path: md5 for path, md5 in locks.outs(held).items() if set(path.split("/")) & set(each.tasks)},
        }

    def rank(self, asked: Asked) -> Ranking:
        """Return the comparable experiments, best first, and the others by why they are not."""
        return rank(self.experiments, asked, self.void)

    def best(
        self,
        metric: str | None = None,
        task: str | None = None,
        min_n: int = 0,
        since: datetime | None = None,
        kind: str | None = None,
        tag: str | None = None,
    ) -> Best:
        """Return the best experiment by a metric, or by the headline of its task, and whether it is more than a tie.

        Only results that can be ranked take part: those on the same test rows, completed and not invalidated.
        """
        return self.head(self.rank(Asked(metric, task, min_n, since, kind, tag)))

    def head(self, ranking: Ranking) -> Best:
        """Return the first of a ranking beside the next that is not the same; refuses an empty one."""
        if not ranking.ranked:
            raise Refusal(f"no experiment of {ranking.task} can be ranked: {_absence(ranking)}.")
        top, metric, task = ranking.ranked[0], ranking.metric, ranking.task
        looks = ledger.counted(task, ranking.rows, self.lines)
        figures = top.figures(task)
        ends = (figures.get(f"{metric.name}_low"), figures.get(f"{metric.name}_high"))
        return Best(
            ranking,
            figures[metric.name],
            ends if None not in ends else None,  # type: ignore[arg-type]  # None was looked for
            figures.get(metric.count),
            looks,
            left(metric, figures, looks.different),
            *self._beside(ranking),
        )

    def compare(self, one: str, other: str, task: str | None = None, common: bool = False) -> dict[str, dict[str, Any]]:
        """Return by task how two runs differ; of the tasks that both are about where none is named.

        Refuses a task that one of them is not about: its figures there are those of the commit it started from.
        """
        pair = run(one, self.experiments), run(other, self.experiments)
        for each in pair:
            if task is not None and task not in each.tasks:
                raise Refusal(f"{each.name} is not about {task!r}; {suggest(task, each.tasks)}")
        shared = [task] if task else [each for each in pair[0].tasks if each in pair[1].tasks]
        if not shared:
            raise Refusal(f"{one} and {other} are not about a common task; name one with --task.")
        return {each: self._compared(each, pair, common) for each in shared}

    def invalidate(self, data_hash: str, why: str) -> Sequence[Experiment]:
        """Record that data were wrong and return the experiments that descend from them."""
        return ledger.invalidate(data_hash, why)

    def promote(self, name: str, stage: str = "prod", force: str | None = None) -> Any:
        """Promote an experiment if the gates let it pass; `force` is why they are overridden."""
        from experiments import promotion  # GTO takes a second to import

        return promotion.promote(records.find(name, self.experiments), stage=stage, force=force)

    def baseline(self, task: str) -> Experiment | None:
        """Return the last commit of the current branch as if it were an experiment, where it has scores."""
        found = records.committed("HEAD") if repository.commit("HEAD") else None
        return found if found and found.scores.get(task) else None

    def _known(self, task: str | None, kind: str | None) -> None:
        """Refuse a task that neither the plan nor an experiment has, and a type likewise."""
        tasks = {*planned(), *(each for one in self.experiments for each in one.tasks)}
        if task is not None and task not in tasks:
            raise Refusal(f"no task is called {task!r}; {suggest(task, tasks)}")
        kinds = {*get_args(Type), *(each.type for each in self.experiments if each.type)}
        if kind is not None and kind not in kinds:
            raise Refusal(f"no type is called {kind!r}; {suggest(kind, kinds)}")

    def _compared(self, task: str, pair: tuple[Run, Run], common: bool) -> dict[str, Any]:
        found = compare.origins(task, *pair) | compare.verdict(task, *pair, common)
        void = ledger.invalidations((each.experiment for each in pair if each.experiment), self.lines)
        why = {each.name: void.get(each.experiment.rev, {}).get(task) for each in pair if each.experiment}
        wrong = {name: reason for name, reason in why.items() if reason}
        said = [f"INVALIDATED: {name} was made from wrong data ({reason})." for name, reason in wrong.items()]
        return found | {"invalidated": wrong, "sentences": [*said, *found["sentences"]]}

    def _beside(self, ranking: Ranking) -> tuple[Experiment | None, dict[str, Any] | None, bool | None, str]:
        """Return the next experiment with predictions of its own, the paired difference, and what it says."""
        top, task = ranking.ranked[0], ranking.task
        told = {line["rev"]: line["predictions"] for line in ledger.of_rows(task, ranking.rows, self.lines)}
        own = told.get(top.rev)
        others = (each for each in ranking.ranked[1:] if own is None or told.get(each.rev) != own)
        rival = next(others, None)
        if rival is None:
            return None, None, None, "nothing to compare it with: no other predictions were judged on these rows"
        return rival, *self._paired(ranking, rival)

    def _paired(self, ranking: Ranking, rival: Experiment) -> tuple[dict[str, Any] | None, bool | None, str]:
        top, name = ranking.ranked[0], ranking.metric.name
        try:
            said = compare.verdict(ranking.task, made(top), made(rival), fetch=False)
        except Refusal as refusal:
            return None, None, f"whether it is more than luck cannot be told: {refusal}"
        found = next((each for each in said["metrics"] if each["metric"] == name), None)
        if found is None:
            return (
                None,
                None,
                f"no paired test tells {name} apart; see `compare {top.name} {rival.name}`",
            )
        return found, found["verdict"] == "undecided", _sentence(top, rival, found)


def planned() -> list[str]:
    """Return the tasks of params.yaml."""
    return list(map(str, (parsed.workspace(PARAMS) or {}).get("tasks") or ()))


def _sentence(top: Experiment, rival: Experiment, found: dict[str, Any]) -> str:
    within = "" if found["low"] is None else f" ({found['low']:+.4f} to {found['high']:+.4f})"
    said = f"{found['of']} of {top.name} less that of {rival.name}: {found['difference']:+.4f}{within}, paired"
    if found["verdict"] == "undecided":
        return f"a tie within noise with {rival.name}: {said}"
    return f"{found['verdict']} than {rival.name} beyond noise: {said}"


def _absence(ranking: Ranking) -> str:
    reasons = {
        "invalidated": list(ranking.void),
        "of too few": [each.name for each in ranking.few],
        "without a record of the rows they were judged on": [each.name for each in ranking.elsewhere],
    }
    return "; ".join(f"{len(names)} {why} ({', '.join(names[:3])})" for why, names in reasons.items() if names)
