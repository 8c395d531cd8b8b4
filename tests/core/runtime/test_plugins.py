"""Plugins: the name is the name of the file."""

from pathlib import Path

import pytest

from trueline.core.errors import UserError
from trueline.core.runtime import plugins


def test_a_name_loads_the_file_of_that_name() -> None:
    found = plugins.load_plugin("calibrate", "platt")
    assert found.__name__ == "stages.calibrate.platt"
    assert found.__file__ is not None
    assert Path(found.__file__) == plugins.STAGES_FOLDER / "calibrate" / "platt.py"


def test_every_plugin_is_listed_and_no_entry_point() -> None:
    held = plugins.list_plugins("resample")
    assert {"none", "recency", "smote_nc", "undersample"} <= set(held)
    assert held == sorted(held)
    assert not {"__init__", "__main__"} & set(held)


def test_a_file_put_into_a_stage_is_a_plugin_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    for name in ("trees.py", "_shared.py", "__main__.py", "notes.md"):
        (tmp_path / "train" / name).touch()
    monkeypatch.setattr(plugins, "STAGES_FOLDER", tmp_path)
    assert plugins.list_plugins("train") == ["trees"]


def test_a_misspelt_name_is_rejected_with_the_nearest_plugin_and_all_of_them() -> None:
    with pytest.raises(
        UserError, match=r"stages/calibrate has no plugin 'plat'; did you mean 'platt'\? Allowed: .*none"
    ):
        plugins.load_plugin("calibrate", "plat")


@pytest.mark.parametrize("word", ["__main__", "__init__", "", "../train/none", "platt.py"])
def test_only_a_listed_name_is_imported(word: str) -> None:
    with pytest.raises(UserError, match="has no plugin"):
        plugins.load_plugin("calibrate", word)
