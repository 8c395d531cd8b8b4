"""Scored predictions: which predictions can be judged, and the loss of each."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Mask
from stages.diagnose.units.evidence import Evidence, compute_once
from trueline.core.splits.walk_forward import KEY_COLUMNS, TARGET, list_target_columns
from trueline.core.stats import group_ops
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats
from trueline.core.stats.probability_scores import compute_log_losses
from trueline.core.stored_tables.lazy_parquet import make_frame
from trueline.core.stored_tables.row_lookup import drop_duplicate_ids, lookup_rows, take_or_nan

ARM = "tuned"  # the arm that is judged
Kind = Literal["share", "chance", "quantity"]


@dataclass(frozen=True)
class ScoredPredictions:
    """Predictions of one arm in complete groups, with target and market; a unit is a group for shares, else a row.

    The targets of shares sum to 1 in each group and their loss is −ln p(winner) per group; chances lie between 0 and 1
    and their loss is the log loss per row (both in nats); the loss of quantities is the squared error per row.
    """

    rows: pd.DataFrame
    kind: Kind
    p: Floats
    y: Floats
    market: Floats  # NaN where there is none
    group: Codes
    label: Codes  # code of the unit's tag; all 0 if a row has one target

    @property
    def group_count(self) -> int:
        """The number of groups."""
        return int(np.count_nonzero(np.bincount(self.group)))

    @property
    def block(self) -> Codes:
        """The group of each unit."""
        return np.unique(self.group) if self.kind == "share" else self.group

    def select_priced(self) -> "ScoredPredictions":
        """Return the groups that the market prices completely; for quantities, the rows that it prices."""
        has_market = np.isfinite(self.market)
        if self.kind == "quantity":
            return self._select_rows(has_market)
        has_market &= (self.market >= 0) & (self.market <= 1)
        return self._select_rows(_flag_complete_groups(has_market, self.group))

    def compute_losses(self) -> Floats:
        """Return the loss of the predictions by unit."""
        return self._compute_losses_of(self.p)

    def compute_market_losses(self) -> Floats:
        """Return the loss of the market's figures by unit; its shares are normalised to sum to 1 by group."""
        market = group_ops.normalize_by_group(self.market, self.group) if self.kind == "share" else self.market
        return self._compute_losses_of(market)

    def compute_baseline_losses(self) -> Floats:
        """Return the loss by unit of an even share of the group, or else of the mean target (by tag)."""
        if self.kind == "share":
            from trueline.core.racing.race_losses import compute_uniform_losses  # a dependency of racing tasks only

            return compute_uniform_losses(self.group)
        means = np.bincount(self.label, weights=self.y) / np.maximum(np.bincount(self.label), 1)
        return self._compute_losses_of(means[self.label])

    def compute_expected_losses(self) -> Floats:
        """Return the expected loss of each unit if the probabilities are true; zero for quantities."""
        if self.kind == "quantity":
            return np.zeros(len(self.p))
        p = np.clip(self.p, MIN_PROBABILITY, 1.0) if self.kind == "share" else self.p
        return replace(self, y=p)._compute_losses_of(p)

    def _compute_losses_of(self, p: Floats) -> Floats:
        if self.kind == "share":
            from trueline.core.racing.race_losses import compute_race_losses

            return compute_race_losses(p, self.y, self.group)
        return compute_log_losses(p, self.y) if self.kind == "chance" else np.square(p - self.y)

    def _select_rows(self, keep: Mask) -> "ScoredPredictions":
        if keep.all():
            return self
        rows = self.rows[keep]
        group = group_ops.encode_groups(rows["group"])
        selected_arrays = {name: getattr(self, name)[keep] for name in ("p", "y", "market", "label")}
        return replace(self, rows=rows, group=group, **selected_arrays)


