"""The shelf: the word is the file."""

from pathlib import Path

import pytest

from trueline.core.errors import UserError
from trueline.core.runtime import plugins


def test_a_word_names_the_file_of_that_name() -> None:
    found = plugins.load_plugin("calibrate", "platt")
    assert found.__name__ == "stages.calibrate.platt"
    assert found.__file__ is not None
    assert Path(found.__file__) == plugins.STAGES_FOLDER / "calibrate" / "platt.py"


def test_the_shelf_holds_every_tool_and_no_door() -> None:
    held = plugins.list_plugins("resample")
    assert {"none", "recency", "smote_nc", "undersample"} <= set(held)
    assert held == sorted(held)
    assert not {"__init__", "__main__"} & set(held)


def test_a_file_put_on_the_shelf_is_a_tool_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    for name in ("trees.py", "_shared.py", "__main__.py", "notes.md"):
        (tmp_path / "train" / name).touch()
    monkeypatch.setattr(plugins, "STAGES_FOLDER", tmp_path)
    assert plugins.list_plugins("train") == ["trees"]


def test_a_slip_is_refused_with_the_nearest_tool_and_the_whole_shelf() -> None:
    with pytest.raises(
        UserError, match=r"stages/calibrate holds no tool 'plat'; did you mean 'platt'\? Allowed: .*none"
    ):
        plugins.load_plugin("calibrate", "plat")


@pytest.mark.parametrize("word", ["__main__", "__init__", "", "../train/none", "platt.py"])
def test_only_a_word_of_the_shelf_is_imported(word: str) -> None:
    with pytest.raises(UserError, match="holds no tool"):
        plugins.load_plugin("calibrate", word)
