"""Word vectors from the file to the report: which stages read them, and that each score says what they were worth."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import pipeline_copy
from trueline.core.runtime.params import NO_VECTORS
from trueline.core.text.words import find_words

VECTORS = "my/vectors.txt"


def write_vectors(path: Path, words: list[str], seed: int = 0) -> None:
    """Write random vectors of words in GloVe's form."""
    random = np.random.default_rng(seed)
    path.parent.mkdir(exist_ok=True)
    lines = [f"{word} {' '.join(map(str, random.normal(size=8).round(3)))}\n" for word in words]
    path.write_text("".join(lines))


def list_sample_words() -> list[str]:
    """Return the words of the sample's events."""
    events = json.loads((pipeline_copy.ROOT / "data/sample/events/events.json").read_text())
    texts = [str(event[field]).lower() for event in events for field in ("name", "description")]
    return sorted({word for text in texts for word in find_words(text)})


@pytest.fixture(scope="module")
def resampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the repository in which the events went as far as resample."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("vectors") / "repository")
    pipeline_copy.quicken(folder, "events")
    pipeline_copy.change(folder, train__events__comparison__learners=[])
    return pipeline_copy.run_pipeline(folder, "events", until="resample")


@pytest.fixture(scope="module")
def informed(resampled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy after all stages, with vectors whose path begins at the root."""
    folder = shutil.copytree(resampled, tmp_path_factory.mktemp("informed") / "repository")
    write_vectors(folder / VECTORS, list_sample_words())
    pipeline_copy.change(folder, tasks__events__vectors=VECTORS)
    return pipeline_copy.run_pipeline(folder, "events", since="tune")


def test_the_report_says_what_the_vectors_were_worth_on_the_same_rows(informed: Path) -> None:
    report: dict[str, Any] = json.loads((informed / "metrics/events/report.json").read_text())
    assert set(report["baselines"]) == {"prior", "tag_name", "baseline", "default", "tuned", "without_vectors"}
    difference = report["tuned_against"]["without_vectors"]["micro_f1"]["difference"]
    values = {arm: report["baselines"][arm]["micro_f1"]["value"] for arm in ("tuned", "without_vectors")}
    assert difference["value"] == pytest.approx(values["tuned"] - values["without_vectors"], abs=2e-6)
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert "without_vectors (" in report["sentences"][0]


def test_no_score_with_vectors_changes_with_the_outcomes_of_the_scored_rows(informed: Path) -> None:
    (audit,) = json.loads((informed / "metrics/events/score_audit/train.json").read_text())["folds"]
    assert audit["exchanged"] > 0
    assert (audit["differing"], audit["error"]) == (0, None)


def test_the_arm_without_vectors_is_what_the_same_settings_give_where_none_are_set(
    informed: Path, resampled: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(resampled, tmp_path / "repository")
    (folder / "models/events").mkdir(parents=True, exist_ok=True)
    shutil.copy(informed / "models/events/tuned.json", folder / "models/events/tuned.json")
    pipeline_copy.run_pipeline(folder, "events", since="train", until="train")
    plain, beside = (pd.read_parquet(place / "data/scores/events.parquet") for place in (folder, informed))
    tags = [str(name).removeprefix("tuned:") for name in plain if str(name).startswith("tuned:")]
    is_test = (plain["fold"] != "final").to_numpy()  # the final model is fitted for the tuned arm only
    for tag in tags:
        scores = plain.loc[is_test, f"tuned:{tag}"].to_numpy()
        assert scores.tobytes() == beside.loc[is_test, f"without_vectors:{tag}"].to_numpy().tobytes()
        assert plain[f"baseline:{tag}"].equals(beside[f"baseline:{tag}"]), "the baseline reads words alone"
    assert not any(str(name).startswith("without_vectors") for name in plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks__events__vectors": "my/lost.txt"}, "tasks.events.vectors is 'my/lost.txt', which is no file"),
        ({"tasks__events__vectors": "my"}, "tasks.events.vectors is 'my', which is no file"),
        ({"tasks__events__vectors": "my/other.txt"}, "my/other.txt has none of the words of the texts"),
        ({"tasks__events__vectors": "my/broken.txt"}, "line 2 has 1 numbers after the word where 2 are expected"),
        ({"tasks__events__vectors": VECTORS, "tasks__events__learner": "text_network"}, "reads no word vectors"),
    ],
)
def test_vectors_that_cannot_be_used_end_the_stage_in_one_sentence(
    resampled: Path, changes: dict[str, str], message: str
) -> None:
    params = (resampled / "params.yaml").read_text()
    write_vectors(resampled / VECTORS, list_sample_words())
    write_vectors(resampled / "my/other.txt", ["слово", "другое"])
    (resampled / "my/broken.txt").write_text("the 1 2\nof 1\n")
    try:
        pipeline_copy.change(resampled, **changes)
        done = pipeline_copy.run(resampled, "tune", "events")
    finally:
        (resampled / "params.yaml").write_text(params)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.rstrip().endswith(".")


def test_the_file_that_stands_for_no_vectors_is_there() -> None:
    assert (pipeline_copy.ROOT / NO_VECTORS).is_file()
    assert {pipeline_copy.params(pipeline_copy.ROOT)["tasks"][task]["vectors"] for task in pipeline_copy.tasks()} == {
        NO_VECTORS
    }
