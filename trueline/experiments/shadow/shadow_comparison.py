"""Compare a champion with its challenger on the same requests: how far they differ and which has the lower loss."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.racing.race_losses import compute_race_losses
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.confidence_intervals import describe_difference
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.stats.probability_scores import compute_log_losses
from trueline.experiments.cli.table_layout import format_number
from trueline.experiments.shadow import shadow_log, shadow_outcomes
from trueline.experiments.shadow.shadow_log import Row, RowPair, ShadowedRequests

LOG_FOLDER = "predictions"
MAX_TAGS_SHOWN = 5  # tags on which the two differ most

Comparison = dict[str, Any]


def compare_answers(task: str, log: Path, source: Path | None, seed: int) -> Comparison:
    """Return how the answers of a champion and its shadow differ and, where outcomes are known, which loses less.

    Losses are computed on rows that have an outcome in the prepared table and of whose group (day, race or cluster)
    neither model had learned a row. `difference` is challenger − champion, so less than 0 favours the challenger; its
    interval is from a block bootstrap. Without such rows `verdict` is None: how much two models disagree does not show
    which is right.
    """
    shadowed = shadow_log.read_shadow_log(log, task)
    comparison: Comparison = {
        "task": task,
        "champion": shadowed.champion,
        "challenger": shadowed.challenger,
        "requests": len(shadowed.requests),
        "rows": len(shadowed.rows),
        "alone": shadowed.champion_only,
        "others": [
            {"versions": list(versions), "requests": count} for versions, count in shadowed.earlier_pairs.items()
        ],
        "predictions": compare_predictions(shadowed),
        "decisions": compare_decisions(shadowed),
    }
    comparison |= compare_losses(task, shadowed, source, seed)
    return comparison | {"sentences": describe_comparison(comparison)}


def compare_predictions(shadowed: ShadowedRequests) -> Comparison:
    """Return how far the predictions lie apart, in their own unit; for tags also the tags that differ most."""
    names, champion, challenger = _extract_predictions(shadowed.rows)
    differences = challenger - champion
    absolute_differences = np.abs(differences)
    summary: Comparison = {
        "mean": float(differences.mean()),
        "mean_absolute": float(absolute_differences.mean()),
        "p95_absolute": float(np.quantile(absolute_differences, 0.95)),
        "largest": float(absolute_differences.max()),
        "identical": float((differences == 0).mean()),
    }
    if names:
        most_different = sorted(
            zip(names, differences.T, strict=True), key=lambda tag_column: -float(np.abs(tag_column[1]).mean())
        )[:MAX_TAGS_SHOWN]
        summary["by_tag"] = [
            {"tag": tag, "mean": float(column.mean()), "mean_absolute": float(np.abs(column).mean())}
            for tag, column in most_different
        ]
    return summary


def compare_decisions(shadowed: ShadowedRequests) -> Comparison:
    """Return how often the two would decide differently: tags given, the favourite, or the side of the line."""
    first_row = shadowed.rows[0][0]
    if "given" in first_row:
        return _count_differing(
            "tags given", [set(champion["given"]) != set(challenger["given"]) for champion, challenger in shadowed.rows]
        )
    if "box" in first_row:
        return _count_differing(
            "favourite", [_find_favourite(request, 0) != _find_favourite(request, 1) for request in shadowed.requests]
        )
    with_line = [(champion, challenger) for champion, challenger in shadowed.rows if champion.get("line") is not None]
    line_sides = [[np.sign(row["predicted"] - pair[0]["line"]) for row in pair] for pair in with_line]
    return _count_differing("side of the line", [champion != challenger for champion, challenger in line_sides])


def compare_losses(task: str, shadowed: ShadowedRequests, source: Path | None, seed: int) -> Comparison:
    """Return the losses on rows whose outcomes are known and new to both models, and the verdict."""
    no_verdict: Comparison = {"verdict": None, "known": 0, "learned": 0, "why": "no outcome of what was asked is known"}
    table = shadow_outcomes.read_prepared(task, source)
    known_rows = shadow_outcomes.match_rows(task, shadowed.rows, table) if table is not None else []
    if table is None or not known_rows:
        return no_verdict
    try:
        learned_groups = [
            shadow_outcomes.find_learned_groups(task, version, table)
            for version in (shadowed.champion, shadowed.challenger)
        ]
    except UserError as error:
        return no_verdict | {"known": len(known_rows), "why": str(error).rstrip(".")}
    new_rows = [
        (index, pair)
        for index, pair in known_rows
        if table["group"].iloc[index] not in learned_groups[0] | learned_groups[1]
    ]
    counts = {"known": len(known_rows), "learned": len(known_rows) - len(new_rows)}
    loss_table = _compute_losses(new_rows, table)
    if not len(loss_table):
        return (
            no_verdict
            | counts
            | {"why": "a model had learned from every row whose outcome is known, or no race is whole"}
        )
    blocks = BlockBootstrap(encode_groups(loss_table["group"]), seed)
    difference = blocks.estimate_mean(loss_table["challenger"] - loss_table["champion"])
    means = {arm: float(loss_table[arm].mean()) for arm in ("champion", "challenger")}
    unit = loss_table.attrs["unit"]
    return {
        "verdict": describe_difference(difference, "better", "worse"),
        **counts,
        "why": None,
        "loss": {"unit": unit, "rows": len(loss_table), **means, "difference": dict(difference)},
    }


def describe_comparison(comparison: Comparison) -> list[str]:
    """Return the comparison as sentences."""
    prediction_gap, decision_gap = comparison["predictions"], comparison["decisions"]
    sentence_list = [
        f"{comparison['champion']} answered, {comparison['challenger']} shadowed: "
        f"both answered {comparison['requests']:,} requests "
        f"of {comparison['rows']:,} rows; {comparison['alone']:,} requests meanwhile only the champion.",
        f"Predictions lie {format_number(prediction_gap['mean_absolute'])} apart on average, 95 of 100 within "
        f"{format_number(prediction_gap['p95_absolute'])}, none beyond {format_number(prediction_gap['largest'])}; "
        f"challenger less champion is {prediction_gap['mean']:+.4f} on average.",
        f"Another decision ({decision_gap['what']}) in {decision_gap['differ']:,} of {decision_gap['of']:,}.",
    ]
    if comparison["others"]:
        count = sum(version_pair["requests"] for version_pair in comparison["others"])
        sentence_list.append(f"The log holds {count:,} requests of earlier champions and shadows, which are left out.")
    return [*sentence_list, _describe_verdict(comparison)]


def _describe_verdict(comparison: Comparison) -> str:
    if comparison["verdict"] is None:
        return f"No verdict is possible: {comparison['why']}. How much two models disagree does not say which is right."
    loss = comparison["loss"]
    gap = loss["difference"]
    bounds = "too few blocks for an interval" if gap["low"] is None else f"{gap['low']:+.4f} to {gap['high']:+.4f}"
    left_out = (
        f"; {comparison['learned']:,} more rows left out, for a model had learned from them"
        if comparison["learned"]
        else ""
    )
    return (
        f"The challenger is {comparison['verdict']}: {loss['unit']} {format_number(loss['challenger'])} against "
        f"{format_number(loss['champion'])}, difference {gap['value']:+.4f} ({bounds}), "
        f"{loss['rows']:,} rows or races in {gap['n']:,} blocks{left_out}."
    )


def _compute_losses(known_rows: Sequence[tuple[int, RowPair]], table: pd.DataFrame) -> pd.DataFrame:
    """Return the loss of each arm and the group, one line per row with an outcome, or per race."""
    if not known_rows:
        return pd.DataFrame()
    loss_function, unit = _select_loss_function(known_rows[0][1][0])
    indices = [index for index, _ in known_rows]
    loss_table = loss_function(
        [pair for _, pair in known_rows], table.iloc[indices], shadow_outcomes.mask_complete_groups(indices, table)
    )
    loss_table.attrs["unit"] = unit
    return loss_table


LossFunction = Callable[[list[RowPair], pd.DataFrame, Any], pd.DataFrame]


def _select_loss_function(row: Row) -> tuple[LossFunction, str]:
    if isinstance(row["predicted"], dict):
        return _compute_tag_losses, "mean log loss of a tag"
    if "box" in row:
        return (_compute_race_losses, "log loss of a race")
    return (_compute_absolute_errors, "mean absolute error")


def _compute_tag_losses(rows: list[RowPair], outcomes: pd.DataFrame, is_complete: Any) -> pd.DataFrame:
    names, *arms = _extract_predictions(rows)
    tags = [tag for tag in names if f"target:{tag}" in outcomes]
    columns = [names.index(tag) for tag in tags]
    target = outcomes[[f"target:{tag}" for tag in tags]].to_numpy(float)
    arm_losses = [compute_log_losses(arm[:, columns], target).mean(axis=1) for arm in arms]
    return _build_loss_table(outcomes["group"], arm_losses)


def _compute_absolute_errors(rows: list[RowPair], outcomes: pd.DataFrame, is_complete: Any) -> pd.DataFrame:
    target = outcomes["target"].to_numpy(float)
    return _build_loss_table(outcomes["group"], [np.abs(arm[:, 0] - target) for arm in _extract_predictions(rows)[1:]])


def _compute_race_losses(rows: list[RowPair], outcomes: pd.DataFrame, is_complete: Any) -> pd.DataFrame:
    """Return the losses of the races whose runners were all posted in one request."""
    request = pd.Series([pair[0]["request"] for pair in rows], outcomes.index)
    is_complete = is_complete & (request.groupby(outcomes["group"]).transform("nunique") == 1).to_numpy()
    group, target = outcomes["group"][is_complete], outcomes["target"].to_numpy(float)[is_complete]
    arms = [arm[is_complete, 0] for arm in _extract_predictions(rows)[1:]]
    return _build_loss_table(
        group.drop_duplicates(), [compute_race_losses(arm, target, encode_groups(group)) for arm in arms]
    )


def _build_loss_table(group: pd.Series, arm_losses: Sequence[Floats]) -> pd.DataFrame:
    rows = pd.DataFrame({"group": group.to_numpy(), "champion": arm_losses[0], "challenger": arm_losses[1]})
    return rows.dropna(ignore_index=True)


def _extract_predictions(rows: Sequence[RowPair]) -> tuple[list[str], Floats, Floats]:
    """Return the names that both predict (empty if a row is one number), and each arm's values as rows × names."""
    first_pair = rows[0]
    if not isinstance(first_pair[0]["predicted"], dict):
        champion_values, challenger_values = (
            np.array([[pair[arm]["predicted"]] for pair in rows], dtype=np.float64) for arm in (0, 1)
        )
        return [], champion_values, challenger_values
    names = [name for name in first_pair[0]["predicted"] if name in first_pair[1]["predicted"]]
    if not names:
        raise UserError("the champion and its shadow have no tag in common, so they cannot be compared.")
    champion_values, challenger_values = (
        np.array([[pair[arm]["predicted"][name] for name in names] for pair in rows], dtype=np.float64)
        for arm in (0, 1)
    )
    return names, champion_values, challenger_values


def _find_favourite(request: list[RowPair], arm: int) -> Any:
    return max((pair[arm] for pair in request), key=lambda row: float(row["predicted"]))["box"]


def _count_differing(decision: str, differing: Sequence[bool]) -> Comparison:
    return {"what": decision, "differ": sum(map(bool, differing)), "of": len(differing)}
