"""compare-shadow: a champion and its challenger on the very same requests, and which is right more often."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.blocks import Blocks
from core.intervals import verdict
from core.races import Floats, codes, losses
from core.refusals import Refusal
from experiments import shadow_log, shadow_outcomes
from experiments.layout import number
from experiments.shadow_log import Asked, Both, Row

LOG = "predictions"
SHOWN = 5  # tags on which the two differ most
TINY = 1e-12  # a chance of nought that comes true would cost infinitely much

Found = dict[str, Any]


def compare(task: str, log: Path, source: Path | None, seed: int) -> Found:
    """Return how the answers of a champion and its shadow differ and, where outcomes are known, which loses less.

    Judged are rows with an outcome in the prepared table that neither model had learned from (nor a row of their day,
    race or cluster). `difference` is challenger less champion, so less than 0 is for the better, with an interval from
    drawn blocks. Without such rows `verdict` is None: how much two models disagree does not say which is right.
    """
    asked = shadow_log.read(log, task)
    found: Found = {
        "task": task,
        "champion": asked.champion,
        "challenger": asked.challenger,
        "requests": len(asked.requests),
        "rows": len(asked.rows),
        "alone": asked.alone,
        "others": [{"versions": list(versions), "requests": count} for versions, count in asked.others.items()],
        "predictions": predictions(asked),
        "decisions": decisions(asked),
    }
    found |= judged(task, asked, source, seed)
    return found | {"sentences": sentences(found)}


def predictions(asked: Asked) -> Found:
    """Return how far the predictions lie apart, in their own unit; of tags also on which of them most."""
    names, champion, challenger = _numbers(asked.rows)
    apart = challenger - champion
    size = np.abs(apart)
    found: Found = {
        "mean": float(apart.mean()),
        "mean_absolute": float(size.mean()),
        "p95_absolute": float(np.quantile(size, 0.95)),
        "largest": float(size.max()),
        "identical": float((apart == 0).mean()),
    }
    if names:
        most = sorted(zip(names, apart.T, strict=True), key=lambda one: -float(np.abs(one[1]).mean()))[:SHOWN]
        found["by_tag"] = [
            {"tag": tag, "mean": float(column.mean()), "mean_absolute": float(np.abs(column).mean())}
            for tag, column in most
        ]
    return found


def decisions(asked: Asked) -> Found:
    """Return how often the two would have decided otherwise: tags given, the favourite, or the side of the line."""
    first = asked.rows[0][0]
    if "given" in first:
        return _counted("tags given", [set(one["given"]) != set(other["given"]) for one, other in asked.rows])
    if "box" in first:
        return _counted("favourite", [_favourite(request, 0) != _favourite(request, 1) for request in asked.requests])
    with_line = [(one, other) for one, other in asked.rows if one.get("line") is not None]
    sides = [[np.sign(row["predicted"] - both[0]["line"]) for row in both] for both in with_line]
    return _counted("side of the line", [one != other for one, other in sides])


def judged(task: str, asked: Asked, source: Path | None, seed: int) -> Found:
    """Return the losses on rows whose outcome is known and new to both models, and the verdict."""
    none: Found = {"verdict": None, "known": 0, "learned": 0, "why": "no outcome of what was asked is known"}
    table = shadow_outcomes.prepared(task, source)
    held = shadow_outcomes.matched(task, asked.rows, table) if table is not None else []
    if table is None or not held:
        return none
    try:
        groups = [shadow_outcomes.learned(task, version, table) for version in (asked.champion, asked.challenger)]
    except Refusal as said:
        return none | {"known": len(held), "why": str(said).rstrip(".")}
    new = [(place, both) for place, both in held if table["group"].iloc[place] not in groups[0] | groups[1]]
    counts = {"known": len(held), "learned": len(held) - len(new)}
    lost = _losses(new, table)
    if not len(lost):
        return none | counts | {"why": "a model had learned from every row whose outcome is known, or no race is whole"}
    blocks = Blocks(lost["group"], seed)
    difference = blocks.mean(lost["challenger"] - lost["champion"])
    means = {arm: float(lost[arm].mean()) for arm in ("champion", "challenger")}
    unit = lost.attrs["unit"]
    return {
        "verdict": verdict(difference, "better", "worse"),
        **counts,
        "why": None,
        "loss": {"unit": unit, "rows": len(lost), **means, "difference": dict(difference)},
    }


def sentences(found: Found) -> list[str]:
    """Return the comparison in words."""
    apart, decided = found["predictions"], found["decisions"]
    said = [
        f"{found['champion']} answered, {found['challenger']} shadowed: both answered {found['requests']:,} requests "
        f"of {found['rows']:,} rows; {found['alone']:,} requests meanwhile only the champion.",
        f"Predictions lie {number(apart['mean_absolute'])} apart on average, 95 of 100 within "
        f"{number(apart['p95_absolute'])}, none beyond {number(apart['largest'])}; challenger less champion is "
        f"{apart['mean']:+.4f} on average.",
        f"Another decision ({decided['what']}) in {decided['differ']:,} of {decided['of']:,}.",
    ]
    if found["others"]:
        count = sum(one["requests"] for one in found["others"])
        said.append(f"The log holds {count:,} requests of earlier champions and shadows, which are left out.")
    return [*said, _verdict(found)]


def _verdict(found: Found) -> str:
    if found["verdict"] is None:
        return f"No verdict is possible: {found['why']}. How much two models disagree does not say which is right."
    loss = found["loss"]
    gap = loss["difference"]
    ends = "too few blocks for an interval" if gap["low"] is None else f"{gap['low']:+.4f} to {gap['high']:+.4f}"
    left = f"; {found['learned']:,} more rows left out, for a model had learned from them" if found["learned"] else ""
    return (
        f"The challenger is {found['verdict']}: {loss['unit']} {number(loss['challenger'])} against "
        f"{number(loss['champion'])}, difference {gap['value']:+.4f} ({ends}), {loss['rows']:,} rows or races in "
        f"{gap['n']:,} blocks{left}."
    )


def _losses(held: Sequence[tuple[int, Both]], table: pd.DataFrame) -> pd.DataFrame:
    """Return a loss of each arm, with its group; a row an outcome, or a race."""
    if not held:
        return pd.DataFrame()
    measure, unit = _measure(held[0][1][0])
    places = [place for place, _ in held]
    lost = measure([both for _, both in held], table.iloc[places], shadow_outcomes.whole(places, table))
    lost.attrs["unit"] = unit
    return lost


Measure = Callable[[list[Both], pd.DataFrame, Any], pd.DataFrame]


def _measure(row: Row) -> tuple[Measure, str]:
    if isinstance(row["predicted"], dict):
        return _of_tags, "mean log loss of a tag"
    return (_of_races, "log loss of a race") if "box" in row else (_of_numbers, "mean absolute error")


def _of_tags(rows: list[Both], outcomes: pd.DataFrame, whole: Any) -> pd.DataFrame:
    names, *arms = _numbers(rows)
    tags = [tag for tag in names if f"target:{tag}" in outcomes]
    columns = [names.index(tag) for tag in tags]
    target = outcomes[[f"target:{tag}" for tag in tags]].to_numpy(float)
    lost = [_log_loss(np.clip(arm[:, columns], TINY, 1 - TINY), target).mean(axis=1) for arm in arms]
    return _table(outcomes["group"], lost)


def _of_numbers(rows: list[Both], outcomes: pd.DataFrame, whole: Any) -> pd.DataFrame:
    target = outcomes["target"].to_numpy(float)
    return _table(outcomes["group"], [np.abs(arm[:, 0] - target) for arm in _numbers(rows)[1:]])


def _of_races(rows: list[Both], outcomes: pd.DataFrame, whole: Any) -> pd.DataFrame:
    """Return the loss of every race whose runners were all posted, in one request, and no others."""
    request = pd.Series([both[0]["request"] for both in rows], outcomes.index)
    whole = whole & (request.groupby(outcomes["group"]).transform("nunique") == 1).to_numpy()
    group, target = outcomes["group"][whole], outcomes["target"].to_numpy(float)[whole]
    arms = [arm[whole, 0] for arm in _numbers(rows)[1:]]
    return _table(group.drop_duplicates(), [losses(arm, target, codes(group)) for arm in arms])


def _table(group: pd.Series, lost: Sequence[Floats]) -> pd.DataFrame:
    rows = pd.DataFrame({"group": group.to_numpy(), "champion": lost[0], "challenger": lost[1]})
    return rows.dropna(ignore_index=True)


def _log_loss(p: Floats, target: Floats) -> Floats:
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log(1 - p)))


def _numbers(rows: Sequence[Both]) -> tuple[list[str], Floats, Floats]:
    """Return the names that both predict (none where a row has one number), and the numbers, rows × names, of each."""
    first = rows[0]
    if not isinstance(first[0]["predicted"], dict):
        one, other = (np.array([[both[arm]["predicted"]] for both in rows], dtype=np.float64) for arm in (0, 1))
        return [], one, other
    names = [name for name in first[0]["predicted"] if name in first[1]["predicted"]]
    if not names:
        raise Refusal("the champion and its shadow know no tag in common, so nothing can be compared.")
    one, other = (
        np.array([[both[arm]["predicted"][name] for name in names] for both in rows], dtype=np.float64)
        for arm in (0, 1)
    )
    return names, one, other


def _favourite(request: list[Both], arm: int) -> Any:
    return max((both[arm] for both in request), key=lambda row: float(row["predicted"]))["box"]


def _counted(what: str, differing: Sequence[bool]) -> Found:
    return {"what": what, "differ": sum(map(bool, differing)), "of": len(differing)}
