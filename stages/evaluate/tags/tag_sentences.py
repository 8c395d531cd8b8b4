"""Sentences that put the metrics of the tag scorer into words."""

from typing import Any

import numpy as np

from stages.evaluate.tags.scored_tags import ScoredTags
from stages.evaluate.tags.tag_baselines import COMPARED_METRICS, TagMetrics
from trueline.core.stats.confidence_intervals import Interval

Report = dict[str, Any]


def format_summary_sentences(report: Report) -> list[str]:
    """Return how the tuned arm compares with every baseline, and what else a reader of its scores must know."""
    baselines = {name: baseline["micro_f1"] for name, baseline in report["baselines"].items()}
    tuned, row_count = baselines["tuned"], report["rows"]["scored"]
    verdict_texts = [
        f"{comparison['micro_f1']['verdict']} than {name} ({baselines[name]['value']:.3f})"
        if comparison["micro_f1"]["verdict"] != "undecided"
        else f"undecided against {name} ({baselines[name]['value']:.3f})"
        for name, comparison in report["tuned_against"].items()
    ]
    headline = (
        f"tuned reaches a micro-F1 of {tuned['value']:.3f}{_format_interval(tuned)} on {row_count} rows: "
        f"{', '.join(verdict_texts)}."
    )
    overlap_sentences = [report["honest"]] if report["honest"] else []
    baseline_comparisons = report["against_baseline"].items()
    gain_sentences = [
        f"{name} against the baseline: {comparison['micro_f1']['verdict']}."
        for name, comparison in baseline_comparisons
        if name != "tuned"
    ]
    return [
        headline,
        *gain_sentences,
        *overlap_sentences,
        *report["constant"]["sentences"],
        report["labels"]["sentence"],
    ]


def describe_tuning_overlap(scored: ScoredTags, metrics_by_arm: dict[str, TagMetrics], has_clock: bool) -> str | None:
    """Return a caveat if the tuned arm's settings were chosen on rows that it is evaluated on, else None.

    That is so without a clock, unless tuning changed nothing.
    """
    if has_clock or "default" not in metrics_by_arm:
        return None
    if np.array_equal(scored.arms["tuned"].scores, scored.arms["default"].scores):
        return None
    tuned_f1, default_f1 = (float(metrics_by_arm[name]["micro_f1"][0]) for name in ("tuned", "default"))
    return (
        "Without a clock tuned's parameters were chosen on folds that hold every row scored here; the arm that had no "
        f"such help is default, with a micro-F1 of {default_f1:.3f} against {tuned_f1:.3f}."
    )


def describe_comparison(comparison: Report, names: tuple[str, str]) -> list[str]:
    """Return a sentence for each metric by which two runs are compared."""
    return [_describe_metric_difference(metric, comparison[metric], names) for metric in COMPARED_METRICS]


def _describe_metric_difference(metric: str, comparison: Report, names: tuple[str, str]) -> str:
    difference = comparison["difference"]
    text = f"The {metric} of {names[0]} less that of {names[1]} is {difference['value']:+.4f}"
    if difference["low"] is None:
        return f"{text}: too few clusters to compare them."
    conclusion = "the difference is noise" if comparison["verdict"] == "undecided" else comparison["verdict"]
    return f"{text} ({difference['low']:+.4f} to {difference['high']:+.4f}): {conclusion}."


def _format_interval(interval: Interval) -> str:
    low, high = interval["low"], interval["high"]
    return "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
