"""The racing sample keeps its promises: what was planted in it can be recovered."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.prepare.racing import Settings, prepare
from trueline.core.racing.race_losses import compute_race_losses, compute_uniform_losses
from trueline.core.stats.group_ops import compute_group_softmax, encode_groups, fit_temperature
from trueline.samples.racing import BOX_BIAS, make_sample, simulate_clean_sample, write

SETTINGS = Settings(until=None, box_low=1, box_high=10, book_low=0.8, book_high=1.6)
Floats = np.ndarray
World = tuple[pd.DataFrame, Floats]


@pytest.fixture(scope="module")
def world() -> World:
    return simulate_clean_sample(20240101)


def r_squared(world: World, score: Floats) -> float:
    code, won = encode_groups(world[0]["race_id"]), world[0]["won"].to_numpy()
    best = compute_group_softmax(fit_temperature(score, won, code) * score, code)
    return float(1 - compute_race_losses(best, won, code).mean() / compute_uniform_losses(code).mean())


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write(folder)
        files.append((folder / "runners.parquet").read_bytes())
    assert files[0] == files[1]
    assert len(files[0]) < 450_000


def test_the_sample_in_the_repository_is_the_one_that_the_command_writes(tmp_path: Path) -> None:
    write(tmp_path)
    kept = Path(__file__).parents[2] / "data/sample/racing/runners.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(kept), pd.read_parquet(tmp_path / "runners.parquet"))


def test_another_seed_makes_another_season() -> None:
    assert not make_sample(1)["runner"].head(50).equals(make_sample(2)["runner"].head(50))


def test_no_dog_runs_twice_a_day_and_every_field_has_six_to_eight(world: World) -> None:
    starts = world[0]
    assert not starts.assign(day=starts["start_time"].dt.date).duplicated(["day", "runner"]).any()
    assert set(starts.groupby("race_id").size()) == {6, 7, 8}
    assert starts["start_time"].dt.date.nunique() == 120


def test_winners_come_as_often_as_their_true_chance_says(world: World) -> None:
    starts, truth = world
    p = compute_group_softmax(truth, encode_groups(starts["race_id"]))
    for chance in pd.qcut(p, 6, labels=False), starts["box"]:
        surplus = (starts["won"] - p).groupby(chance).sum()
        spread = np.sqrt(pd.Series(p * (1 - p)).groupby(chance).sum())
        assert (surplus.abs() < 3.5 * spread).all()


def test_the_market_is_as_sharp_as_the_truth_and_the_modeller_is_not(world: World) -> None:
    starts, truth = world
    market = r_squared(world, -np.log(starts["bsp"].to_numpy()))
    assert market == pytest.approx(r_squared(world, truth), abs=0.005)
    assert 0.22 < market < 0.28
    assert 0.10 < r_squared(world, -np.log(starts["benchmark_price"].to_numpy())) < 0.19


def test_the_favourite_wins_about_as_often_as_on_the_real_market(world: World) -> None:
    starts = world[0]
    favourites = starts.loc[starts.groupby("race_id")["bsp"].idxmin()]
    assert favourites["won"].mean() == pytest.approx((1 / favourites["bsp"]).mean(), abs=0.04)
    assert 0.40 < favourites["won"].mean() < 0.52


def test_books_are_close_to_one_and_place_books_to_three(world: World) -> None:
    starts = world[0]
    books = (1 / starts[["bsp", "place_bsp"]]).groupby(starts["race_id"]).sum()
    assert books["bsp"].between(0.94, 1.06).all()
    assert books["place_bsp"].between(2.8, 3.2).all()
    assert (starts["placed"].groupby(starts["race_id"]).sum() == 3).all()


def test_the_planted_box_bias_is_what_the_market_pays_for_boxes(world: World) -> None:
    starts = world[0]
    log_p = -np.log(starts["bsp"])
    lead = log_p - log_p.groupby(starts["race_id"]).transform("mean")
    found = lead.groupby([starts["venue"], starts["box"]]).mean().unstack()
    planted = pd.DataFrame(BOX_BIAS, index=range(1, 9)).T.loc[found.index]
    gap = found - planted.sub(planted.mean(axis=1), axis=0)
    assert gap.abs().max(axis=None) < 0.5  # four standard errors: about 210 starts a box, SD 1.5
    assert np.corrcoef(found.to_numpy().ravel(), planted.to_numpy().ravel())[0, 1] > 0.7


def test_boxes_are_drawn_without_regard_to_the_dog(world: World) -> None:
    starts, truth = world
    bias = [BOX_BIAS[venue][box - 1] for venue, box in zip(starts["venue"], starts["box"], strict=True)]
    assert abs(np.corrcoef(truth - bias, starts["box"])[0, 1]) < 0.04  # 8,500 starts


def test_times_and_margins_agree_with_the_finishing_order(world: World) -> None:
    starts = world[0]
    by_time = starts.groupby("race_id")["run_time_s"].rank(method="min")
    assert (by_time <= starts["place"]).all()
    assert ((starts["margin_lengths"] <= 0) == (starts["place"] == 1)).mean() > 0.99  # a nose rounds to nothing


def test_early_speed_tells_something_but_less_than_the_market(world: World) -> None:
    speed = world[0]["early_speed"]
    assert 0.005 < r_squared(world, speed.fillna(0.5).to_numpy()) < 0.1
    assert 0.01 < speed.isna().mean() < 0.06


def test_the_quality_report_has_something_to_say() -> None:
    prepared, report = prepare(make_sample(), SETTINGS)
    assert report["scratched_rows"] == 4
    assert set(report["set_aside"]) == {
        *("duplicate runner", "duplicate box", "box out of range", "unsettled", "no winner"),
        *("several winners without a dead heat", "impossible price", "implausible book"),
    }
    assert report["races_in"] - report["races_out"] == sum(r["races"] for r in report["set_aside"].values())
    assert (prepared["target"] == 0.5).sum() == 2
    assert 0 < report["missing_share"]["soft_label"] < 0.01


def test_an_unknown_sample_is_rejected_in_one_sentence(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "trueline.samples", "racng"]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert completed.returncode == 1
    assert completed.stderr.startswith("samples: there is no task 'racng'; did you mean 'racing'?")
    assert len(completed.stderr.splitlines()) == 1
