"""Graded units: every prediction that can be graded, with its market, one row per unit, in time order.

A unit is a row if a quantity or a probability is predicted, and a race if shares of one win are: a race is represented
by the model's favourite.
"""

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence, compute_once
from stages.diagnose.units.scored_units import ARM, ScoredPredictions, build_scored_predictions
from trueline.core.stats import group_ops
from trueline.core.stats.group_ops import Codes, Floats
from trueline.core.stats.probability_scores import compute_log_losses
from trueline.core.stored_tables.row_lookup import lookup_rows

TIERS = ((5.0, 1.0), (3.0, 2.0), (1.0, 3.0))  # least distance from the market (target's unit), tier
NUMERIC_COLUMNS = ("tier", "model", "market", "bias", "hit", "prediction", "actual")


@compute_once
def build_graded_units(evidence: Evidence) -> pd.DataFrame:
    """Return one row per unit, in time order, with the losses of the tuned arm's prediction and of the market.

    Columns: row_id, entity, block (its group), day (midnight), tier (1 to 3 by distance from the market; missing within
    1 of it, and unless a quantity is predicted), model and market (losses: |error| in the target's unit for quantities,
    nats for shares and probabilities; market is missing without one), bias (prediction − target; missing for shares),
    hit (1 won, 0 lost, missing without a decided pick), prediction, actual; for shares also market_hit. Quantities are
    picked at `hit_edge` from the market, shares by favourite; tied favourites share their wins. Empty if the arm is not
    predicted.
    """
    if ARM not in evidence.predictions or "target" not in evidence.predictions:
        return _make_empty_units()
    scored = build_scored_predictions(evidence)
    units = _grade_races(scored) if scored.kind == "share" else _grade_rows(scored, evidence.limits.hit_edge)
    position = lookup_rows(units["row_id"], evidence.prepared["row_id"])
    units.insert(1, "entity", evidence.prepared["entity"].array.take(position, allow_fill=True))
    ordered = units if units["time"].is_monotonic_increasing else units.sort_values("time", kind="stable")
    return ordered.drop(columns="time").reset_index(drop=True)


def assign_tiers(distance: Floats) -> Floats:
    """Return tier 1 from a distance of 5, 2 from 3, 3 from 1; missing below 1 and if the distance is missing."""
    tiers = np.full(len(distance), np.nan)
    for min_distance, tier_number in reversed(TIERS):
        tiers[np.abs(distance) >= min_distance] = tier_number
    return tiers


def _grade_rows(scored: ScoredPredictions, edge: float | None) -> pd.DataFrame:
    is_quantity = scored.kind == "quantity"
    model_loss, market_loss = (
        np.abs(forecast - scored.y) if is_quantity else compute_log_losses(forecast, scored.y)
        for forecast in (scored.p, scored.market)
    )
    return _build_unit_keys(scored.rows).assign(
        tier=assign_tiers(scored.p - scored.market) if is_quantity else np.nan,
        model=model_loss,
        market=market_loss,
        bias=scored.p - scored.y,
        hit=_compute_hits(scored, edge) if is_quantity and edge is not None else np.nan,
        prediction=scored.p,
        actual=scored.y,
    )


def _compute_hits(scored: ScoredPredictions, edge: float) -> Floats:
    # here and below: one domain's code is no dependency of another domain's tasks
    from trueline.core.betting.grading import grade_picks, pick_by_edge

    picks = grade_picks(pick_by_edge(scored.p, scored.market, edge), scored.market, scored.y)
    return np.where(picks.is_decided, picks.is_won.astype(float), np.nan)


def _grade_races(scored: ScoredPredictions) -> pd.DataFrame:
    from trueline.core.racing.race_losses import compute_race_losses

    has_market = np.isfinite(scored.market) & (scored.market >= 0) & (scored.market <= 1)
    priced = np.bincount(scored.group, weights=~has_market) == 0
    market = group_ops.normalize_by_group(np.where(has_market, scored.market, 0.0), scored.group)
    favourite, first_rows, hit = _find_favourites(scored.p, scored.y, scored.group)
    return _build_unit_keys(scored.rows.iloc[first_rows]).assign(
        tier=np.nan,
        model=scored.compute_losses(),
        market=np.where(priced, compute_race_losses(market, scored.y, scored.group), np.nan),
        bias=np.nan,
        hit=hit,
        prediction=favourite,
        actual=hit,
        market_hit=np.where(priced, _find_favourites(market, scored.y, scored.group)[2], np.nan),
    )


def _find_favourites(probability: Floats, won: Floats, code: Codes) -> tuple[Floats, Codes, Floats]:
    """Return for each group the highest probability, the first row with it, and the mean win of all rows with it."""
    group_count = int(code.max()) + 1 if len(code) else 0
    highest = np.full(group_count, -np.inf)
    np.maximum.at(highest, code, probability)
    favourite_rows = np.flatnonzero(probability == highest[code])
    first_rows = favourite_rows[np.unique(code[favourite_rows], return_index=True)[1]]
    wins = np.bincount(code[favourite_rows], weights=won[favourite_rows], minlength=group_count)
    return highest, first_rows, wins / np.maximum(np.bincount(code[favourite_rows], minlength=group_count), 1)


def _build_unit_keys(rows: pd.DataFrame) -> pd.DataFrame:
    day = rows["time"].dt.normalize().astype("datetime64[ns]")
    keys = {"row_id": rows["row_id"], "block": rows["group"], "day": day, "time": rows["time"]}
    return pd.DataFrame(keys).reset_index(drop=True)


def _make_empty_units() -> pd.DataFrame:
    dtypes = {"row_id": "object", "entity": "object", "block": "object", "day": "datetime64[ns]"}
    return pd.DataFrame(columns=[*dtypes, *NUMERIC_COLUMNS], dtype=float).astype(dtypes)
