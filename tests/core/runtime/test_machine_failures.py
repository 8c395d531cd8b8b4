"""A failure of the machine becomes a sentence, whoever raises it; a failure of the code does not."""

import errno
import os
from pathlib import Path

import pandas as pd
import pytest
from catboost import CatBoost, CatBoostError

from trueline.core.runtime.machine_failures import CAUSES, explain_failure, find_damaged_file


@pytest.mark.parametrize("number", CAUSES)
def test_every_known_failure_says_what_is_wrong_where_and_what_to_do(number: int) -> None:
    sentence = explain_failure(OSError(number, os.strerror(number), "data/rows.parquet"))
    what, remedy = CAUSES[number]
    assert sentence == f"{what} (data/rows.parquet); {remedy}, and run the command again: no output was changed."


def test_a_failure_behind_another_error_is_found() -> None:
    error = RuntimeError("no worker")
    error.__cause__ = OSError(errno.EMFILE, "Too many open files")
    assert "too many files are open" in str(explain_failure(error))


def test_what_a_library_says_in_the_words_of_the_system_is_understood(tmp_path: Path) -> None:
    (tmp_path / "trees.cbm").mkdir()
    message = f"util/system/file.cpp: can't write ({os.strerror(errno.ENOSPC)})"
    assert "the disk is full" in str(explain_failure(CatBoostError(message)))
    with pytest.raises(CatBoostError) as raised:  # a folder in the place of a file is no failure of the machine
        CatBoost().load_model(str(tmp_path / "trees.cbm"))
    assert explain_failure(raised.value) is None


def test_memory_that_ran_out_and_a_worker_that_was_killed_name_the_number_of_workers() -> None:
    lost_worker = type("TerminatedWorkerError", (RuntimeError,), {})
    for error in (MemoryError(), lost_worker("a worker was killed")):
        assert "set a lower number of workers in params.yaml" in str(explain_failure(error))


@pytest.mark.parametrize("error", [KeyError("rows"), ValueError("bad"), FileNotFoundError(2, "No such file")])
def test_an_error_of_the_code_is_not_explained(error: Exception) -> None:
    assert explain_failure(error) is None


def test_the_file_that_cannot_be_read_is_found_in_files_and_folders(tmp_path: Path) -> None:
    table, folder = tmp_path / "rows.parquet", tmp_path / "folder"
    folder.mkdir()
    pd.DataFrame({"x": range(1000)}).to_parquet(table)
    (folder / "report.json").write_text('{"x": 1}')
    assert find_damaged_file([table, folder]) is None
    (folder / "report.json").write_text('{"x": ')
    assert find_damaged_file([table, folder]) == folder / "report.json"
    table.write_bytes(table.read_bytes()[:-10])
    assert find_damaged_file([table, folder]) == table
