"""Plugins: the name is the name of the file."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests import learner_cases
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


@pytest.mark.parametrize("arm", learner_cases.ARMS, ids="-".join)
def test_every_learner_fits_scores_and_is_stored_behind_the_guard_as_without_it(
    arm: tuple[str, str], tmp_path: Path
) -> None:
    rows, settings = learner_cases.rows_for(arm, 1, count=30), learner_cases.load_arm_settings(arm)
    learner = plugins.load_guarded_plugin("train", arm[0])
    model = learner.fit(rows, settings, learner_cases.SEED)
    learner.save(model, tmp_path / "model")
    scores = learner.score(learner.load(tmp_path / "model"), rows.x)
    plain = plugins.load_plugin("train", arm[0])
    assert np.array_equal(scores, plain.score(plain.fit(rows, settings, learner_cases.SEED), rows.x))


def test_a_guarded_plugin_is_imported_and_called_behind_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = tmp_path / "repository/data/prepared/racing.parquet"
    answers.parent.mkdir(parents=True)
    answers.write_bytes(b"1")
    (tmp_path / "repository/params.yaml").write_text("tasks: {racing: {source: data/sample}}\n")
    monkeypatch.chdir(tmp_path / "repository")
    thief = ModuleType("thief")
    settings = type("Settings", (), {})
    vars(thief).update(LIMIT=3, Settings=settings, fit=Path.read_text, load=Path.read_text)
    sentence = r"^the train plugin 'thief' opened data/prepared/racing\.parquet; "

    monkeypatch.setattr(plugins, "load_plugin", lambda *_: thief)
    plugin = plugins.load_guarded_plugin("train", "thief")
    assert plugin.LIMIT == 3
    assert plugin.Settings is settings
    assert plugin.load(answers) == "1"
    with pytest.raises(UserError, match=sentence):
        plugin.fit(answers)
    with pytest.raises(AttributeError, match="score"):
        plugin.score(answers)
    monkeypatch.setattr(plugins, "load_plugin", lambda *_: answers.read_bytes())
    with pytest.raises(UserError, match=sentence):
        plugins.load_guarded_plugin("train", "thief")