@compute_once
def build_scored_predictions(evidence: Evidence) -> ScoredPredictions:
    """Return the tuned arm's predictions in complete groups; none if they or the target are not numeric.

    A row counts once, however often it is predicted: the check `duplicates` reports that. If a row has several targets,
    each is a chance of its own, and `rows` has its `tag`.
    """
    rows = _expand_targets(drop_duplicate_ids(evidence.predictions), ARM)
    if not all(name in rows and pd.api.types.is_numeric_dtype(rows[name]) for name in (ARM, TARGET)):
        rows = rows.iloc[:0].assign(**{ARM: 0.0, TARGET: 0.0})
    p, y, group = rows[ARM].to_numpy(float), rows[TARGET].to_numpy(float), group_ops.encode_groups(rows["group"])
    market, is_share = lookup_market(evidence, rows["row_id"]), has_divided_shares(evidence)
    usable = np.isfinite(p) & np.isfinite(y)
    is_chance = is_share or bool(((y >= 0) & (y <= 1) & (p >= 0) & (p <= 1))[usable].all())
    label = pd.factorize(rows["tag"])[0] if "tag" in rows else np.zeros(len(rows), np.int64)
    scored = ScoredPredictions(
        rows, "share" if is_share else "chance" if is_chance else "quantity", p, y, market, group, label
    )
    if is_share:
        usable &= np.abs(group_ops.sum_by_group(np.nan_to_num(y), group) - 1) < 1e-6
    return scored._select_rows(_flag_complete_groups(usable, group))


def list_prediction_columns(predictions: pd.DataFrame, arm: str) -> list[str]:
    """Return the existing columns that hold an arm's predictions of the targets."""
    wanted = [arm, *(name.replace(TARGET, arm, 1) for name in list_target_columns(predictions) if name != TARGET)]
    return [name for name in wanted if name in predictions]


@compute_once
def has_divided_shares(evidence: Evidence) -> bool:
    """Return whether the targets are shares that sum to 1 within each group that the test folds score."""
    rows, folds = evidence.roles.is_scored, evidence.folds
    if not rows.any() or TARGET not in folds or not pd.api.types.is_numeric_dtype(folds[TARGET]):
        return False
    share = folds[TARGET].to_numpy(float)[rows]
    if not ((share >= 0) & (share <= 1)).all():
        return False
    group = group_ops.encode_groups(folds["group"].iloc[np.flatnonzero(rows)])
    return bool(np.allclose(np.bincount(group, weights=share), 1))


def lookup_market(evidence: Evidence, row_id: pd.Series) -> Floats:
    """Return the market's figure for each row, missing where it has none that stood when the inputs were known."""
    if "soft_label" not in evidence.prepared:
        return np.full(len(row_id), np.nan)
    market = pd.to_numeric(evidence.prepared["soft_label"], errors="coerce").to_numpy(float)
    if "quoted_until" in evidence.prepared:
        from trueline.core.betting.standing_quotes import CLOCK_COLUMNS, flag_standing_lines, has_clock

        times = make_frame(evidence.prepared, list(CLOCK_COLUMNS))
        moment: Literal["before", "at_start"] = "at_start" if evidence.audit.get("known_at_start") else "before"
        market = np.where(flag_standing_lines(times, moment, has_clock(times)), market, np.nan)
    return take_or_nan(market, lookup_rows(row_id, evidence.prepared["row_id"]))


def _expand_targets(predictions: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return one row per target if rows have several."""
    if TARGET in predictions:
        return predictions
    target_columns = [name for name in list_target_columns(predictions) if name.replace(TARGET, arm, 1) in predictions]
    arm_columns = [name.replace(TARGET, arm, 1) for name in target_columns]
    rows = predictions.loc[predictions.index.repeat(len(target_columns)), KEY_COLUMNS].reset_index(drop=True)
    tags = np.tile([name.removeprefix(f"{TARGET}:") for name in target_columns], len(predictions))
    values = {
        name: predictions[source_columns].to_numpy(float).ravel()
        for name, source_columns in ((TARGET, target_columns), (arm, arm_columns))
    }
    return rows.assign(tag=tags, **values)


def _flag_complete_groups(usable: Mask, group: Codes) -> Mask:
    return np.asarray(group_ops.sum_by_group((~usable).astype(float), group) == 0)
