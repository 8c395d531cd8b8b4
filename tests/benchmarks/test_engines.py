"""The comparison of engines: Dask gives the bytes of the local engine, and an output with other bytes is an error."""

from pathlib import Path

import pytest

from tests import pipeline_copy
from trueline.benchmarks import engines
from trueline.core.errors import UserError


def test_dask_gives_every_output_the_bytes_of_the_local_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pipeline_copy.copy(tmp_path / "repository")
    pipeline_copy.quicken(folder, "racing")
    pipeline_copy.shrink(folder, "racing")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(engines, "WORKERS", (2,))
    engines.main("racing")
    _, local, dask = capsys.readouterr().out.splitlines()
    assert local.split()[:3] == ["racing", "local", "2"]
    assert dask.split()[:3] == ["racing", "dask", "2"]
    assert local.split()[-3:] == dask.split()[-3:]
    differing, _, outputs = dask.split()[-3:]
    assert (int(differing), int(outputs) >= 15) == (0, True)


def test_other_bytes_and_a_file_that_only_one_engine_writes_are_differences() -> None:
    local = engines.Run({}, {"a": "1", "b": "2", "c": "3"})
    assert engines._count_differences(engines.Run({}, {"a": "1", "b": "9", "d": "4"}), local) == 3


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(UserError, match=r"params\.yaml has no task 'dogs'; allowed: props, racing, events"):
        engines.main("dogs")
