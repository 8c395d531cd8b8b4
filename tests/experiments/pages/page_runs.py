"""Made-up runs for the pages: parameters of every kind, scores with intervals, curves, and names that mean harm."""

import random
from typing import Any

from trueline.experiments.pages.task_runs import PageRun, PairedResult, TaskRuns
from trueline.experiments.store.metric_definitions import get_metric

HOSTILE = "<script>alert('x')</script>&\"'"  # an experiment may state any hypothesis
LEARNERS = ("catboost_trees", "xgboost_trees", "a_learner_with_a_very_long_name")


def make_runs(count: int, task: str = "racing") -> TaskRuns:
    """Return a task with so many runs, of which the first is compared with up to four others."""
    runs = [_make_run(number, task) for number in range(count)]
    others = [run.name for run in runs[1:5]]
    paired = [PairedResult(name, _make_differences(number)) for number, name in enumerate(others[:3])]
    paired += [PairedResult(name, problem=f"{name} was scored on other rows {HOSTILE}") for name in others[3:]]
    curves = {
        run.name: {"loss/later": {step: 2 - step / (10 + number) for step in range(1, 9 + number)}}
        for number, run in enumerate(runs[:6])
    }
    cells = [{"predicted": f"{p}", "observed": f"{p + 0.03}", "low": f"{p}", "high": f"{p + 0.1}"} for p in (0.2, 0.4)]
    evaluations = [{"experiment": run.name, "rev": "a" * 40, "metrics": dict(run.figures)} for run in runs]
    summary = [f"{runs[0].name} is a tie within noise, {HOSTILE}."]
    metric = get_metric("log_loss")
    return TaskRuns(task, metric, summary, runs, paired, evaluations, curves, {runs[0].name: cells})


def _make_run(number: int, task: str) -> PageRun:
    values = random.Random(number)
    learner = {"depth": values.randint(2, 9), "rate": 10 ** values.uniform(-4, 0), "window": values.choice([None, 60])}
    params: dict[str, Any] = {
        "tasks": {task: {"learner": values.choice(LEARNERS)}, "other": {"learner": number}},
        "train": {task: learner, "other": {"depth": number}},
        "experiment": {"hypothesis": f"hypothesis {number}"},
    }
    score = round(1.6 + values.uniform(0, 0.1), 4)
    figures = {"log_loss": score, "log_loss_low": score - 0.05, "log_loss_high": score + 0.05, "races": 598}
    return PageRun(f"RUN-{number}", params, figures, "yes", HOSTILE if number == 2 else f"learned {number}")


def _make_differences(number: int) -> list[dict[str, Any]]:
    low, high = -0.02 + 0.012 * number, 0.004 + 0.012 * number
    verdict = "worse" if low > 0 else "undecided"
    return [{"of": "log_loss", "difference": (low + high) / 2, "low": low, "high": high, "verdict": verdict}]
