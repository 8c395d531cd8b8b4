"""The daily table: figures equal plain loops over days, no row depends on a later one, and every null has a reason."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.monitoring.completeness import _find_commonest_values
from stages.diagnose.monitoring.daily_columns import COLUMN_GROUPS, COLUMNS
from stages.diagnose.monitoring.daily_sums import DailySums, compute_daily_sums, compute_difficulty
from stages.diagnose.monitoring.daily_table import compute_daily_table
from stages.diagnose.monitoring.drift_score import compute_drift_score
from stages.diagnose.monitoring.market_sharpness import label_sharpness
from stages.diagnose.monitoring.mean_shift import compute_baseline
from stages.diagnose.monitoring.monitoring_settings import RuleSettings, Settings, WindowSettings
from stages.diagnose.monitoring.trailing_rates import compute_trailing_rate, estimate_overdispersion
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.graded_units import build_graded_units
from tests.stages.diagnose.test_graded_units import LIMITS, races
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.stats.confidence_intervals import compute_wilson_interval
from trueline.core.tables.table_schema import Column, read_table, validate_table, write_table
from trueline.daily_sql import render_table_definition

WINDOWS = WindowSettings(
    window_days=14, baseline_days=60, least_units=40, least_picks=20, least_days=15, drift_prior=0.05, hit_drop=0.07,
    loss_rise=0.5, bias=0.5,
)  # fmt: skip
RULES = RuleSettings(
    rules="calibrated", reference_days=90, season_days=120, false_alarms=1.0, beat_drop=0.07, block_days=7, draws=40,
    together_days=7, power=0.8, power_days=60, critical_beats=42.0, critical_hits=50.0, warning_beats=45.0,
    warning_drift=40.0, info_change=5.0,
)  # fmt: skip
SETTINGS = Settings(windows=WINDOWS, rules=RULES)
FIRST = pd.Timestamp("2026-01-01")
HISTORY, DAYS, DAILY = 30, 160, 16
BREAK, OUTAGE, UNPRICED = range(100, 110), range(130, 133), range(40)  # days, counted from the first scored one


def made(seed: int = 0, days: int = DAYS, worse_from: int = DAYS) -> Evidence:
    """Return predictions of a quantity with lines from day 40, a break, an outage, and a model that can lose skill."""
    random = np.random.default_rng(seed)
    rows = (HISTORY + days) * DAILY
    day = np.repeat(np.arange(-HISTORY, days), DAILY)
    level = np.maximum(random.normal(14, 6, rows), 2)
    line = np.round(2 * (level + random.normal(0, 1.5, rows))) / 2
    table = pd.DataFrame({
        "row_id": [f"r{number}" for number in range(rows)],
        "entity": [f"e{number % 40}" for number in range(rows)],
        "group": [f"g{number}" for number in day],
        "time": (FIRST + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"),
        "target": np.maximum(np.round(level + (2 + 0.2 * level) * random.normal(size=rows)), 0),
        "soft_label": np.where(np.isin(day, UNPRICED) | (random.random(rows) < 0.1), np.nan, line),
    })  # fmt: skip
    prediction = level + random.normal(0, 2.0, rows) + 4.0 * random.normal(size=rows) * (day >= worse_from)
    inputs = pd.DataFrame({"level": level + random.normal(0, 3, rows), "form": random.normal(size=rows), "home": 1.0})
    played = ~np.isin(day, BREAK)
    scored = played & (day >= 0)
    folds = table.drop(columns="entity")[played].assign(test_0=np.where(scored, "score", "fit")[played])
    predicted = scored & ~np.isin(day, OUTAGE)
    predictions = table[["row_id", "group", "time", "target"]].assign(fold="test_0", tuned=prediction)[predicted]
    columns = [Column("soft_label", "number", "at_start", "the market")]
    features = inputs.assign(row_id=table["row_id"])[played]
    parts = [part.reset_index(drop=True) for part in (predictions, table[played], features, folds)]
    return Evidence("any", parts[0], parts[1], columns, parts[2], parts[3], {}, {}, LIMITS, seed)


def cut(evidence: Evidence, day: int) -> Evidence:
    """Return the evidence that was available at the end of a day."""
    over = FIRST + pd.Timedelta(days=day + 1)
    held = {name: getattr(evidence, name) for name in ("predictions", "prepared", "folds")}
    parts = {name: table[table["time"] < over].reset_index(drop=True) for name, table in held.items()}
    known = evidence.features["row_id"].isin(parts["prepared"]["row_id"])
    return replace(evidence, **parts, features=evidence.features[known].reset_index(drop=True))


def tabled(evidence: Evidence, settings: Settings = SETTINGS) -> pd.DataFrame:
    return compute_daily_table(evidence, settings)


@cache
def whole() -> tuple[Evidence, pd.DataFrame]:
    return made(), tabled(made())


def _reasoned(table: pd.DataFrame) -> None:
    for group, columns in COLUMN_GROUPS.items():
        missing = table[[column.name for column in columns]].isna().any(axis=1)
        reason = table[f"{group}_reason"]
        assert (missing == reason.notna()).all(), group
        assert reason.dropna().str.len().gt(5).all()
    grouped = {column.name for columns in COLUMN_GROUPS.values() for column in columns}
    always_known = [
        column.name for column in COLUMNS if column.name not in grouped and not column.name.endswith("_reason")
    ]
    assert not table[always_known].isna().to_numpy().any()


def test_no_figure_is_null_without_a_reason_and_no_reason_without_a_null() -> None:
    evidence, table = whole()
    _reasoned(table)
    _reasoned(tabled(races(0, 60)))
    _reasoned(tabled(replace(evidence, prepared=evidence.prepared.drop(columns="soft_label"))))
    _reasoned(tabled(replace(evidence, predictions=evidence.predictions.iloc[:0])))
    rules = RULES.model_copy(update={"rules": "preset"})
    _reasoned(tabled(evidence, Settings(windows=WINDOWS, rules=rules)))


def test_reasons_name_what_is_missing() -> None:
    _, table = whole()
    assert table["sharpness_reason"].iloc[10].endswith("no lines")
    assert "days with lines before them" in table["sharpness_reason"].iloc[60]
    assert "hit_rate_30d: insufficient n (11 picks of 20)" in tabled(made(1, 60))["drift_reason"].iloc[40]
    race = tabled(races(0, 60))
    assert race["drift_reason"].str.contains("decision kind without signed error").all()
    assert race["sharpness_reason"].str.contains("decision kind without tiers").all()
    assert (table["alert_reason"].iloc[:90] == "the first 90 days set the limits").all()


def test_every_calendar_day_has_a_row_and_an_outage_is_not_a_day_off() -> None:
    _, table = whole()
    assert list(pd.to_datetime(table["game_date"])) == list(pd.date_range(FIRST, periods=DAYS))
    assert (table["status"].iloc[list(BREAK)] == "no_games").all()
    assert (table["status"].iloc[list(OUTAGE)] == "no_data").all()
    assert (table["completeness"].iloc[list(OUTAGE)] == 0).all()
    assert table["completeness"].iloc[list(BREAK)].isna().all()
    outage = table.iloc[OUTAGE[0]]
    assert (outage["alert_level"], outage["alert_triggered"]) == ("warning", 1)
    assert "none of 16 rows was predicted" in outage["alert_message"]
    assert outage["drift_severity"] == table["drift_severity"].iloc[OUTAGE[0] - 1]


@pytest.mark.parametrize("day", [20, 75, 112, 131, 150])
def test_the_row_of_a_day_does_not_change_when_later_days_come(day: int) -> None:
    evidence, table = whole()
    earlier = tabled(cut(evidence, day))
    pd.testing.assert_frame_equal(earlier, table.iloc[: len(earlier)], check_exact=True)
    assert len(earlier) == day + 1


def test_two_runs_write_the_same_bytes_of_the_declared_columns(tmp_path: Path) -> None:
    evidence, table = whole()
    for name, one in (("a", table), ("b", tabled(evidence))):
        write_table(one, tmp_path / name, COLUMNS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert list(table) == [column.name for column in COLUMNS]
    back = read_table(tmp_path / "a")
    validate_table(back.astype({"alert_triggered": float}), COLUMNS, "daily")
    pd.testing.assert_frame_equal(back, table)


@pytest.mark.parametrize("day", [70, 98, 105, 127, 159])
def test_figures_of_a_day_are_those_of_a_loop_over_its_window(day: int) -> None:
    evidence, table = whole()
    units, row = build_graded_units(evidence), table.iloc[day]
    ago = (FIRST + pd.Timedelta(days=day) - units["day"]).dt.days
    window = units[ago.between(0, 13)]
    before = units[ago.between(30, 89)]
    assert row["model_mae"] == pytest.approx(window["model"].mean(), abs=1e-6)
    assert row["model_mean_error"] == pytest.approx(window["bias"].mean(), abs=1e-6)
    assert row["line_mae"] == pytest.approx(window["market"].mean(), abs=1e-6)
    assert row["line_n"] == window["market"].notna().sum()
    beats = (window["model"] < window["market"])[window["market"].notna()]
    assert row["model_beats_line_pct"] == pytest.approx(100 * beats.mean(), abs=1e-5)
    for width in (7, 14, 30):
        picks = units["hit"][ago.between(0, width - 1)].dropna()
        assert row[f"hit_rate_{width}d_n"] == len(picks)
        if len(picks) < 20:
            assert np.isnan(row[f"hit_rate_{width}d"])
            continue
        assert row[f"hit_rate_{width}d"] == pytest.approx(100 * picks.mean(), abs=1e-5)
        assert row[f"hit_rate_{width}d_low"] < row[f"hit_rate_{width}d"] < row[f"hit_rate_{width}d_high"]
    for tier in (1, 2, 3):
        own = window["market"][(window["tier"] == tier)].dropna()
        assert row[f"line_n_tier{tier}"] == len(own)
        loss = row[f"line_mae_tier{tier}"]
        assert np.isnan(loss) if len(own) < 20 else loss == pytest.approx(own.mean(), abs=1e-6)
    if before["market"].notna().any() and not np.isnan(row["line_mae_baseline"]):
        assert row["line_mae_baseline"] == pytest.approx(before["market"].mean(), abs=1e-6)
        assert row["hit_rate_baseline"] == pytest.approx(100 * before["hit"].mean(), abs=1e-5)


def test_the_market_is_compared_with_what_units_as_hard_cost_before() -> None:
    evidence, table = whole()
    units, day = build_graded_units(evidence), 120
    line = compute_difficulty(evidence, units)
    ago = (FIRST + pd.Timedelta(days=day) - units["day"]).dt.days.to_numpy()
    priced = np.isfinite(line)
    learn = line[priced & np.isin(units["day"], np.unique(units["day"][priced])[:15])]
    band = np.searchsorted(np.quantile(learn, [0.2, 0.4, 0.6, 0.8]), line, side="right")
    market = units["market"].to_numpy()

    def ratio(newest: int) -> float:
        of = priced & (ago >= newest) & (ago < newest + 14)
        base = priced & (ago >= 30) & (ago < 90)
        cost = np.array([market[base & (band == one)].mean() for one in range(5)])
        return float(market[of].sum() / cost[band[of]].sum())

    assert table["sharpness_vs_baseline"].iloc[day] == pytest.approx(100 * (1 - ratio(0)), abs=1e-5)
    earlier = [
        ratio(newest) for newest in range(30, 90 - 13) if (priced & (ago >= newest) & (ago < newest + 14)).sum() >= 40
    ]
    expected = 100 * np.mean([one > ratio(0) for one in earlier])
    assert table["sharpness_score"].iloc[day] == pytest.approx(expected, abs=1e-5)
    assert table["sharpness_low"].iloc[day] <= expected <= table["sharpness_high"].iloc[day]


def test_words_follow_the_scores() -> None:
    scores = np.array([0.0, 39.9, 40.0, 64.9, 65.0, 80.0, 80.1, 100.0, np.nan])
    words = ["dull", "dull", "normal", "normal", "sharp", "sharp", "razor_sharp", "razor_sharp", None]
    assert list(label_sharpness(scores)) == words
    _, table = whole()
    known = table.dropna(subset="drift_score")
    severity = pd.cut(
        known["drift_score"], [-1, 20, 40, 70, 101], right=False, labels=["none", "mild", "moderate", "severe"]
    )
    assert (severity.astype(str) == known["drift_severity"]).all()


def _healthy(random: np.random.Generator, days: int, worse: float = 0.0, late: int = 30) -> DailySums:
    """Return days of 40 picks and 60 units; in the last days the hit rate is lower by a given amount."""
    rate = 0.56 - worse * (np.arange(days) >= days - late)
    units = np.full((days, 1), 60.0)
    model, market = (random.normal(5, 4 / np.sqrt(60), (days, 1)) * units for _ in range(2))
    beats = random.binomial(60, 0.47, (days, 1)).astype(float)
    error = random.normal(0, 6.5 / np.sqrt(60), (days, 1)) * units
    wins = random.binomial(40, rate)[:, None].astype(float)
    return DailySums(units, model, error, units, market, beats, wins, np.full((days, 1), 40.0))


SIZES = WINDOWS.model_copy(update={"least_days": 30, "baseline_days": 120})


def test_drift_is_rare_where_nothing_changes_and_sure_where_hits_fell() -> None:
    random = np.random.default_rng(0)
    quiet = np.concatenate([compute_drift_score(_healthy(random, 400), SIZES, True).score[150:] for _ in range(10)])
    assert quiet.mean() <= 5.0  # the prior
    assert (quiet >= 40).mean() <= 0.02
    fallen = [compute_drift_score(_healthy(random, 200, 0.1), SIZES, True) for _ in range(20)]
    assert np.mean([one.score[-1] >= 40 for one in fallen]) >= 0.9
    assert np.mean([one.contributions["hits"][-1] > one.contributions["loss"][-1] for one in fallen]) >= 0.9


def test_windows_within_windows_do_not_count_a_game_again() -> None:
    """The score over three windows is a mixture: at most that of the best window alone with the whole prior."""
    random = np.random.default_rng(1)
    days = _healthy(random, 200, 0.06)
    before = compute_baseline(days.wins, days.decided, 120)
    ratios = []
    for width in (7, 14, 30):
        n = 40.0 * width
        value = days.wins[-width:].sum() / n - before.mean[-1]
        spread = max(before.unit_variance[-1], before.mean[-1] * (1 - before.mean[-1])) * (1 / n + 1 / before.units[-1])
        ratios.append(np.exp((-0.07 * value - 0.07**2 / 2) / spread))
    found = compute_drift_score(days, SIZES, False)
    weights = 0.05 / 9 * np.array(ratios)
    neutral = float(found.contributions["loss"][-1] / found.contributions["hits"][-1] * weights.sum())
    assert found.contributions["hits"][-1] == pytest.approx(
        100 * weights.sum() / (1 - 0.05 * 2 / 3 + weights.sum() + neutral)
    )
    best = 0.05 / 3 * max(ratios)
    assert found.contributions["hits"][-1] <= 100 * best / (1 - 0.05 / 3 + best)


def test_what_costs_the_market_as_well_is_not_drift() -> None:
    random = np.random.default_rng(2)
    days = _healthy(random, 200)
    both = days.apply_shift(170, model=0.8, market=0.8)
    alone = days.apply_shift(170, model=0.8)
    assert compute_drift_score(alone, SIZES, True).contributions["loss"][-1] > 90
    assert compute_drift_score(both, SIZES, True).contributions["loss"][-1] < 10


def test_a_model_that_loses_skill_drifts_severely_and_one_that_does_not_does_not() -> None:
    _, table = whole()
    late = tabled(made(0, worse_from=135))
    assert late["drift_severity"].iloc[-1] == "severe"
    assert table["drift_severity"].iloc[-1] in ("none", "mild")
    assert set(late["alert_level"].iloc[135:]) & {"warning", "critical"}


def test_intervals_of_rates_are_wilson_s_and_wider_where_the_picks_of_a_day_are_alike() -> None:
    random = np.random.default_rng(3)
    wins, decided = random.binomial(10, 0.55, (300, 1)).astype(float), np.full((300, 1), 10.0)
    found = compute_trailing_rate(wins, decided, 14, np.ones(300), 20)
    expected = compute_wilson_interval(float(wins[86:100].sum()), 140)
    assert expected["low"] is not None
    assert expected["high"] is not None
    assert (found.low[99], found.high[99]) == pytest.approx((100 * expected["low"], 100 * expected["high"]))
    assert estimate_overdispersion(wins, decided, 200)[-1] < 1.5
    together = np.where(random.random((300, 1)) < 0.55, 10.0, 0.0)
    assert estimate_overdispersion(together, decided, 200)[-1] == pytest.approx(10, rel=0.2)


def test_a_baseline_s_spread_is_that_of_a_loop_over_its_days() -> None:
    random = np.random.default_rng(4)
    count = random.poisson(40, (120, 3)).astype(float)
    total = count * (np.array([3.0, 5.0, 7.0]) + random.normal(0, 1, (120, 3)))
    found = compute_baseline(total, count, 60)
    days = slice(119 - 30 - 60 + 1, 119 - 30 + 1)
    cost = total[days].sum(axis=0) / count[days].sum(axis=0)
    squares = np.square((total[days] - count[days] * cost).sum(axis=1)).sum() / count[days].sum()
    np.testing.assert_allclose(found.expected[-1], cost)
    assert found.unit_variance[-1] == pytest.approx(squares)


def test_inputs_at_a_default_or_missing_lower_the_quality_of_their_day_alone() -> None:
    evidence = made()
    features = evidence.features.copy()
    day = (evidence.prepared["time"] - FIRST).dt.days
    features.loc[day == 50, "level"] = 10.0
    features.loc[day == 60, "form"] = np.nan
    table = tabled(replace(evidence, features=features))
    assert table["feature_quality"].iloc[[50, 60]].tolist() == pytest.approx([200 / 3, 200 / 3])
    assert table["feature_quality"].drop([50, 60]).dropna().eq(100).all()


def test_features_are_found_by_row_in_any_order() -> None:
    evidence, table = whole()
    features = evidence.features.sample(frac=1, random_state=0).reset_index(drop=True)
    pd.testing.assert_frame_equal(tabled(replace(evidence, features=features)), table)


def test_the_commonest_value_of_a_day_is_that_of_a_count() -> None:
    random = np.random.default_rng(5)
    values = random.integers(0, 4, (50, 12)).astype(float)
    values[random.random(values.shape) < 0.3] = np.nan
    best, share = _find_commonest_values(values)
    for row in range(50):
        often = pd.Series(values[row]).value_counts()
        assert share[row] == pytest.approx(often.iloc[0] / often.sum())
        assert often[best[row]] == often.iloc[0]


def test_causes_are_told_by_day_and_not_where_there_was_nothing() -> None:
    evidence, _ = whole()
    days = pd.date_range(FIRST, periods=DAYS)
    causes = pd.DataFrame({"primary_cause": "bias", "cause_confidence": 0.9, "contributing_factors": "[]"}, index=days)
    causes.loc[days[:20], ["primary_cause", "cause_confidence"]] = "undecided", np.nan
    causes.loc[days[list(OUTAGE)], ["primary_cause", "cause_confidence"]] = "no_data", np.nan
    table = compute_daily_table(evidence, SETTINGS, causes)
    _reasoned(table)
    assert table["primary_cause"].iloc[50] == "bias"
    assert "insufficient n" in table["cause_reason"].iloc[5]
    assert "no games" in table["cause_reason"].iloc[BREAK[0]]
    assert "outage" in table["cause_reason"].iloc[OUTAGE[0]]


def test_without_a_clock_there_are_no_days() -> None:
    evidence = made(0, 20)
    folds = evidence.folds.assign(time=NO_CLOCK)
    table = tabled(replace(evidence, folds=folds, predictions=evidence.predictions.assign(time=NO_CLOCK)))
    assert table.empty
    assert list(table) == [column.name for column in COLUMNS]


def test_later_days_move_no_band() -> None:
    evidence = made()
    units = build_graded_units(evidence)
    days = pd.date_range(FIRST, periods=DAYS)
    level = compute_difficulty(evidence, units)
    moved = np.where(units["day"] >= days[90], level + 100, level)
    one, other = (compute_daily_sums(units, each, days, 15) for each in (level, moved))
    np.testing.assert_array_equal(one.market[:90], other.market[:90])


def test_the_definition_for_warehouses_is_that_of_the_code() -> None:
    text = Path("docs/daily.sql").read_text()
    assert text == render_table_definition()
    for column in COLUMNS:
        assert text.count(f"\n  {column.name} ") == 2


def test_duckdb_accepts_its_definition_and_the_table(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    write_table(whole()[1], tmp_path / "daily.parquet", COLUMNS)
    warehouse = duckdb.connect()
    warehouse.execute(render_table_definition().split("-- DuckDB")[1])
    warehouse.execute(f"INSERT INTO daily SELECT * FROM '{tmp_path / 'daily.parquet'}'")
    assert warehouse.execute("SELECT count(*) FROM daily").fetchone() == (DAYS,)
