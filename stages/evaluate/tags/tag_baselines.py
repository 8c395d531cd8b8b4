"""The metrics of every arm and baseline with intervals over clusters, and comparisons on the same resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.evaluate.tags.multilabel_metrics import (
    compute_label_metrics,
    compute_micro_macro_metrics,
    compute_precision_recall_f1,
    compute_ranking_metrics,
)
from stages.evaluate.tags.scored_tags import TagAnswers
from trueline.core.stats.block_bootstrap import BlockBootstrap, compute_interval
from trueline.core.stats.confidence_intervals import Interval, describe_difference
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.probability_scores import compute_log_losses

Report = dict[str, Any]

BASELINE_ORDER = (
    "prior",
    "tag_name",
    "baseline",
    "default",
    "tuned",
    "unresampled",
    "without_vectors",
)  # comparison learners come after them
COMPARED_METRICS = ("micro_f1", "macro_f1", "lrap")  # metrics that arms are compared by; more is better


@dataclass(frozen=True)
class TagMetrics:
    """The metrics of an arm or baseline, on all rows (first) and on every resample."""

    by_repeat: dict[str, Floats]  # (1 + draws) × repeats
    by_tag: dict[str, Floats]  # precision, recall and f1: (1 + draws) × tags, the mean over repeats

    def __getitem__(self, name: str) -> Floats:
        """Return the mean of a metric over repeats, on all rows and on every resample."""
        return np.asarray(self.by_repeat[name].mean(axis=1))


def evaluate_answers(truth: Floats, answers: TagAnswers, bootstrap: BlockBootstrap, tops: Sequence[int]) -> TagMetrics:
    """Return the metrics of one arm, each over all rows of a repeat; log loss only if its scores are probabilities."""
    row_metrics = _compute_row_metrics(truth, answers, tops)
    predicted = answers.predicted.transpose(1, 0, 2)
    arrays = [
        np.ones((len(truth), 1)),
        truth,
        truth[:, None] * predicted,
        predicted,
        np.stack(list(row_metrics.values()), axis=1),
    ]
    row_counts, true_counts, hits, predicted_counts, totals = _sum_by_draw(bootstrap, arrays)
    counts = hits, predicted_counts, true_counts[:, None]
    metrics = {name: totals[:, index] / row_counts for index, name in enumerate(row_metrics)}
    tag_metrics = {name: values.mean(axis=1) for name, values in compute_precision_recall_f1(*counts).items()}
    return TagMetrics(compute_micro_macro_metrics(*counts) | metrics, tag_metrics)


def summarise_baselines(metrics_by_arm: Mapping[str, TagMetrics], bootstrap: BlockBootstrap) -> Report:
    """Return for every arm and baseline its metrics with intervals, and their standard deviations over repeats."""
    return {
        name: {metric: compute_interval(arm_metrics[metric], bootstrap.block_count) for metric in arm_metrics.by_repeat}
        | {"sd_over_repeats": compute_repeat_spread(arm_metrics)}
        for name, arm_metrics in metrics_by_arm.items()
    }


def compute_repeat_spread(arm_metrics: TagMetrics) -> dict[str, float | None]:
    """Return the standard deviation of each metric over repeats, None for a single repeat."""
    observed = {name: repeat_draws[0] for name, repeat_draws in arm_metrics.by_repeat.items()}
    return {name: float(values.std(ddof=1)) if len(values) > 1 else None for name, values in observed.items()}


def compare_metrics(
    first_metrics: TagMetrics,
    second_metrics: TagMetrics,
    bootstrap: BlockBootstrap,
    verdicts: tuple[str, str] = ("better", "worse"),
) -> Report:
    """Return first minus second for each of COMPARED_METRICS, on the same resamples, and the verdict on the first."""
    differences = {
        name: compute_interval(first_metrics[name] - second_metrics[name], bootstrap.block_count)
        for name in COMPARED_METRICS
    }
    return {
        name: {"difference": difference, "verdict": describe_gain(difference, verdicts)}
        for name, difference in differences.items()
    }


def describe_gain(difference: Interval, verdicts: tuple[str, str]) -> str:
    """Return the verdict on a difference for which more is better: the first word, the second, or "undecided"."""
    return describe_difference(difference, better=verdicts[1], worse=verdicts[0])


def evaluate_resampling(metrics_by_arm: Mapping[str, TagMetrics], bootstrap: BlockBootstrap) -> Report:
    """Return whether resampling helped, by micro-F1: the tuned arm against the same model on unresampled rows."""
    if "unresampled" not in metrics_by_arm:
        return {"verdict": "none", "difference": None}
    comparison = compare_metrics(metrics_by_arm["tuned"], metrics_by_arm["unresampled"], bootstrap, ("helped", "hurt"))
    return {**comparison["micro_f1"], **{name: comparison[name] for name in COMPARED_METRICS[1:]}}


def _compute_row_metrics(truth: Floats, answers: TagAnswers, tops: Sequence[int]) -> dict[str, Floats]:
    """Return the metrics that are means over rows, each as rows × repeats."""
    repeat_metrics = []
    for scores, predicted in zip(answers.scores, answers.predicted, strict=True):
        losses = {"log_loss": compute_log_losses(scores, truth).mean(axis=1)} if answers.has_probabilities else {}
        repeat_metrics.append(
            compute_label_metrics(truth, predicted) | compute_ranking_metrics(truth, scores, tops) | losses
        )
    return {name: np.column_stack([metrics[name] for metrics in repeat_metrics]) for name in repeat_metrics[0]}


def _sum_by_draw(bootstrap: BlockBootstrap, arrays: list[Floats]) -> list[Floats]:
    """Sum each array over its first axis, the rows: returns (1 + draws) × its other axes."""
    flat_arrays = [array.reshape(len(array), -1) for array in arrays]
    split_sums = np.split(
        bootstrap.sum_by_draw(np.hstack(flat_arrays)), np.cumsum([array.shape[1] for array in flat_arrays])[:-1], axis=1
    )
    return [array_sums.reshape(-1, *array.shape[1:]) for array_sums, array in zip(split_sums, arrays, strict=True)]
