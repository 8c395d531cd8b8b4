"""Intake: how much of a source was kept, what was lost for which reason, and when too much was."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trueline.core.errors import UserError

Intake = dict[str, Any]
Example = dict[str, Any]
MEASURES = ("rows", "groups", "days")


class IntakeError(UserError):
    """A source of which too little is left; `quality` is the report that is written all the same."""

    def __init__(self, sentence: str, quality: Mapping[str, Any]) -> None:
        super().__init__(sentence)
        self.quality = dict(quality)


def summarise_intake(
    keys: pd.DataFrame,
    reasons: pd.Series,
    examples: Mapping[str, Example],
    group_word: str,
    notes: list[str],
    look_meant: Mapping[str, str],
    no_loss: Collection[str] = (),
    hints: Sequence[str] = (),
) -> Intake:
    """Return the part `intake` of a quality report.

    `keys` has a row for each raw row that counts, with its `group` and `day`; `reasons` gives why rows were set aside,
    under their index in `keys`; for reasons in `no_loss` nothing is lost, because the rows are copies, or were meant to
    be left out. `examples` are from `make_example`, by reason. `hints` are sentences that may explain a loss.
    """
    all_rows = len(keys)
    keys = keys.drop(index=reasons.index[reasons.isin(list(no_loss))])
    kept_keys = keys.drop(index=reasons.index, errors="ignore")
    lost_rows = reasons.value_counts()
    return {
        "group_word": group_word,
        "rows": {"in": len(keys), "kept": len(kept_keys)},
        "groups": {"in": int(keys["group"].nunique()), "kept": int(kept_keys["group"].nunique())},
        "days": {"in": int(keys["day"].nunique()), "kept": int(kept_keys["day"].nunique())},
        "set_aside": {
            str(reason): {
                "rows": int(count),
                "share": count / all_rows,
                "is_loss": str(reason) not in no_loss,
                "example": examples.get(str(reason)),
            }
            for reason, count in lost_rows.items()
        },
        "notes": notes,
        "hints": list(hints),
        "look_meant": dict(look_meant),
    }


def make_example(raw: pd.DataFrame, row: int, column: str, setting: str | None = None) -> Example:
    """Return an example of a faulty cell: its column, value and row (from 1), and the setting that judges it."""
    value: Any = raw.loc[row, column] if column in raw else None
    return {
        "column": column,
        "value": None if pd.isna(value) else str(value),
        "row": int(row) + 1,
        "setting": setting,
    }


def describe_example(example: Example | None) -> str:
    """Return ", for example …" with column, value and row; nothing if there is no example."""
    if example is None:
        return ""
    value = "nothing" if example["value"] is None else repr(example["value"])
    return f", for example {value} as {example['column']} in row {example['row']}"


def describe_intake(intake: Intake) -> Iterator[str]:
    """Yield the lines that tell how much came in, was kept and was set aside, and the notes."""
    rows, groups, days = (intake[measure] for measure in MEASURES)
    kept_share = _compute_kept_share(rows)
    yield (
        f"{rows['kept']:,} of {rows['in']:,} rows kept ({kept_share:.1%}), {groups['kept']:,} of {groups['in']:,} "
        f"{intake['group_word']}, {days['kept']:,} of {days['in']:,} days"
    )
    for reason, loss in intake["set_aside"].items():
        kind = "set aside" if loss["is_loss"] else "set aside without loss"
        yield f"{kind}: {loss['rows']:,} rows ({loss['share']:.1%}), {reason}{describe_example(loss['example'])}"
    yield from (*intake["notes"], *intake["hints"])


def refuse_large_loss(quality: Mapping[str, Any], most_set_aside: float, task: str) -> None:
    """Raise IntakeError if a larger share than `most_set_aside` of the rows, groups or days was set aside.

    A further table has an intake of its own, under a name that ends in `_intake`.
    """
    for name, intake in quality.items():
        if name == "intake" or name.endswith("_intake"):
            _refuse_loss(intake, quality, most_set_aside, task)


def _refuse_loss(intake: Intake, quality: Mapping[str, Any], most_set_aside: float, task: str) -> None:
    lost_shares = {measure: 1 - _compute_kept_share(intake[measure]) for measure in MEASURES if intake[measure]["in"]}
    measure = max(lost_shares, key=lambda name: lost_shares[name], default="rows")
    if lost_shares.get(measure, 0) <= most_set_aside:
        return
    counts = intake[measure]
    noun = intake["group_word"] if measure == "groups" else measure
    raise IntakeError(
        f"{counts['in'] - counts['kept']:,} of {counts['in']:,} {noun} ({lost_shares[measure]:.0%}) are set aside, "
        f"more than prepare.{task}.most_set_aside allows ({most_set_aside:g}); {describe_main_loss(intake, task)}.",
        quality,
    )


def describe_main_loss(intake: Intake, task: str) -> str:
    """Return the reason for which most rows were lost, with an example and what to do about it."""
    reason, loss = max(intake["set_aside"].items(), key=lambda item: item[1]["rows"])
    return f"most ({loss['rows']:,} rows) for {reason!r}{describe_remedy(intake, reason, task)}"


def describe_remedy(intake: Intake, reason: str, task: str) -> str:
    """Return an example of what was set aside for a reason, the hints, and what to do."""
    example = intake["set_aside"][reason]["example"]
    setting = example and example["setting"]
    remedy = f"fix it, or set prepare.{task}.{setting}" if setting else "fix it in the source"
    return "; ".join([describe_example(example), *intake["hints"], remedy])


def _compute_kept_share(counts: Mapping[str, int]) -> float:
    return counts["kept"] / counts["in"] if counts["in"] else 1.0
