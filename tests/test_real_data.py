"""Real tables, where TRUELINE_REAL_DATA names their folder: what is known of them from independent work comes out."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from core.races import codes, losses, softmax, temperature, uniform_losses
from core.windows import Past
from stages.prepare import racing, runners
from tests.corridor import ROOT

HOME = os.environ.get("TRUELINE_REAL_DATA", "")
pytestmark = pytest.mark.skipif(not HOME, reason="TRUELINE_REAL_DATA names no folder of real tables")
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.fixture(scope="module")
def races() -> pd.DataFrame:
    raw = runners.read(str(Path(HOME) / "racing"))
    return racing.prepare(raw, racing.Settings(**PARAMS["prepare"]["racing"]))[0]


def test_the_market_is_as_sharp_as_it_is_known_to_be(races: pd.DataFrame) -> None:
    code, won, market = codes(races["group"]), races["target"].to_numpy(), races["teacher"].to_numpy()
    loss, uniform = losses(market, won, code).mean(), uniform_losses(code).mean()
    assert loss == pytest.approx(1.471, abs=0.001)
    assert uniform == pytest.approx(1.955, abs=0.004)  # known over six months, of which four lie here
    favourite = races.loc[races.groupby("group")["teacher"].idxmax(), "target"].mean()
    assert favourite == pytest.approx(0.438, abs=0.002)


def test_the_rating_alone_is_worth_more_than_past_prices_and_less_than_the_market(races: pd.DataFrame) -> None:
    """A logit on past prices reaches an R² of about 0.11, the market 0.25: between them is honest, beyond is a leak."""
    known = PARAMS["features"]["racing"]
    course = ("venue", "distance_m", "box")
    effects = {"entity": known["ridge_runner"], course: known["ridge_course"]}
    value = {"log_odds": 1.0, "surprise": known["surprise"]}
    rating = Past(races).rating(value, "group", effects, known["half_life_days"]).sum(axis=1)
    late = (races["time"] >= races["time"].min() + pd.Timedelta(days=60)).to_numpy()
    code, won = codes(races.loc[late, "group"]), races.loc[late, "target"].to_numpy()
    b = temperature(rating[late], won, code)
    r2 = 1 - losses(softmax(b * rating[late], code), won, code).sum() / uniform_losses(code).sum()
    assert 0.13 < r2 < 0.20
    assert np.isfinite(rating).all()
