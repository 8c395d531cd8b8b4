"""Inputs of racing, checked by hand on a few races, and on the planted sample."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.features.racing import Settings, build
from stages.prepare import racing
from tests.pipeline_copy import ROOT
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.samples.racing import BOX_BIAS, make_sample

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
DAYS = ["2024-01-01", "2024-01-05", "2024-01-11"]


def settings(decision: Literal["before", "at_start"] = "before") -> Settings:
    return Settings(**{**PARAMS["features"]["racing"], "decision": decision})


def prepared(raw: pd.DataFrame) -> pd.DataFrame:
    return racing.prepare(raw, racing.Settings(**PARAMS["prepare"]["racing"]))[0]


def inputs(raw: pd.DataFrame, decision: Literal["before", "at_start"] = "before") -> pd.DataFrame:
    """Return the inputs as the stage builds them, with the row ids as index."""
    rows = prepared(raw)
    usable = [column for column in racing.COLUMNS if column.name in rows and not column.evaluation_only]
    present = [column.name for column in usable if column.known in ("before", decision)]
    built = build(rows[present], Past(rows[[column.name for column in usable]]), settings(decision))
    return built.set_axis(rows["row_id"], axis=0)


def races() -> pd.DataFrame:
    """Return A and B, who meet on three days; A wins the first at odds against, B the second; C comes on the third."""
    rows: list[dict[str, Any]] = []
    for number, day in enumerate(DAYS):
        for box, runner in enumerate("ABC" if number == 2 else "AB", start=1):
            won = {0: "A", 1: "B", 2: "C"}[number] == runner
            price = 4.0 if runner == "A" else 4 / 3 if number < 2 else 8 / 3
            rows.append({"race_id": f"r{number}", "start_time": day, "box": box, "runner": runner, "won": int(won)})
            rows[-1] |= {"bsp": price, "grade": f"Gr{5 - number}", "distance_m": 400 + 100 * number}
    return pd.DataFrame(rows).assign(venue="Here", placed=1, early_speed=0.5, race_no=1, place_bsp=np.nan)


def test_there_are_more_than_forty_inputs_and_none_is_named_like_an_outcome() -> None:
    names = set(inputs(races()).columns)
    assert len(names) >= 40
    known_later = {column.name for column in racing.COLUMNS if column.known != "before"}
    assert names & known_later <= {"surprise", "placed", "won", "log_odds"}, "aggregates over all earlier starts"


def test_residuals_tell_a_start_from_what_the_rating_of_its_day_promised() -> None:
    found = inputs(races())
    promised = found["rating_adjusted_lead"]
    win_residual = np.log(1 / 3) / 2 + 0.5 * 0.75
    loss_residual = np.log(1 / 3) / 2 - 0.5 * 0.25 - promised["r1:1"]
    assert found["residual_1"]["r1:1"] == pytest.approx(win_residual), "nothing was promised before the first race"
    assert found["residual_1"]["r2:1"] == pytest.approx(loss_residual)
    assert found["residual_2"]["r2:1"] == pytest.approx((win_residual + loss_residual) / 2)
    assert found["residual_at_box"]["r2:1"] == pytest.approx((win_residual + loss_residual) / (2 + 3))
    assert found["residual_at_grade"]["r2:1"] == 0, "it never ran in this grade"
    assert np.isnan(found["residual_1"]["r2:3"])


def test_form_is_that_of_earlier_starts_only() -> None:
    found = inputs(races())
    assert list(found["starts"]) == [0, 0, 1, 1, 2, 2, 0]
    assert found["days_since"]["r2:1"] == pytest.approx(6)
    # A won at p = 1/4 and lost at p = 1/4: surprises +3/4 and −1/4, shrunk toward 0 with the weight of three starts
    assert found["surprise"]["r2:1"] == pytest.approx((0.75 - 0.25) / (2 + 3))
    assert found["surprise_1"]["r2:1"] == pytest.approx(-0.25 / (1 + 3))
    assert found["won"]["r2:1"] == pytest.approx((1 + 3 * 0.14) / (2 + 3))
    assert found["log_odds_1"]["r2:2"] == pytest.approx(np.log(3) / 2)
    np.testing.assert_allclose(
        found.loc["r2:1", ["distance_m_change", "grade_level_change", "box_change"]], [100, -1, 0]
    )


def test_a_first_starter_has_missing_form_and_not_zero() -> None:
    newcomer = inputs(races()).loc["r2:3"]
    assert newcomer[["days_since", "log_odds", "log_odds_1", "distance_m_change", "past_log_odds"]].isna().all()


def test_runners_are_compared_within_the_race() -> None:
    found = inputs(races())
    last = found.loc[["r2:1", "r2:2", "r2:3"]]
    np.testing.assert_allclose(last["rating_lead"].sum(), 0, atol=1e-12)
    np.testing.assert_allclose(last["rating_log_p"].map(np.exp).sum(), 1)
    assert last["rating_rank"].to_list() == [3, 1, 2], "B was priced and ran above A; C is unknown, in between"
    assert last["rating_inside"].isna().to_list() == [True, False, False]
    assert last["rating_outside"].isna().to_list() == [False, False, True]
    assert last["rating_inside"].iloc[1] == last["rating"].iloc[0] - last["rating"].iloc[1]


def test_the_price_of_the_race_is_an_input_only_at_the_off() -> None:
    assert "price" not in inputs(races())
    assert {"price", "price_rank"} <= set(inputs(races(), "at_start"))


def test_a_source_without_weights_and_times_has_no_inputs_of_them() -> None:
    assert not {"weight_kg", "pace_5", "trainer_starts_90d"} & set(inputs(races()))
    rich = races().assign(weight_kg=30.0, run_time_s=23.0, trainer="T", sectional_s=5.0, margin_lengths=1.0)
    assert {"weight_change", "pace_5", "pace_best", "sectional_5", "margin_5", "trainer_surprise_90d"} <= set(
        inputs(rich)
    )


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
    raw = make_sample()
    return prepared(raw), inputs(raw)


def test_the_planted_box_bias_is_found(sample: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, found = sample
    late = (rows["time"] > rows["time"].quantile(0.8)).to_numpy()
    planted = [BOX_BIAS[venue][int(box) - 1] for venue, box in zip(rows["venue"], rows["box"], strict=True)]
    assert np.corrcoef(found["rating_box"][late], np.array(planted)[late])[0, 1] > 0.6


def test_the_rating_ranks_winners_better_than_past_prices_alone(sample: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, found = sample
    late = (rows["time"] > rows["time"].quantile(0.5)).to_numpy()
    won = rows["target"].to_numpy()[late] > 0
    assert found["rating_rank"][late][won].mean() < found["log_odds_5_rank"][late][won].mean()
