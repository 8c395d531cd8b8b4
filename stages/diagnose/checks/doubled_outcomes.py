"""doubled_outcomes: does one race or game stand in the data twice, under two ids or two spellings of its names?"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence, Finding, make_finding
from trueline.core.splits.walk_forward import KEY_COLUMNS, TARGET, list_target_columns
from trueline.core.stored_tables.lazy_parquet import is_number_column, make_frame
from trueline.core.tables.copied_groups import find_copied_groups

NAME = "Is every race or game in the data only once?"
ASKS = "honesty"

NEAR = pd.Timedelta(days=1)  # two sources may date one event in two time zones
FAILING_SHARE = 0.005  # share of the rows that are copies from which on figures are no longer to be trusted
NAMED_SHARE = 0.001  # share of the raw rows that are copies from which on they are named; clean tables have none
LEAST_DISTINCT = 0.3  # share of the texts that differ, from which on they tell rows apart, even if told three times
COPY_REASON = "under another id"  # how prepare ends the reasons for which it sets copies aside
MIN_OUTCOMES, MIN_ROWS = 3, 3  # figures that must agree in a row, and rows of two entities that must agree
# relative to what is usual for the entity or to its price, which may differ between copies
RELATIVE_OUTCOMES = ("surprise", "surplus", "minutes_surplus", "line_surplus", "share_of_team", "opponent_points")
LEAST_AGREEMENT = 0.5  # share of the rows of the rarer entity that must agree


def check(evidence: Evidence) -> Finding:
    """Fail if over one row in two hundred has a copy, whose result its inputs may know; warn if any has.

    Groups are copies if the same entities have the same targets in both within a day, or if their outcomes agree beyond
    chance on any days. Entities are copies if half of the rows of one, and at least three, repeat all outcomes that
    another has on the same day. Warns, too, of copies under other ids that prepare has set aside, if they are more than
    one row in a thousand: then the source cannot be trusted with the rest.
    """
    targets = [str(name) for name in evidence.prepared.columns if str(name).startswith(TARGET)]
    rows = make_frame(evidence.prepared, ["entity", "group", "time", *targets])
    group_pairs = _find_doubled_groups(evidence, rows, targets) if not evidence.is_timeless else []
    copied_rows = int(rows["group"].astype(str).isin([copy for _, copy in group_pairs]).sum())
    aside, repeated = _read_copies_set_aside(evidence), _compute_share_of_repeated_texts(evidence)
    entity_pairs = [] if evidence.is_timeless else _find_doubled_entities(evidence)
    share = (copied_rows + sum(count for _, _, count in entity_pairs)) / max(len(rows), 1)
    details: dict[str, Any] = {
        "groups": len(group_pairs),
        "entities": len(entity_pairs),
        "share": share,
        "set_aside": aside,
        "repeated_texts": repeated,
        "examples": [*(list(pair) for pair in group_pairs[:5]), *(list(pair[:2]) for pair in entity_pairs[:5])],
    }
    if not group_pairs and not entity_pairs:
        if aside["share"] > NAMED_SHARE:
            summary = f"{aside['share']:.1%} of the raw rows are {aside['reason']}; they are set aside."
            return make_finding("warning", summary, **details)
        if repeated > NAMED_SHARE:
            summary = f"{repeated:.1%} of the rows repeat the texts and targets of another under another id."
            return make_finding("warning", summary, **details)
        return make_finding("ok", "No group and no entity has a copy with the same results.", **details)
    example_pair = details["examples"][0]
    summary = (
        f"{len(group_pairs)} groups and {len(entity_pairs)} entities have a copy with the same results near in time "
        f"({share:.1%} of the rows), for example {example_pair[0]!r} and {example_pair[1]!r}: the inputs of one may "
        "know the result of the other."
    )
    return make_finding("failed" if share > FAILING_SHARE else "warning", summary, **details)


def _read_copies_set_aside(evidence: Evidence) -> dict[str, Any]:
    """Return which share of the raw rows prepare set aside as copies under other ids, and why most of them."""
    losses = evidence.quality.get("intake", {}).get("set_aside", {})
    copies = {reason: loss["share"] for reason, loss in losses.items() if reason.endswith(COPY_REASON)}
    return {"share": sum(copies.values()), "reason": max(copies, key=lambda reason: copies[reason], default=None)}


def _compute_share_of_repeated_texts(evidence: Evidence) -> float:
    """Return the share of rows with the texts and targets of an earlier row, where texts tell rows apart."""
    texts = [
        column.name
        for column in evidence.columns
        if column.name in evidence.prepared
        if column.kind == "text" and column.known == "before" and column.name not in (*KEY_COLUMNS, "entity")
    ]
    names = [name for name in (*texts, *list_target_columns(evidence.folds)) if name in evidence.prepared]
    if not len(evidence.prepared) or not texts or evidence.prepared["entity"].duplicated().any():
        return 0.0
    rows = make_frame(evidence.prepared, names)
    is_telling = len(rows[texts].drop_duplicates()) >= LEAST_DISTINCT * len(rows)
    return float(rows.duplicated().mean()) if is_telling else 0.0


def _find_doubled_groups(evidence: Evidence, rows: pd.DataFrame, targets: list[str]) -> list[tuple[str, str]]:
    """Return pairs of groups that are copies, the earlier first."""
    pairs = set(_find_equal_groups(rows, targets))
    if len(outcomes := _list_outcomes(evidence)) >= MIN_OUTCOMES:
        figures = make_frame(evidence.prepared, outcomes)
        copies = find_copied_groups(figures, rows["group"].astype(str), rows["time"])
        pairs |= set(zip(copies["original"], copies["copy"], strict=True))
    return sorted(pairs)


def _find_equal_groups(rows: pd.DataFrame, targets: list[str]) -> list[tuple[str, str]]:
    """Return pairs of groups with the same entities and targets within a day."""
    entity = pd.DataFrame({"entity": pd.factorize(rows["entity"])[0], **{name: rows[name] for name in targets}})
    row_hash = pd.util.hash_pandas_object(entity, index=False).to_numpy()
    code, groups = pd.factorize(rows["group"])
    size = np.bincount(code, minlength=len(groups))
    # the sum of hashes does not depend on the order of the rows
    signature = np.zeros(len(groups), dtype=np.uint64)
    np.add.at(signature, code, row_hash)
    first_time = rows["time"].groupby(code).min().to_numpy()
    table = pd.DataFrame({"group": groups.astype(str), "signature": signature, "size": size, "time": first_time})
    alike = table[(table["size"] > 1) & table.duplicated(["signature", "size"], keep=False)]
    pairs = []
    for _, group in alike.sort_values(["time", "group"]).groupby("signature"):
        times, names = group["time"].tolist(), group["group"].tolist()
        pairs += [(names[i], names[j]) for i, j in pairwise(range(len(group))) if times[j] - times[i] <= NEAR]
    return pairs


def _list_outcomes(evidence: Evidence) -> list[str]:
    """Return the numbers that are known after the event, and do not depend on what is usual or expected."""
    outcomes = [
        column.name
        for column in evidence.columns
        if column.known == "after" and not column.evaluation_only and column.name not in RELATIVE_OUTCOMES
    ]
    return [name for name in outcomes if name in evidence.prepared and is_number_column(evidence.prepared, name)]


def _find_doubled_entities(evidence: Evidence) -> list[tuple[str, str, int]]:
    """Return pairs of entities many of whose rows agree in all outcomes of a day, and how many do."""
    outcomes = _list_outcomes(evidence)
    if len(outcomes) < MIN_OUTCOMES:
        return []
    rows = make_frame(evidence.prepared, ["entity", "time", *outcomes])
    # a row of few different figures is no evidence: two players may both have scored nothing
    figures = np.sort(rows[outcomes].to_numpy(float), axis=1)
    is_telling = (np.diff(figures, axis=1) > 0).sum(axis=1) >= MIN_OUTCOMES
    rows = rows[is_telling].assign(time=rows["time"].dt.normalize())
    result = pd.util.hash_pandas_object(rows[["time", *outcomes]], index=False)
    starts = pd.DataFrame({"entity": rows["entity"].astype(str), "result": result})
    repeated = starts[starts.duplicated("result", keep=False)].sort_values(["result", "entity"])
    earlier = repeated.shift()
    is_copy = (repeated["result"] == earlier["result"]) & (repeated["entity"] != earlier["entity"])
    pairs = pd.DataFrame({"first": earlier.loc[is_copy, "entity"], "second": repeated.loc[is_copy, "entity"]})
    counts = pairs.value_counts().rename("count").reset_index()
    row_counts = starts["entity"].value_counts()
    rarer = np.minimum(counts["first"].map(row_counts), counts["second"].map(row_counts))
    copies = counts[(counts["count"] >= MIN_ROWS) & (counts["count"] >= LEAST_AGREEMENT * rarer)]
    return sorted(zip(copies["first"], copies["second"], copies["count"].astype(int).tolist(), strict=True))
