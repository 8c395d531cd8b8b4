"""Bad input ends a stage with one sentence and a non-zero exit code, and nothing is written."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests import pipeline_copy

RUNNERS = pd.read_parquet(pipeline_copy.ROOT / "data/sample/racing/runners.parquet")
Spoil = Callable[[Path, pd.DataFrame], None]


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder and their contents, without locks and caches."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): path.read_bytes() for path in paths if ".locks" not in path.parts}


def assert_rejected(done: subprocess.CompletedProcess[str], stage: str, message: str, task: str = "racing") -> None:
    """Assert that a run ended with exit code 1 and one line, which names stage and task and is a sentence."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{stage} {task}: ")
    assert done.stderr.rstrip()[-1] in ".?!"
    assert message in done.stderr


@pytest.fixture(scope="session")
def resampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the repository in which the pipeline ran as far as resample."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("resampled") / "repository")
    pipeline_copy.shrink(folder, "racing")
    return pipeline_copy.run_pipeline(folder, "racing", until="resample")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the repository whose racing source is an empty folder of its own."""
    folder = pipeline_copy.copy(tmp_path)
    (folder / "races").mkdir()
    pipeline_copy.change(folder, tasks__racing__source="races")
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
    ("spoil", "message"),
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
def test_a_spoiled_source_is_rejected_in_one_sentence(repository: Path, spoil: Spoil, message: str) -> None:
    spoil(repository / "races", RUNNERS)
    before = files(repository)
    assert_rejected(pipeline_copy.run(repository, "prepare", "racing"), "prepare", message)
    assert files(repository) == before


def test_missing_prices_are_no_reason_to_fail(repository: Path) -> None:
    pipeline_copy.shrink(repository, "racing")
    runners = pd.read_parquet(repository / "data/sample/racing/runners.parquet")
    some = runners["race_id"].isin(runners["race_id"].unique()[::7])
    runners.assign(bsp=runners["bsp"].mask(some)).to_parquet(repository / "races/runners.parquet")
    pipeline_copy.quicken(repository, "racing")
    pipeline_copy.run_pipeline(repository, "racing")


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        (
            "prepare",
            {"folds__racing__test_dayz": 3},
            "folds.racing has no setting 'test_dayz'; did you mean 'test_days'?",
        ),
        ("prepare", {"folds__racing__test_days": "many"}, "folds.racing.test_days is 'many'"),
        ("prepare", {"folds__racing__test_days": 0}, "folds.racing.test_days is 0"),
        ("prepare", {"tasks__racing__reader": "runner"}, "no plugin 'runner'; did you mean 'runners'?"),
        ("prepare", {"tasks__racing__reader": "racing"}, "stages/prepare/racing has no read()"),
        ("prepare", {"tasks__racing__source": "racez"}, "racez does not exist"),
        ("features", {"features__racing__decision": "at_of"}, "features.racing.decision is 'at_of'"),
        ("resample", {"tasks__racing__resampler": "smote"}, "no plugin 'smote'; did you mean 'smote_nc'?"),
        ("tune", {"workers": 0}, "workers is 0"),
        ("tune", {"tune__racing__search__loss": "race_loss"}, "did you mean 'race_log_loss'?"),
        ("tune", {"tasks__racing__learner": "catboost"}, "no plugin 'catboost'; did you mean 'catboost_trees'?"),
        ("calibrate", {"tasks__racing__calibrator": "plat"}, "no plugin 'plat'; did you mean 'platt'?"),
    ],
)
def test_a_misspelt_setting_or_plugin_is_rejected_with_the_nearest(
    resampled: Path, tmp_path: Path, stage: str, changes: dict[str, object], message: str
) -> None:
    repository = shutil.copytree(resampled, tmp_path / "repository")
    if stage == "calibrate":  # rejected before anything is read
        (repository / "data/scores").mkdir()
        (repository / "data/scores/racing.parquet").touch()
    pipeline_copy.change(repository, **changes)
    before = files(repository)
    assert_rejected(pipeline_copy.run(repository, stage, "racing"), stage, message)
    assert files(repository) == before


def test_a_resampler_that_says_it_uses_no_inputs_may_make_no_rows(resampled: Path, tmp_path: Path) -> None:
    repository = shutil.copytree(resampled, tmp_path / "repository")
    (repository / "stages/resample/winners_twice.py").write_text(
        "from stages.resample.none import *\nimport pandas as pd\n"
        "def resample(rows, settings, seed):\n"
        "    return np.ones(len(rows.y)), pd.DataFrame({'parent': [0], 'other': [0], 'target': [1.0]})\n"
    )
    pipeline_copy.change(repository, tasks__racing__resampler="winners_twice", resample__racing__winners_twice={})
    before = files(repository)
    message = (
        "'winners_twice' makes synthetic rows, which need inputs; remove USES_INPUTS = False from stages/resample/"
    )
    assert_rejected(pipeline_copy.run(repository, "resample", "racing"), "resample", message)
    assert files(repository) == before


def test_an_unknown_task_is_rejected_with_the_known_ones(tmp_path: Path) -> None:
    done = pipeline_copy.run(pipeline_copy.copy(tmp_path), "prepare", "racin")
    assert_rejected(done, "prepare", "did you mean 'racing'?", task="racin")


def test_a_stage_without_what_comes_before_it_says_how_to_build_it(tmp_path: Path) -> None:
    done = pipeline_copy.run(pipeline_copy.copy(tmp_path), "features", "racing")
    assert_rejected(done, "features", "data/prepared/racing.parquet is missing; run `dvc repro")


def test_a_source_of_which_too_much_is_set_aside_is_refused_and_its_quality_report_written(repository: Path) -> None:
    RUNNERS.assign(box=RUNNERS["box"] + 3).to_csv(repository / "races/runners_2024.csv.gz", index=False, sep=";")
    done = pipeline_copy.run(repository, "prepare", "racing")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    for fragment in (
        "are set aside",
        "most_set_aside",
        "'box out of range', for example '1",
        "prepare.racing.box_high",
    ):
        assert fragment in done.stderr
    quality = json.loads((repository / "metrics/racing/quality.json").read_text())
    assert quality["intake"]["set_aside"]["box out of range"]["share"] > 0.2
    assert not list((repository / "data").rglob("racing.parquet"))
    pipeline_copy.change(repository, prepare__racing__box_high=20)
    done = pipeline_copy.run(repository, "prepare", "racing")
    assert done.returncode == 0, done.stderr
    assert "runners_2024.csv.gz is separated by ';'" in done.stdout
    assert "rows kept" in done.stdout
