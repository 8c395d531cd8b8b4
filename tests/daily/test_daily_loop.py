"""Daily loop: the steps of a day in a small repository of races, killed and run again."""

import os
from pathlib import Path

import pandas as pd
import pytest

from stages.diagnose.monitoring import today_cli
from tests.service import running_service
from trueline.benchmarks.replay_lab.day_tables import TASKS
from trueline.core.errors import UserError
from trueline.daily import daily_loop
from trueline.daily.__main__ import main
from trueline.daily.daily_loop import DailyOptions, run_day
from trueline.service.monitoring.prediction_log import read_log

MORNING = pd.Timestamp("2024-04-29T08:00")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return running_service.repository(
        tmp_path_factory.mktemp("daily"), "racing", tasks__racing__learner="conditional_logit"
    )


@pytest.fixture
def options(trained: Path, monkeypatch: pytest.MonkeyPatch) -> DailyOptions:
    monkeypatch.chdir(trained)
    monkeypatch.setattr(daily_loop, "_reproduce", lambda task: None)
    monkeypatch.setattr(today_cli, "main", lambda arguments: 1)
    incoming = trained / "incoming"
    incoming.mkdir(exist_ok=True)
    runners = pd.read_parquet(trained / "data/sample/racing/runners.parquet")
    card = runners[runners["start_time"].dt.normalize() == runners["start_time"].max().normalize()]
    card.drop(columns=[*TASKS["racing"].outcomes], errors="ignore").to_csv(incoming / "card.csv", index=False)
    return DailyOptions("racing", incoming, trained / "predictions", trained / "out.csv", MORNING)


def test_a_kill_after_any_step_and_a_second_run_leave_the_same_log_and_predictions(
    options: DailyOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, step in ((daily_loop, "write_predictions"), (os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(module, step, _stop)
            with pytest.raises(KeyboardInterrupt):
                run_day(options)
    killed_log = read_log(options.log_folder / "racing")
    assert run_day(options) == 1
    assert read_log(options.log_folder / "racing") == killed_log
    assert len(pd.read_csv(options.out)) == len(killed_log) > 0
    assert [file.name for file in (options.drop_folder / "predicted").iterdir()] == ["2024-04-29T080000-card.csv"]
    assert not (options.drop_folder / "card.csv").exists()
    assert run_day(options) == 1
    said = capsys.readouterr().out
    assert f"newest day with results: 0 of {len(killed_log)} logged predictions of 1 days" in said
    assert "differ, by up to" in said, "the kept model is newer than the backtest's unless the folds say `schedule`"


def test_a_card_that_cannot_be_predicted_stays_and_the_exit_code_says_unknown(
    options: DailyOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    (options.drop_folder / "card.csv").write_text("race_id,box\nr1,1\n")
    assert run_day(options) == 3
    assert "card.csv was not predicted: " in capsys.readouterr().err
    assert (options.drop_folder / "card.csv").exists()


def test_a_failed_step_and_wrong_arguments_exit_with_3(
    options: DailyOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(task: str) -> None:
        raise UserError("`dvc repro` failed.")

    monkeypatch.setattr(daily_loop, "_reproduce", fail)
    assert main(["racing", "--incoming", "nowhere"]) == 3
    assert "daily racing: `dvc repro` failed." in capsys.readouterr().err
    for wrong in (["racing", "--now", "soon"], [], ["racing", "--days", "3"]):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 3


def _stop(*arguments: object) -> None:
    raise KeyboardInterrupt
