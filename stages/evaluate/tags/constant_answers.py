"""Constant answers: does an arm answer (nearly) the same for every text, whatever its scores?"""

from typing import Any

import numpy as np

from stages.evaluate.tags.scored_tags import ScoredTags, TagAnswers
from trueline.core.stats.group_ops import Floats

Report = dict[str, Any]

MIN_FOLD_ROWS = 10  # mean rows per fold; among fewer, answers agree by chance


def detect_constant_answers(scored: ScoredTags, depth: int, same_share: float, least_tags: float) -> Report:
    """Return by arm how varied its answers are, whether they are constant, and sentences about arms whose answers are.

    The shares count rows that get their fold's commonest tag set, or its commonest order of the `depth` likeliest tags;
    they are by fold because every fold has its own model. An arm is constant if either share is at least `same_share`
    and the truth is more varied, or if it gives fewer than a share `least_tags` of the tags that occur. Arms are not
    judged if folds have fewer than 10 rows on average, nor by order if there are no more tags than `depth`.
    """
    is_judged = bool(scored.fold.size >= MIN_FOLD_ROWS * len(scored.list_fold_masks()))
    occurring_tags = int((scored.truth.sum(axis=0) > 0).sum())
    truth_share = _compute_commonest_share(scored, np.broadcast_to(scored.truth, scored.arms["tuned"].predicted.shape))
    arms = {name: _summarise_answers(scored, answers, depth) for name, answers in scored.arms.items()}
    for arm_summary in arms.values():
        arm_summary["why"] = (
            _explain_constant(arm_summary, truth_share, same_share, least_tags * occurring_tags) if is_judged else ""
        )
    sentences = [
        _describe_constant(name, arm_summary, occurring_tags)
        for name, arm_summary in arms.items()
        if arm_summary["why"]
    ]
    return {
        "judged": is_judged,
        "same_set_of_truth": truth_share,
        "tags_in_truth": occurring_tags,
        "arms": arms,
        "sentences": sentences,
    }


def _summarise_answers(scored: ScoredTags, answers: TagAnswers, depth: int) -> Report:
    tag_sets, set_counts = np.unique(answers.predicted.reshape(-1, len(scored.tags)), axis=0, return_counts=True)
    commonest_set = tag_sets[set_counts.argmax()]
    leading_tags = np.argsort(-answers.scores, axis=-1, kind="stable")[..., :depth].astype(np.float64)
    return {
        "distinct_sets": len(tag_sets),
        "tags_given": int(tag_sets.any(axis=0).sum()),
        "most_common": [tag for tag, is_included in zip(scored.tags, commonest_set, strict=True) if is_included],
        "most_common_share": float(set_counts.max() / set_counts.sum()),
        "same_set": _compute_commonest_share(scored, answers.predicted),
        "same_ranking": _compute_commonest_share(scored, leading_tags) if len(scored.tags) > depth else None,
        "chance_sd": _compute_score_spread(scored, answers.scores),
    }


def _compute_commonest_share(scored: ScoredTags, answers: Floats) -> float:
    """Return the share of rows that get the commonest answer of their fold."""
    commonest_counts = [
        np.unique(answers[fold_mask], axis=0, return_counts=True)[1].max() for fold_mask in scored.list_fold_masks()
    ]
    return float(sum(commonest_counts) / scored.fold.size)


def _compute_score_spread(scored: ScoredTags, scores: Floats) -> float:
    """Return the standard deviation of a tag's score over the rows of a fold, averaged over tags and folds."""
    return float(np.mean([scores[fold_mask].std(axis=0).mean() for fold_mask in scored.list_fold_masks()]))


def _explain_constant(arm_summary: Report, truth_share: float, same_share: float, least_tags: float) -> str:
    if truth_share < same_share and arm_summary["same_set"] >= same_share:
        return "one tag set"
    if truth_share < same_share and (arm_summary["same_ranking"] or 0.0) >= same_share:
        return "one ranking"
    return "few tags" if arm_summary["tags_given"] < least_tags else ""


def _describe_constant(name: str, arm_summary: Report, occurring_tags: int) -> str:
    commonest_text, conclusion = f"{{{', '.join(arm_summary['most_common'])}}}", "it has learned nothing"
    if arm_summary["why"] == "few tags":
        return f"{name} gives only {arm_summary['tags_given']} of {occurring_tags} tags, most often {commonest_text}."
    if arm_summary["why"] == "one ranking":
        return f"{name} ranks the tags alike for {100 * arm_summary['same_ranking']:.0f} % of the events: {conclusion}."
    share_text = f"{100 * arm_summary['same_set']:.0f} % of the events"
    if arm_summary["most_common_share"] >= arm_summary["same_set"]:
        return f"{name} answers {commonest_text} for {share_text}: {conclusion}."
    return f"{name} answers alike for {share_text} of a fold, most often {commonest_text}: {conclusion}."
