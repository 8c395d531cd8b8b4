"""Native opens: the kernel tells what this process opened, and nothing of others."""

import ctypes
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from trueline.core.runtime.native_opens import NativeOpens

pytestmark = pytest.mark.skipif(not NativeOpens().is_available, reason="the kernel does not tell what was opened")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in a folder."""
    path = tmp_path / "a folder/tä ble.parquet"
    path.parent.mkdir()
    parquet.write_table(pa.table({"target": [1]}), path)
    return path


@pytest.fixture
def opens(table: Path) -> NativeOpens:
    """A watch of the table's folder."""
    watch = NativeOpens()
    watch.watch([str(table.parent), str(table.parent / "missing")])
    return watch


def test_what_a_library_opens_is_reported_once(opens: NativeOpens, table: Path) -> None:
    parquet.read_table(table)
    ctypes.CDLL(None).open(os.fsencode(table), os.O_RDONLY)
    assert set(opens.collect()) == {str(table)}
    assert opens.collect() == []


def test_files_of_other_folders_and_folders_themselves_are_not_reported(opens: NativeOpens, table: Path) -> None:
    below = table.parent / "below/other.parquet"
    below.parent.mkdir()
    parquet.write_table(pa.table({"target": [1]}), below)
    os.listdir(table.parent)
    assert opens.collect() == []
    opens.watch([str(below.parent)])
    parquet.read_table(below)
    assert set(opens.collect()) == {str(below)}


def test_what_another_process_opens_is_not_reported(opens: NativeOpens, table: Path) -> None:
    subprocess.run(["cat", table], check=True, capture_output=True)
    assert opens.collect() == []
