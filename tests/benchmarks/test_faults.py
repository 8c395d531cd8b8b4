"""The fault laboratory plants the faults it declares, from their day on and nothing else; its benchmark counts them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import gap, root_cause
from stages.diagnose.units.evidence import Evidence
from tests.pipeline_copy import ROOT
from trueline.benchmarks import faults as benchmark
from trueline.benchmarks.fault_lab.planted_faults import FAULT_KINDS, LATE_DAYS, inject_fault
from trueline.benchmarks.fault_lab.simulated_world import DAYS, FIRST_DAY
from trueline.core.errors import UserError
from trueline.core.runtime.params import load_settings
from trueline.core.splits.walk_forward import list_folds
from trueline.core.tables import table_schema

SEED = 3
LAST = FIRST_DAY + pd.Timedelta(days=DAYS - 1)
START = LAST - pd.Timedelta(days=LATE_DAYS - 1)
TABLES = ("predictions", "prepared", "features", "folds")


@cache
def get_planted(kind: str, strength: float = 1.0) -> Evidence:
    """Return the evidence of a fault, shared by all tests, so never write to it."""
    return inject_fault(kind, SEED, strength)


@pytest.fixture(scope="module")
def sound() -> Evidence:
    return get_planted("nothing")


@pytest.fixture(scope="module")
def settings() -> benchmark.CheckSettings:
    where = ("diagnose", "props")
    return load_settings(root_cause.Settings, *where, "root_cause"), load_settings(gap.Settings, *where, "gap")


def late(table: pd.DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = table[table["time"] >= START].reset_index(drop=True)
    return rows


def get_tuned(evidence: Evidence) -> pd.Series:
    return evidence.predictions.drop_duplicates("row_id").set_index("row_id")["tuned"]


def get_difference(evidence: Evidence, sound: Evidence) -> pd.Series:
    """Return by how much late predictions differ from those without the fault."""
    return (get_tuned(evidence) - get_tuned(sound))[late(sound.predictions)["row_id"]]


def loss(evidence: Evidence, which: str) -> float:
    """Return the mean error of late predictions, or of late lines."""
    rows = late(evidence.predictions).merge(evidence.prepared[["row_id", "soft_label"]], on="row_id").dropna()
    return float((rows[which] - rows["target"]).abs().mean())


# ------------------------------------------------------------------------------------------------ the world


def test_a_world_is_what_the_pipeline_writes(sound: Evidence) -> None:
    table_schema.validate_table(sound.prepared, sound.columns, "laboratory")
    assert list(sound.prepared) == [column.name for column in sound.columns]
    assert sound.prepared["row_id"].is_unique
    assert sound.prepared["row_id"].equals(sound.features["row_id"])
    assert sound.prepared["row_id"].equals(sound.folds["row_id"])
    scored = sound.folds[(sound.folds[list_folds(sound.folds, "test")] == "score").any(axis=1)]
    assert sound.predictions["row_id"].tolist() == scored["row_id"].tolist()
    assert scored["time"].dt.normalize().nunique() > 200
    assert 55 < sound.prepared.groupby("group").size().mean() < 65


def test_model_and_market_have_the_documented_skill(sound: Evidence) -> None:
    rows = sound.predictions.merge(sound.prepared[["row_id", "soft_label", "open_line"]], on="row_id").dropna()
    error = {
        name: (rows[name] - rows["target"]).abs().mean() for name in ("tuned", "soft_label", "open_line", "baseline")
    }
    assert error["soft_label"] < error["open_line"] < error["baseline"]
    assert error["soft_label"] < error["tuned"] < error["baseline"]
    edge = rows["tuned"] - rows["soft_label"]
    bets = rows[(edge.abs() >= 1) & (rows["target"] != rows["soft_label"])]
    assert 0.53 < (np.sign(edge[bets.index]) == np.sign(bets["target"] - bets["soft_label"])).mean() < 0.6


def test_inputs_know_nothing_of_their_own_day(sound: Evidence) -> None:
    """Inputs include the last game before and exclude the game itself."""
    rows = sound.prepared.join(sound.features.drop(columns=["row_id", "home"]))
    games = rows[rows["entity"] == rows["entity"].iloc[0]].reset_index(drop=True)
    for place in (1, 7, len(games) - 1):
        before = games["target"][:place]
        assert games["mean"][place] == pytest.approx(before.mean())
        assert games["mean_5"][place] == games["last_5"][place] == pytest.approx(before[-5:].mean())


@pytest.mark.parametrize("kind", ["stale_features", "missing_dates", "population_shift"])
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    one, again = get_planted(kind), inject_fault(kind, SEED)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name), check_exact=True)


def test_another_seed_is_another_world(sound: Evidence) -> None:
    assert not sound.prepared["target"].equals(inject_fault("nothing", SEED + 1).prepared["target"])


# ------------------------------------------------------------------------------------------------ the faults


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_nothing_differs_before_the_first_day_of_a_fault(kind: str, sound: Evidence) -> None:
    planted = get_planted(kind)
    for name in ("predictions", "prepared", "folds"):
        before = [getattr(one, name)[getattr(one, name)["time"] < START] for one in (planted, sound)]
        pd.testing.assert_frame_equal(*before)
    early = len(sound.prepared[sound.prepared["time"] < START])
    pd.testing.assert_frame_equal(planted.features[:early], sound.features[:early])
    same = all(getattr(planted, name).equals(getattr(sound, name)) for name in ("predictions", "prepared", "features"))
    assert same == (kind == "nothing")


@pytest.mark.parametrize("kind", ["bias", "population_shift", "leak"])
def test_a_fault_begins_on_the_day_that_is_asked_for(kind: str, sound: Evidence) -> None:
    day = START - pd.Timedelta(days=60)
    prepared = inject_fault(kind, SEED, at=day).prepared
    apart = prepared.merge(sound.prepared, how="outer", indicator=True).query("_merge != 'both'")
    assert apart["time"].min() == day


@pytest.mark.parametrize("kind", [kind for kind in FAULT_KINDS if kind != "population_shift"])
def test_no_fault_moves_what_happened(kind: str, sound: Evidence) -> None:
    planted = get_planted(kind)
    pd.testing.assert_frame_equal(planted.prepared[["row_id", "target"]], sound.prepared[["row_id", "target"]])


def test_a_fault_of_no_strength_is_none(sound: Evidence) -> None:
    for kind in ("bias", "population_shift"):
        pd.testing.assert_frame_equal(inject_fault(kind, SEED, 0.0).prepared, sound.prepared)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_sharper_market_errs_less_and_the_model_as_before(strength: float, sound: Evidence) -> None:
    planted = get_planted("market_sharper", strength)
    assert get_difference(planted, sound).abs().max() == 0
    gain = loss(sound, "soft_label") - loss(planted, "soft_label")
    assert gain == pytest.approx({0.5: 0.27, 1.0: 0.42}[strength], abs=0.12)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_drifting_model_gains_an_error_that_is_half_the_players(strength: float, sound: Evidence) -> None:
    error = get_difference(get_planted("model_drift", strength), sound)
    assert error.std() == pytest.approx(2.2 * strength, rel=0.1)
    players = error.groupby(error.index.str.split(":").str[0]).mean()
    assert players.var() == pytest.approx(error.var() / 2, rel=0.4)


@pytest.mark.parametrize(("seed", "sign"), [(2, 1), (3, -1)])
def test_a_biased_model_is_off_to_either_side_by_a_point_times_the_strength(seed: int, sign: int) -> None:
    assert np.allclose(get_difference(inject_fault("bias", seed), inject_fault("bias", seed, 0.3)), 0.7 * sign)


def test_stale_inputs_stand_still_for_half_the_players_and_the_schedule_goes_on(sound: Evidence) -> None:
    planted = get_planted("stale_features")
    rows = late(planted.prepared.join(planted.features.drop(columns=["row_id", "home"])))
    held = rows.groupby("entity")[["mean", "mean_10", "minutes_10"]].nunique()[rows.groupby("entity").size() > 3]
    still = (held == 1).all(axis=1)
    assert 0.35 < still.mean() < 0.65
    assert (rows.groupby("entity")["opponent_allows"].nunique()[still[still].index] > 1).all()
    assert not np.allclose(get_difference(planted, sound), 0)


def test_a_leak_in_one_batch_is_in_the_log_alone_and_was_made_afterwards(sound: Evidence) -> None:
    planted = get_planted("leak")
    pd.testing.assert_frame_equal(planted.predictions, sound.predictions)
    batch = planted.prepared["production_at"] > planted.prepared["time"] + pd.Timedelta(days=1)
    rows, own = planted.prepared[batch], sound.prepared[batch]
    assert rows["production_at"].nunique() == 1
    assert rows["production_at"].iloc[0] > rows["time"].max() + pd.Timedelta(days=2)
    assert rows["time"].agg(["min", "max"]).tolist() == [START, START + pd.Timedelta(days=13)]
    weight = (rows["production"] - own["production"]) / (rows["target"] - own["production"])
    assert weight.median() == pytest.approx(0.35, abs=0.01)
    pd.testing.assert_frame_equal(planted.prepared[~batch], sound.prepared[~batch])


def test_a_leak_in_the_model_is_in_its_predictions(sound: Evidence) -> None:
    target = sound.predictions.set_index("row_id")["target"][get_difference(sound, sound).index]
    sound_predictions = get_tuned(sound)[target.index]
    assert np.allclose(get_difference(get_planted("leak_in_model"), sound), 0.35 * (target - sound_predictions))


@pytest.mark.parametrize(
    ("kind", "column", "share"), [("estimated_lines", "estimated_line", 0.3), ("line_timing", "open_line", 0.6)]
)
def test_other_lines_are_mixed_in_unmarked(kind: str, column: str, share: float, sound: Evidence) -> None:
    rows, own = late(get_planted(kind).prepared), late(sound.prepared)
    known = own["soft_label"].notna()
    apart = known & (own["soft_label"] != own[column])  # where the change can be seen
    changed = rows["soft_label"] != own["soft_label"]
    assert (rows["soft_label"][known & changed] == rows[column][known & changed]).all()
    assert (changed & apart).sum() / apart.sum() == pytest.approx(share, abs=0.06)
    assert rows["line_type"].equals(own["line_type"])
    assert rows["soft_label"].isna().equals(own["soft_label"].isna())


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_missing_dates_are_scattered_and_never_the_newest(strength: float, sound: Evidence) -> None:
    planted = get_planted("missing_dates", strength)
    gone = set(late(sound.predictions)["time"]) - set(planted.predictions["time"])
    assert len(gone) == 8 * strength
    assert LAST not in gone
    assert planted.prepared.loc[planted.prepared["time"].isin(gone), "production"].isna().all()
    assert len(planted.predictions) == (~sound.predictions["time"].isin(gone)).sum()


def test_an_outage_is_the_last_days_or_those_that_are_asked_for(sound: Evidence) -> None:
    days = sorted(set(sound.predictions["time"]))
    assert set(days) - set(get_planted("outage").predictions["time"]) == set(days[-3:])
    assert set(days) - set(inject_fault("outage", SEED, 2.0, at=days[90]).predictions["time"]) == set(days[90:96])


def test_duplicated_rows_are_one_in_ten_and_alike(sound: Evidence) -> None:
    planted = get_planted("duplicated_rows").predictions
    again = planted.duplicated("row_id")
    assert again.sum() / len(late(sound.predictions)) == pytest.approx(0.1, abs=0.03)
    pd.testing.assert_frame_equal(planted[~again].reset_index(drop=True), sound.predictions)
    assert (planted.duplicated() == again).all()


def test_a_shifted_population_is_as_large_and_of_lower_levels(sound: Evidence) -> None:
    rows, own = late(get_planted("population_shift").prepared), late(sound.prepared)
    assert rows.groupby("time").size().equals(own.groupby("time").size())
    strange = ~rows["row_id"].isin(own["row_id"])
    assert strange.mean() == pytest.approx(0.3 * 2 / 3, abs=0.07)  # a third of them would have played anyway
    assert rows["usual"][strange].quantile(0.95) < own["usual"].median()


# ------------------------------------------------------------------------------------------------ errors


def test_an_unknown_kind_is_rejected_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'market_sharper'"):
        get_planted("market_sharp")


@pytest.mark.parametrize("day", ["2024-10-05", "2026-01-01"])
def test_a_day_that_nothing_predicts_is_rejected(day: str) -> None:
    with pytest.raises(UserError, match="would not be seen"):
        inject_fault("bias", SEED, at=pd.Timestamp(day))


@pytest.mark.parametrize("strength", [-0.5, float("nan")])
def test_a_negative_strength_is_rejected(strength: float) -> None:
    with pytest.raises(UserError, match="0 or more"):
        get_planted("bias", strength)


# ------------------------------------------------------------------------------------------------ the benchmark


def test_a_small_run_names_the_plain_faults_and_none_without_one(settings: benchmark.CheckSettings) -> None:
    plain = ("nothing", "bias", "leak", "leak_in_model", "duplicated_rows", "line_timing", "outage")
    answers = [
        benchmark.diagnose_case(settings, benchmark.Case(kind, seed, 1.0)) for kind in plain for seed in (11, 12)
    ]
    wrong = [(one.case, one.name) for one in answers if not one.is_right]
    assert len(wrong) <= 1, wrong
    assert {one.named_by for one in answers if one.case.kind == "leak"} == {"gap"}
    markdown = benchmark.render_results(answers)
    assert markdown.count("\n| ") > len(FAULT_KINDS)
    assert f"({len(answers) - 4 - len(wrong)} of " not in markdown or wrong == []


def test_matrix_and_figures_count_the_cases() -> None:
    def one(kind: str, name: str, confidence: float, strength: float = 1.0) -> benchmark.Answer:
        return benchmark.Answer(benchmark.Case(kind, 0, strength), name, "root cause", name, confidence)

    answers = [one("bias", "bias", 0.95), one("bias", "model_drift", 0.85), one("nothing", "undecided", 0.5)]
    markdown = benchmark.render_results([*answers, one("nothing", "bias", 0.85), one("bias", "bias", 0.81, 0.4)])
    (bias,) = [line for line in markdown.splitlines() if line.startswith("| bias |")]
    assert bias == "| bias | · | · | · | 1 | **1** | · | · | · | · | · |"
    assert "moderate strength: 50.0 % (1 of 2;" in markdown
    assert "nothing is planted: 50.0 % (1 of 2;" in markdown
    assert "| 0.8 to 0.9 | 3 | 0.84 | 0.33 |" in markdown
    assert "| 0.9 to 1.0 | 1 | 0.95 | 1.00 |" in markdown


def test_every_kind_has_a_right_name_and_a_row_on_the_page() -> None:
    assert list(benchmark.RIGHT_NAMES) == list(FAULT_KINDS)
    page = (ROOT / "docs/faults.md").read_text()
    for kind, meaning in FAULT_KINDS.items():
        assert f"| {kind} | {meaning} | {', '.join(benchmark.RIGHT_NAMES[kind])} |" in page


def test_the_cases_are_two_hundred_and_no_two_share_a_world() -> None:
    cases = benchmark.make_cases(benchmark.SEEDS_PER_KIND)
    assert sum(case.strength == 1 for case in cases) >= 200
    assert len({case.seed for case in cases}) == len(cases)
    assert {one.kind for one in benchmark.make_cases(1)} == set(FAULT_KINDS)
