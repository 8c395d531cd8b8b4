"""Simulated evidence: what the pipeline would have written about a world of the fault laboratory."""

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import CheckLimits, Evidence
from trueline.benchmarks.fault_lab.simulated_world import ROLE_MINUTES, World
from trueline.core.splits.walk_forward import KEY_COLUMNS, WalkForwardSettings, list_folds, walk_forward
from trueline.core.tables.table_schema import Column

PRODUCTION_MODEL = "house_form"
FOLD_SETTINGS = WalkForwardSettings(
    first_day=None, first_test=0.25, last_test=None, test_days=70, calibrate_days=14, calibrate_rows=None,
    tune_folds=1, tune_days=14,
    window_days=None, embargo_days=0, label_delay_days=0, sealed_days=None, shorten=False, final="newest",
)  # fmt: skip
LIMITS = CheckLimits(
    missing_share=0.5, shift=0.25, slope_low=0.9, slope_high=1.1, r2_too_good=0.75, r2_over_market=0.02,
    gain_doubtful=0.01, gain_too_good=0.02, segment_groups=60, equal_inputs_share=0.01, default_share=0.6,
    market_bias=1.5, hit_edge=1.0, hit_rate_too_good=0.58, hit_rate_picks=500,
    error_below_market=0.3, result_correlation=0.12,
)  # fmt: skip
COLUMNS = [
    Column("row_id", "text", "before", "player and day", nullable=False),
    Column("entity", "text", "before", "the player", nullable=False),
    Column("group", "text", "before", "the day: its games are simultaneous", nullable=False),
    Column("time", "time", "before", "the day", nullable=False),
    Column("target", "number", "after", "the points that are predicted", nullable=False),
    Column("soft_label", "number", "at_start", "the line"),
    Column("team", "text", "before", "the player's team"),
    Column("opponent", "text", "before", "the other team"),
    Column("home", "whole", "before", "1 at home, 0 away", low=0, high=1),
    Column("minutes", "number", "after", "minutes played", "minutes"),
    Column("last_5", "number", "before", "mean of the player's last five games"),
    Column("last_10", "number", "before", "mean of the last ten"),
    Column("usual", "number", "before", "mean of the last twenty"),
    Column("usual_minutes", "number", "before", "mean minutes of the last ten", "minutes"),
    Column("role", "text", "before", "by usual minutes; missing in a first game", allowed=tuple(ROLE_MINUTES)),
    Column("open_line", "number", "before", "the market's first line"),
    Column("line_type", "text", "at_start", "what can grade the row", allowed=("actual", "estimated", "none")),
    Column("estimated_line", "number", "before", "mean of the last five games to the nearest half: no market's number"),
    Column("production", "number", "after", "what was predicted in production", evaluation_only=True),
    Column("production_model", "text", "after", "the model that did", evaluation_only=True),
    Column("production_line", "number", "after", "the line it was graded by", evaluation_only=True),
    Column("production_line_type", "text", "after", "actual or estimated", evaluation_only=True),
    Column("production_at", "time", "after", "when it predicted, UTC", evaluation_only=True),
]


def build_evidence(world: World) -> Evidence:
    """Return a world as the checks of the diagnose stage see one: declared columns, folds, predictions of every arm."""
    rows = world.rows.assign(row_id=world.rows["entity"] + ":" + world.rows["group"])
    folds = pd.concat(
        [rows[[*KEY_COLUMNS, "target", "soft_label"]], walk_forward(rows["time"], rows["number"], FOLD_SETTINGS)],
        axis=1,
    )
    scoring_folds = _find_scoring_folds(folds)
    prepared = rows.assign(**_build_production_log(world, scoring_folds.notna()))[[column.name for column in COLUMNS]]
    return Evidence(
        task="props",
        predictions=_build_predictions(world, rows, scoring_folds),
        prepared=prepared,
        columns=COLUMNS,
        features=pd.concat([rows["row_id"], world.inputs], axis=1),
        folds=folds,
        report={},
        audit={},
        limits=LIMITS,
        seed=world.seed,
    )


def _find_scoring_folds(folds: pd.DataFrame) -> pd.Series:
    """Return the test fold that scores each row."""
    scoring_folds = pd.Series(None, index=folds.index, dtype=object)
    for name in list_folds(folds, "test"):
        scoring_folds = scoring_folds.mask(folds[name] == "score", name)
    return scoring_folds


def _build_predictions(world: World, rows: pd.DataFrame, fold: pd.Series) -> pd.DataFrame:
    """Return the predictions of the tuned arm, and of a baseline: the mean of the player's last ten games."""
    baseline = world.inputs["mean_10"].fillna(world.rows["target"].mean())
    predictions = rows[[*KEY_COLUMNS, "target"]].assign(fold=fold, tuned=world.tuned, baseline=baseline)
    predicted_indices = np.flatnonzero(fold.notna() & np.isfinite(world.tuned))
    row_counts = 1 + world.is_duplicated[predicted_indices]
    return predictions.iloc[np.repeat(predicted_indices, row_counts)].reset_index(drop=True)


def _build_production_log(world: World, is_served: pd.Series) -> dict[str, pd.Series]:
    """Return the production log: the same model as it was at the time, graded by the same lines."""
    rows = world.rows
    production_model = world.tuned + rows["served_error"]
    logged = ((1 - world.leak_weight) * production_model + world.leak_weight * rows["target"]).round(2).where(is_served)
    is_logged = logged.notna()
    has_line = is_logged & rows["soft_label"].notna()
    return {
        "production": logged,
        "production_model": pd.Series(PRODUCTION_MODEL, index=rows.index).where(is_logged),
        "production_line": rows["soft_label"].where(is_logged),
        "production_line_type": pd.Series("actual", index=rows.index).where(has_line),
        "production_at": world.logged_at.where(is_logged),
    }
