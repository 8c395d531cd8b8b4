"""Bad input gets one sentence and a non-zero exit, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests import corridor

RUNNERS = pd.read_parquet(corridor.ROOT / "data/sample/racing/runners.parquet")
Spoil = Callable[[Path, pd.DataFrame], None]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the repository whose racing source is an empty folder of its own."""
    folder = corridor.copy(tmp_path)
    (folder / "races").mkdir()
    corridor.change(folder, tasks__racing__source="races")
    return folder


def renamed(folder: Path, table: pd.DataFrame) -> None:
    table.rename(columns={"runner": "runer"}).to_csv(folder / "runners.csv", index=False)


def no_bytes(folder: Path, table: pd.DataFrame) -> None:
    (folder / "runners.csv").touch()


def no_rows(folder: Path, table: pd.DataFrame) -> None:
    table.iloc[:0].to_csv(folder / "runners.csv", index=False)


def one_race(folder: Path, table: pd.DataFrame) -> None:
    table[table["race_id"] == table["race_id"].iloc[0]].to_parquet(folder / "runners.parquet")


def one_day(folder: Path, table: pd.DataFrame) -> None:
    table.assign(start_time=pd.Timestamp("2024-03-01")).to_parquet(folder / "runners.parquet")


def latin_1(folder: Path, table: pd.DataFrame) -> None:
    table.assign(runner="Señor Ñandú " + table["runner"]).to_csv(
        folder / "runners.csv", index=False, encoding="latin-1"
    )


def html(folder: Path, table: pd.DataFrame) -> None:
    (folder / "runners.parquet").write_text("<!DOCTYPE html><html>please log in</html>")


def no_files(folder: Path, table: pd.DataFrame) -> None:
    pass


def future_results(folder: Path, table: pd.DataFrame) -> None:
    table.assign(start_time=table["start_time"] + pd.Timedelta(days=36500)).to_parquet(folder / "runners.parquet")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (renamed, "no column 'runner'; did you mean 'runer'?"),
        (no_bytes, "is empty"),
        (no_rows, "has no rows"),
        (one_race, "days"),
        (one_day, "first_test"),
        (latin_1, "is not UTF-8; convert it"),
        (html, "cannot be read as parquet"),
        (no_files, "runners"),
        (future_results, "prepare.racing.until"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_spoiled_source_is_refused_in_one_sentence(house: Path, spoil: Spoil, said: str) -> None:
    spoil(house / "races", RUNNERS)
    done = corridor.run(house, "prepare", "racing")
    assert done.returncode == 1
    assert done.stderr.startswith("prepare racing: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(house.glob("data/prepared/*"))
    assert not list(house.glob("metrics/racing/*"))


def test_missing_prices_are_no_reason_to_refuse(house: Path) -> None:
    some = RUNNERS["race_id"].isin(RUNNERS["race_id"].unique()[::7])
    RUNNERS.assign(bsp=RUNNERS["bsp"].mask(some)).to_parquet(house / "races/runners.parquet")
    corridor.quicken(house, "racing")
    corridor.walk(house, "racing")


@pytest.mark.parametrize(
    ("stage", "knobs", "said"),
    [
        ("prepare", {"folds__racing__test_dayz": 3}, "folds.racing has no knob 'test_dayz'; did you mean 'test_days'?"),
        ("prepare", {"folds__racing__test_days": "many"}, "folds.racing.test_days is 'many'"),
        ("prepare", {"folds__racing__test_days": 0}, "folds.racing.test_days is 0"),
        ("prepare", {"tasks__racing__reader": "runner"}, "no tool 'runner'; did you mean 'runners'?"),
        ("prepare", {"tasks__racing__source": "racez"}, "racez does not exist"),
        ("features", {"features__racing__decision": "at_of"}, "features.racing.decision is 'at_of'"),
        ("resample", {"tasks__racing__resampler": "smote"}, "no tool 'smote'; did you mean 'smote_nc'?"),
        ("tune", {"tasks__racing__learner": "catboost"}, "no tool 'catboost'; did you mean 'catboost_trees'?"),
        ("calibrate", {"tasks__racing__calibrator": "plat"}, "no tool 'plat'; did you mean 'platt'?"),
    ],
)
def test_a_misspelt_knob_or_word_is_refused_with_the_nearest(
    tmp_path: Path, stage: str, knobs: dict[str, object], said: str
) -> None:
    house = corridor.copy(tmp_path)
    before = corridor.STAGES[corridor.STAGES.index(stage) - 1]
    if stage in ("features", "resample"):
        corridor.walk(house, "racing", until=before)
    elif stage != "prepare":  # refused before anything is read
        for path in ("data/features/racing.parquet", "data/folds/racing.parquet", "data/scores/racing.parquet"):
            (house / path).parent.mkdir(parents=True, exist_ok=True)
            (house / path).touch()
        (house / "data/resampled/racing").mkdir(parents=True)
    corridor.change(house, **knobs)
    done = corridor.run(house, stage, "racing")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_task_is_refused_with_the_planned_ones(tmp_path: Path) -> None:
    done = corridor.run(corridor.copy(tmp_path), "prepare", "racin")
    assert done.returncode == 1
    assert "did you mean 'racing'?" in done.stderr


def test_a_stage_without_what_comes_before_it_says_how_to_build_it(tmp_path: Path) -> None:
    done = corridor.run(corridor.copy(tmp_path), "features", "racing")
    assert done.returncode == 1
    assert "data/prepared/racing.parquet is missing; run `dvc repro" in done.stderr
