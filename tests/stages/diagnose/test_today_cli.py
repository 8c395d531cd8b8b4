"""The command `today`: one line and an exit code for cron; an unknown level is never ok."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.diagnose.monitoring import today_cli as command
from stages.diagnose.monitoring.daily_columns import COLUMNS
from stages.diagnose.monitoring.today_cli import main, report_day
from trueline.core.errors import UserError
from trueline.core.tables.table_schema import write_table

FIRST = date(2026, 1, 1)
LEVELS = (None, "none", "info", "warning", "critical")


def table() -> pd.DataFrame:
    """Return a daily table of five days, one for each level, with the columns that the command reads."""
    days = [FIRST + timedelta(days=number) for number in range(5)]
    found = pd.DataFrame({column.name: pd.Series([None] * 5, dtype=object) for column in COLUMNS})
    columns: dict[str, list[Any]] = {
        "game_date": days,
        "status": ["graded"] * 5,
        "alert_level": list(LEVELS),
        "alert_message": [None, "No rule alarms.", "[INFO] i.", "[WARNING] w.", "[CRITICAL] c."],
        "alert_reason": ["the first day sets the limits", None, None, None, None],
        "primary_cause": [None, "none", "undecided", "bias", "leakage"],
        "cause_confidence": [None, 0.9, None, 0.75, 0.8],
    }
    return found.assign(**{name: pd.Series(values, dtype=object) for name, values in columns.items()})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "metrics" / "props" / "daily.parquet"
    path.parent.mkdir(parents=True)
    write_table(table(), path, COLUMNS)
    return tmp_path


@pytest.mark.parametrize(("number", "code"), [(0, 3), (1, 0), (2, 0), (3, 1), (4, 2)])
def test_the_exit_code_is_the_level(root: Path, number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["props", "--date", f"{FIRST + timedelta(days=number)}"]) == code
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert output.startswith(f"props 2026-01-0{number + 1} {LEVELS[number] or 'unknown'}")


def test_the_newest_day_is_printed_with_level_cause_and_message(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["props"]) == 2
    assert capsys.readouterr().out == "props 2026-01-05 critical · cause: leakage (0.80) · [CRITICAL] c.\n"
    found = report_day(table())
    assert (found.level, found.cause, found.confidence, found.exit_code) == ("critical", "leakage", 0.8, 2)
    assert report_day(table(), FIRST).message == "the first day sets the limits"
    assert report_day(table(), FIRST).cause is None


@pytest.mark.parametrize(("number", "code"), [(0, 3), (1, 1), (2, 1), (3, 1), (4, 2)])
def test_no_day_is_ok_while_a_check_has_failed(
    root: Path, number: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"gap": {"status": "failed"}, "drift": {"status": "warning"}}
    path = root / "metrics/props/diagnosis.json"
    path.write_text(json.dumps({"checks": checks}))
    assert main(["props", "--date", f"{FIRST + timedelta(days=number)}"]) == code
    output = capsys.readouterr().out
    assert output.rstrip().endswith("· failed checks: gap")
    assert not output.startswith(("props 2026-01-02 none", "props 2026-01-03 info"))
    path.write_text(json.dumps({"checks": {"drift": {"status": "warning"}}}))
    main(["props"])
    assert "failed" not in capsys.readouterr().out
    path.write_text("{")
    assert main(["props"]) == 3


def test_an_unknown_day_and_an_empty_table_are_rejected_in_a_sentence() -> None:
    with pytest.raises(UserError, match="it runs from 2026-01-01 to 2026-01-05"):
        report_day(table(), date(2025, 12, 31))
    with pytest.raises(UserError, match="no days"):
        report_day(table().iloc[:0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["props", "--date", "2031-01-01"], "it runs from 2026-01-01 to 2026-01-05"),
        (["props", "--date", "soon"], "not a date"),
        (["nothing"], "dvc repro diagnose@nothing"),
        ([], "usage"),
        (["props", "--loud"], "usage"),
    ],
)
def test_what_is_unknown_exits_3_with_one_sentence(
    root: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_only_warnings_are_sent_and_only_if_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(command, "notify", sent.append)
    for number in range(5):
        main(["props", "--date", f"{FIRST + timedelta(days=number)}"])
    assert sent == []
    codes = [main(["props", "--notify", "--date", f"{FIRST + timedelta(days=number)}"]) for number in range(5)]
    assert codes == [3, 0, 0, 1, 2]  # delivery does not affect the exit code
    assert [text.split()[2] for text in sent] == ["warning", "critical"]
