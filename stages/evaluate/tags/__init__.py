"""tags: the scorer for multi-label rows, against frequent tags, a tag's own name in the text, and simpler arms."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.evaluate.tags.constant_answers import detect_constant_answers
from stages.evaluate.tags.example_answers import sample_answers, sample_confusions
from stages.evaluate.tags.per_tag_metrics import OUTCOMES, build_tag_table, count_tag_frequencies
from stages.evaluate.tags.rule_made_labels import detect_rule_made_labels
from stages.evaluate.tags.scored_tags import TARGET_PREFIX, ScoredTags, list_target_tags
from stages.evaluate.tags.tag_baselines import (
    BASELINE_ORDER,
    TagMetrics,
    compare_metrics,
    evaluate_answers,
    evaluate_resampling,
    summarise_baselines,
)
from stages.evaluate.tags.tag_calibration import compute_tag_calibration_curve
from stages.evaluate.tags.tag_sentences import describe_comparison, describe_tuning_overlap, format_summary_sentences
from stages.evaluate.tags.text_free_baselines import build_prior_answers, build_tag_name_answers, has_clock
from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.stats.probability_scores import compute_calibration_error

Report = dict[str, Any]
Tables = dict[str, pd.DataFrame]

INTERVAL_KEYS = ("value", "low", "high")


class Settings(StageSettings):
    """How figures are cut, and the bounds at which answers count as constant and labels as rule-made."""

    top: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    bins: int = Field(ge=2)
    least_examples: int = Field(ge=1)
    same_share: float = Field(gt=0, le=1)
    least_tags: float = Field(ge=0, le=1)
    least_named: int = Field(ge=1)
    samples: int = Field(ge=0)
    pairs: int = Field(ge=0)


def evaluate(
    predictions: pd.DataFrame, prepared: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Report, Report, Tables]:
    """Return the headline scores of the tuned arm, the report, and the tables to plot.

    A figure is computed on all rows of a repeat and averaged over the repeats. Its interval resamples clusters of
    near-duplicates, the same resamples for every arm and repeat: it shows the variation over events, not that over
    trainings, part of which is the standard deviation over repeats. An arm without an answer in some fold is left out;
    if that is the tuned arm, a UserError is raised.
    """
    scored = ScoredTags.from_predictions(predictions)
    prepared_rows, bootstrap = (
        scored.lookup_prepared(prepared),
        BlockBootstrap(encode_groups(pd.Series(scored.group)), seed),
    )
    metrics_by_arm = _evaluate_arms(scored, prepared, prepared_rows, bootstrap, settings)
    curve, depth = compute_tag_calibration_curve(scored, bootstrap, settings.bins), max(settings.top)
    report = {
        "rows": _summarise_rows(scored, bootstrap, prepared),
        **_compare_arms(metrics_by_arm, bootstrap),
        "honest": describe_tuning_overlap(scored, metrics_by_arm, has_clock(prepared)),
        "tags": build_tag_table(scored, prepared, metrics_by_arm, bootstrap, settings.least_examples),
        "constant": detect_constant_answers(scored, depth, settings.same_share, settings.least_tags),
        "labels": detect_rule_made_labels(prepared, scored.tags, settings.least_named),
        "reliability": {"cells": curve.to_dict("records"), "calibration_error": compute_calibration_error(curve)},
        "samples": sample_answers(scored, prepared_rows, settings.samples, depth, seed),
    }
    report["sentences"] = format_summary_sentences(report)
    plots = _build_plot_tables(report, metrics_by_arm) | {
        "reliability": curve,
        "tags": count_tag_frequencies(prepared, scored.tags),
    }
    return (
        _collect_headline_scores(report),
        report,
        plots | {"confusion": sample_confusions(scored, settings.pairs, seed)},
    )


def compare(
    first_run: pd.DataFrame,
    second_run: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Compare the tuned arms of two runs on the same rows and their common tags, each with its own repeats.

    Truth and clusters are those of `prepared`. Raises UserError if the runs have no tag in common or predict a row that
    is not prepared.
    """
    shared_tags = set(list_target_tags(second_run)) & set(list_target_tags(prepared))
    tags = [tag for tag in list_target_tags(first_run) if tag in shared_tags]
    if not tags:
        raise UserError(f"{names[0]} and {names[1]} have no tag in common; compare runs with the same set of tags.")
    first_scored, second_scored = (
        ScoredTags.from_predictions(_align_with_prepared(run, prepared, tags)) for run in (first_run, second_run)
    )
    bootstrap = BlockBootstrap(encode_groups(pd.Series(first_scored.group)), seed)
    first_metrics, second_metrics = (
        evaluate_answers(scored.truth, scored.arms["tuned"], bootstrap, []) for scored in (first_scored, second_scored)
    )
    comparison = compare_metrics(
        first_metrics, second_metrics, bootstrap, (f"{names[0]} is better", f"{names[1]} is better")
    )
    return {
        "clusters": bootstrap.block_count,
        "tags": len(tags),
        **comparison,
        "sentences": describe_comparison(comparison, names),
    }


