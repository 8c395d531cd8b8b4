"""tags: several tags a row, beside always the frequent ones, a tag's own name in the text, and our simpler selves."""

from collections.abc import Mapping
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from core.params import Knobs
from core.refusals import Refusal
from core.reliability import calibration_error
from stages.evaluate._tag_board import TARGET, Board, tags_of
from stages.evaluate._tag_constant import constant
from stages.evaluate._tag_draws import Draws
from stages.evaluate._tag_labels import labels
from stages.evaluate._tag_ladder import ORDER, Judged, against, judge, ladder, resampling
from stages.evaluate._tag_reliability import reliability
from stages.evaluate._tag_rules import has_clock, prior, tag_name
from stages.evaluate._tag_samples import confusions, samples
from stages.evaluate._tag_sentences import compared, honest, summary
from stages.evaluate._tag_table import OUTCOMES, frequencies, table

Report = dict[str, Any]
Tables = dict[str, pd.DataFrame]

ENDS = ("value", "low", "high")


class Settings(Knobs):
    """How figures are cut, and from where a constant answer and rule-made labels are called so."""

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

    A figure is computed on all rows of a repeat and averaged over the repeats. Its interval redraws clusters of
    near-duplicates, the same for every rung and repeat: it says what other events would change and not what another
    training would, of which the standard deviation over repeats tells a part. An arm without an answer in some fold is
    left out; the tuned one must not be.
    """
    board = Board.of(predictions)
    facts, draws = board.facts(prepared), Draws(board.group, seed)
    judged = _judged(board, prepared, facts, draws, settings)
    cells, depth = reliability(board, draws, settings.bins), max(settings.top)
    report = {
        "rows": _rows(board, draws, prepared),
        **_verdicts(judged, draws),
        "honest": honest(board, judged, has_clock(prepared)),
        "tags": table(board, prepared, judged, draws, settings.least_examples),
        "constant": constant(board, depth, settings.same_share, settings.least_tags),
        "labels": labels(prepared, board.tags, settings.least_named),
        "reliability": {"cells": cells.to_dict("records"), "calibration_error": calibration_error(cells)},
        "samples": samples(board, facts, settings.samples, depth, seed),
    }
    report["sentences"] = summary(report)
    plots = _plots(report, judged) | {"reliability": cells, "tags": frequencies(prepared, board.tags)}
    return _scores(report), report, plots | {"confusion": confusions(board, settings.pairs, seed)}


def compare(
    one: pd.DataFrame,
    other: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Return how two runs' tuned arms differ on the same rows and the tags that both know, each with its own repeats.

    Truth and clusters are those of `prepared`. Refuses runs without a tag in common.
    """
    shared = set(tags_of(other)) & set(tags_of(prepared))
    tags = [tag for tag in tags_of(one) if tag in shared]
    if not tags:
        raise Refusal(f"{names[0]} and {names[1]} have no tag in common; compare runs of the same tag set.")
    first, second = (Board.of(_as_prepared(each, prepared, tags)) for each in (one, other))
    draws = Draws(first.group, seed)
    mine, theirs = (judge(board.truth, board.arms["tuned"], draws, []) for board in (first, second))
    found = against(mine, theirs, draws, (f"{names[0]} is better", f"{names[1]} is better"))
    return {"clusters": draws.count, "tags": len(tags), **found, "sentences": compared(found, names)}


def _as_prepared(run: pd.DataFrame, prepared: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return a run with the truth and the clusters that are prepared now, of some tags."""
    facts = prepared.set_index("row_id").reindex(run["row_id"])
    if absent := int(facts["group"].isna().sum()):
        raise Refusal(f"{absent} predictions are of rows that are not prepared; compare runs of the present source.")
    now = ["group", *(TARGET + tag for tag in tags)]
    kept = [name for name in run if name not in now and not str(name).startswith(TARGET)]
    return pd.concat([run[kept], facts[now].set_axis(run.index)], axis=1)


def _judged(
    board: Board, prepared: pd.DataFrame, facts: pd.DataFrame, draws: Draws, settings: Settings
) -> dict[str, Judged]:
    base = prior(board, prepared)
    rungs = {"prior": base, "tag_name": tag_name(board, facts, base)} | board.arms
    tops = [top for top in settings.top if top <= len(board.tags)]
    order = [*(name for name in ORDER if name in rungs), *sorted(rungs.keys() - set(ORDER))]
    return {name: judge(board.truth, rungs[name], draws, tops) for name in order}


def _verdicts(judged: Mapping[str, Judged], draws: Draws) -> Report:
    floor = judged.get("floor")
    simple = ("prior", "tag_name", "floor", "natural")
    return {
        "ladder": ladder(judged, draws),
        "tuned_against": {n: against(judged["tuned"], each, draws) for n, each in judged.items() if n != "tuned"},
        "against_floor": {
            name: against(each, floor, draws) for name, each in judged.items() if floor and name not in simple
        },
        "resampling": resampling(judged, draws),
    }


def _rows(board: Board, draws: Draws, prepared: pd.DataFrame) -> Report:
    number = board.truth.sum(axis=1)
    return {
        "scored": len(number),
        "clusters": draws.count,
        "repeats": board.repeats,
        "tags": len(board.tags),
        "tags_per_row": float(number.mean()),
        "without_tags": int((number == 0).sum()),
        "clock": has_clock(prepared),
        "arms_left_out": board.left_out,
    }


def _scores(report: Report) -> Report:
    rungs = report["ladder"]
    return {
        "rows": report["rows"]["scored"],
        **dict(zip(("micro_f1", "micro_f1_low", "micro_f1_high"), _ends(rungs["tuned"]), strict=True)),
        "macro_f1": rungs["tuned"]["macro_f1"]["value"],
        "lrap": rungs["tuned"]["lrap"]["value"],
        "floor_micro_f1": rungs["floor"]["micro_f1"]["value"] if "floor" in rungs else None,
        "prior_micro_f1": rungs["prior"]["micro_f1"]["value"],
    }


def _plots(report: Report, judged: Mapping[str, Judged]) -> Tables:
    rungs = [(name, *_ends(rung)) for name, rung in report["ladder"].items()]
    tags = [(row["tag"], *_ends(row, "f1"), row.get("floor_f1")) for row in report["tags"]]
    rows = report["rows"]["scored"]
    outcomes = [(row["tag"], name, row[short] / rows) for row in report["tags"] for name, short in OUTCOMES.items()]
    repeats = pd.DataFrame({name: rung.figures["micro_f1"][0] for name, rung in judged.items()})
    return {
        "ladder": pd.DataFrame(rungs, columns=["rung", "micro_f1", "low", "high"]),
        "tag_f1": pd.DataFrame(tags, columns=["tag", "f1", "low", "high", "floor"]),
        "outcomes": pd.DataFrame(outcomes, columns=["tag", "outcome", "share"]),
        "repeats": repeats.rename_axis("repeat").reset_index(),
    }


def _ends(row: Report, figure: str = "micro_f1") -> list[float | None]:
    return [row[figure][end] for end in ENDS]
