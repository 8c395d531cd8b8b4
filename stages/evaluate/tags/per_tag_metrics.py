"""Per-tag metrics: how frequent each tag is, how well it is found, and whether it can be learned at all."""

from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.tags.scored_tags import TARGET_PREFIX, ScoredTags
from stages.evaluate.tags.tag_baselines import TagMetrics, describe_gain
from trueline.core.stats.block_bootstrap import BlockBootstrap, compute_interval
from trueline.core.stats.group_ops import Floats

OUTCOMES = {"hit": "tp", "missed": "fn", "wrong": "fp", "left alone": "tn"}


def build_tag_table(
    scored: ScoredTags,
    prepared: pd.DataFrame,
    metrics_by_arm: dict[str, TagMetrics],
    bootstrap: BlockBootstrap,
    min_clusters: int,
) -> list[Any]:
    """Return a row per tag, the commonest first: support, metrics of the tuned arm beside the baseline, and counts.

    `rows` and `clusters` count the scored ones that have the tag. F1 has an interval if the tag is true or given in at
    least MIN_BLOCKS clusters. `not_learnable` gives the reason, from all prepared rows: the tag is on all or none of
    them, or in fewer than `min_clusters` clusters. tp, fp, fn and tn are averages over repeats.
    """
    outcome_counts = count_outcomes(scored)
    tag_clusters = (bootstrap.sum_by_block(scored.truth) > 0).sum(axis=0)
    answer_clusters = (bootstrap.sum_by_block(scored.truth + scored.arms["tuned"].predicted.sum(axis=0)) > 0).sum(
        axis=0
    )
    reasons = _explain_unlearnable_tags(scored.tags, prepared, min_clusters)
    rows = []
    for tag_index in np.argsort(-scored.truth.sum(axis=0), kind="stable"):
        tag, is_true = scored.tags[tag_index], scored.truth[:, tag_index]
        support = {
            "tag": tag,
            "rows": int(is_true.sum()),
            "clusters": int(tag_clusters[tag_index]),
            "share": float(is_true.mean()),
        }
        counts = {name: float(tag_counts[tag_index]) for name, tag_counts in outcome_counts.items()}
        metrics = _build_tag_metrics(metrics_by_arm, bootstrap, int(tag_index), int(answer_clusters[tag_index]))
        rows.append(support | {"not_learnable": reasons[tag]} | metrics | counts)
    return rows


def count_outcomes(scored: ScoredTags) -> dict[str, Floats]:
    """Return tp, fp, fn and tn of every tag for the tuned arm, averaged over repeats."""
    predicted, truth = scored.arms["tuned"].predicted.mean(axis=0), scored.truth
    cells = {
        "tp": truth * predicted,
        "fp": (1 - truth) * predicted,
        "fn": truth * (1 - predicted),
        "tn": (1 - truth) * (1 - predicted),
    }
    return {name: cell.sum(axis=0) for name, cell in cells.items()}


def count_tag_frequencies(prepared: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return the count and share of all prepared rows that have each tag, the commonest first."""
    truth = prepared[[TARGET_PREFIX + tag for tag in tags]].to_numpy(np.float64)
    frequency_table = pd.DataFrame({"tag": tags, "events": truth.sum(axis=0).astype(int), "share": truth.mean(axis=0)})
    return frequency_table.sort_values("events", ascending=False, kind="stable", ignore_index=True)


def _build_tag_metrics(
    metrics_by_arm: dict[str, TagMetrics], bootstrap: BlockBootstrap, tag_index: int, clusters: int
) -> dict[str, Any]:
    tuned = {name: values[:, tag_index] for name, values in metrics_by_arm["tuned"].by_tag.items()}
    metrics: dict[str, Any] = {name: float(tuned[name][0]) for name in ("precision", "recall")}
    metrics["f1"] = compute_interval(tuned["f1"], clusters)
    if "baseline" in metrics_by_arm:
        baseline = metrics_by_arm["baseline"].by_tag["f1"][:, tag_index]
        difference = compute_interval(tuned["f1"] - baseline, clusters)
        metrics |= {"baseline_f1": float(baseline[0]), "tuned_minus_baseline": difference}
        metrics["tuned_is"] = describe_gain(difference, ("better", "worse"))
    return metrics


def _explain_unlearnable_tags(tags: list[str], prepared: pd.DataFrame, min_clusters: int) -> dict[str, str]:
    truth = prepared[[TARGET_PREFIX + tag for tag in tags]].set_axis(tags, axis=1)
    row_counts, cluster_counts = truth.sum(), truth.groupby(prepared["group"].to_numpy()).max().sum()
    return {
        tag: _describe_unlearnable_tag(row_counts[tag], len(truth), cluster_counts[tag], min_clusters) for tag in tags
    }


def _describe_unlearnable_tag(row_count: float, total_rows: int, cluster_count: float, min_clusters: int) -> str:
    if row_count in (0, total_rows):
        return "on every row" if row_count else "on no row"
    return f"in fewer than {min_clusters} clusters" if cluster_count < min_clusters else ""