def compute_losses(predictions: pd.DataFrame, arm: str) -> tuple[pd.Series, Floats, Floats]:
    """Return each row's cluster, its wrong tags (missed or wrongly given) and the denominator of 1 − F1."""
    scored = ScoredTags.from_predictions(predictions)
    predicted = scored.arms[arm].predicted
    wrong, right = np.abs(predicted - scored.truth[None]).sum(axis=(0, 2)), (predicted * scored.truth).sum(axis=(0, 2))
    return pd.Series(scored.group), wrong, 2 * right + wrong


def _align_with_prepared(run: pd.DataFrame, prepared: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return a run with the truth and clusters of `prepared` for the given tags."""
    prepared_rows = prepared.set_index("row_id").reindex(run["row_id"])
    if missing_count := int(prepared_rows["group"].isna().sum()):
        raise UserError(
            f"{missing_count} predictions are for rows that are not prepared; compare runs on the current source data."
        )
    prepared_columns = ["group", *(TARGET_PREFIX + tag for tag in tags)]
    run_columns = [name for name in run if name not in prepared_columns and not str(name).startswith(TARGET_PREFIX)]
    return pd.concat([run[run_columns], prepared_rows[prepared_columns].set_axis(run.index)], axis=1)


def _evaluate_arms(
    scored: ScoredTags,
    prepared: pd.DataFrame,
    prepared_rows: pd.DataFrame,
    bootstrap: BlockBootstrap,
    settings: Settings,
) -> dict[str, TagMetrics]:
    prior_answers = build_prior_answers(scored, prepared)
    answers_by_arm = {
        "prior": prior_answers,
        "tag_name": build_tag_name_answers(scored, prepared_rows, prior_answers),
    } | scored.arms
    tops = [top for top in settings.top if top <= len(scored.tags)]
    order = [
        *(name for name in BASELINE_ORDER if name in answers_by_arm),
        *sorted(answers_by_arm.keys() - set(BASELINE_ORDER)),
    ]
    return {name: evaluate_answers(scored.truth, answers_by_arm[name], bootstrap, tops) for name in order}


def _compare_arms(metrics_by_arm: Mapping[str, TagMetrics], bootstrap: BlockBootstrap) -> Report:
    baseline = metrics_by_arm.get("baseline")
    simple_arms = ("prior", "tag_name", "baseline", "unresampled", "without_vectors")
    return {
        "baselines": summarise_baselines(metrics_by_arm, bootstrap),
        "tuned_against": {
            arm: compare_metrics(metrics_by_arm["tuned"], arm_metrics, bootstrap)
            for arm, arm_metrics in metrics_by_arm.items()
            if arm != "tuned"
        },
        "against_baseline": {
            name: compare_metrics(arm_metrics, baseline, bootstrap)
            for name, arm_metrics in metrics_by_arm.items()
            if baseline and name not in simple_arms
        },
        "resampling": evaluate_resampling(metrics_by_arm, bootstrap),
    }


def _summarise_rows(scored: ScoredTags, bootstrap: BlockBootstrap, prepared: pd.DataFrame) -> Report:
    tag_counts = scored.truth.sum(axis=1)
    return {
        "scored": len(tag_counts),
        "clusters": bootstrap.block_count,
        "repeats": scored.repeat_count,
        "tags": len(scored.tags),
        "tags_per_row": float(tag_counts.mean()),
        "without_tags": int((tag_counts == 0).sum()),
        "clock": has_clock(prepared),
        "arms_left_out": scored.excluded_arms,
    }


def _collect_headline_scores(report: Report) -> Report:
    baselines = report["baselines"]
    return {
        "rows": report["rows"]["scored"],
        **dict(
            zip(("micro_f1", "micro_f1_low", "micro_f1_high"), _get_interval_values(baselines["tuned"]), strict=True)
        ),
        "macro_f1": baselines["tuned"]["macro_f1"]["value"],
        "lrap": baselines["tuned"]["lrap"]["value"],
        "baseline_micro_f1": baselines["baseline"]["micro_f1"]["value"] if "baseline" in baselines else None,
        "prior_micro_f1": baselines["prior"]["micro_f1"]["value"],
    }


def _build_plot_tables(report: Report, metrics_by_arm: Mapping[str, TagMetrics]) -> Tables:
    arm_rows = [(name, *_get_interval_values(arm_metrics)) for name, arm_metrics in report["baselines"].items()]
    tag_rows = [(row["tag"], *_get_interval_values(row, "f1"), row.get("baseline_f1")) for row in report["tags"]]
    row_count = report["rows"]["scored"]
    outcome_rows = [
        (row["tag"], name, row[key] / row_count) for row in report["tags"] for name, key in OUTCOMES.items()
    ]
    repeats = pd.DataFrame({name: arm_metrics.by_repeat["micro_f1"][0] for name, arm_metrics in metrics_by_arm.items()})
    return {
        "baselines": pd.DataFrame(arm_rows, columns=["model", "micro_f1", "low", "high"]),
        "tag_f1": pd.DataFrame(tag_rows, columns=["tag", "f1", "low", "high", "baseline"]),
        "outcomes": pd.DataFrame(outcome_rows, columns=["tag", "outcome", "share"]),
        "repeats": repeats.rename_axis("repeat").reset_index(),
    }


def _get_interval_values(row: Report, metric: str = "micro_f1") -> list[float | None]:
    return [row[metric][key] for key in INTERVAL_KEYS]
