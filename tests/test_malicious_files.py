"""Loading a model, a table or a parameter runs no code: a planted file of every format is refused, or read as data."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.train import (
    catboost_trees,
    conditional_logit,
    forest,
    gradient_boosting,
    text_network,
    tfidf_linear,
    xgboost_trees,
)
from trueline.core.errors import UserError
from trueline.core.history.kept_ratings import KeptRatings
from trueline.core.runtime import params
from trueline.core.tables import raw_sources, table_schema
from trueline.service import model_loading

MODEL_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "CatBoost": (catboost_trees.load, "trees.cbm"),
    "XGBoost": (xgboost_trees.load, "trees.ubj"),
    "skops, forest": (forest.load, "forest.skops"),
    "skops, boosting": (gradient_boosting.load, "trees.skops"),
    "NumPy": (tfidf_linear.load, "coefficients.npy"),
    "HDF5 of Keras": (text_network.load, text_network.WEIGHTS_FILE),
    "JSON": (conditional_logit.load, "model.json"),
}


class Planted:
    """An object whose unpickling makes a file, as it could do anything."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "the planted code ran"


def pack(marker: Path, form: str) -> bytes:
    """Return a file that makes the marker when a loader unpickles it."""
    buffer = io.BytesIO()
    if form == "pickle":
        return pickle.dumps(Planted(marker))
    if form == "joblib":
        joblib.dump(Planted(marker), buffer)
    elif form == "array of objects":
        np.save(buffer, np.array([Planted(marker)], dtype=object), allow_pickle=True)
    elif form == "archive":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("schema.json", SKOPS_SCHEMA.replace("MARKER", str(marker)))
            archive.writestr("0.npy", pack(marker, "array of objects"))
    return buffer.getvalue()


SKOPS_SCHEMA = """{"__class__": "open", "__module__": "io", "__loader__": "ObjectNode", "__id__": 1, "protocol": 2,
 "content": {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "\\"MARKER\\"",
 "is_json": true}, "constructor": {"__class__": "open", "__module__": "io", "__loader__": "TypeNode"}}"""


@pytest.mark.parametrize("form", ["pickle", "joblib", "array of objects"])
def test_what_is_planted_would_run_if_it_were_unpickled(marker: Path, form: str) -> None:
    content = pack(marker, form)
    if form == "joblib":
        loaded: Any = joblib.load(io.BytesIO(content))
    elif form == "pickle":
        loaded = pickle.loads(content)
    else:
        loaded = np.load(io.BytesIO(content), allow_pickle=True)[0]
    loaded.close()
    assert marker.exists()


@pytest.mark.parametrize("form", ["pickle", "joblib", "array of objects", "archive"])
@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_model_with_planted_code_is_refused_in_one_sentence_and_runs_nothing(
    tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    load, file_name = MODEL_FILES[name]
    path = tmp_path / "final" / file_name
    path.parent.mkdir()
    path.write_bytes(pack(marker, form))
    module = SimpleNamespace(load=lambda _: load(path.parent))
    monkeypatch.setattr(model_loading, "load_task_module", lambda _: module)
    files: Any = SimpleNamespace(name="racing-model@v1.0.0")
    with pytest.raises(UserError) as raised:
        model_loading.load_task_model("racing", files)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("racing-model@v1.0.0: the model of racing cannot be read (")
    assert not marker.exists()


def test_ratings_with_planted_code_are_refused(marker: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, ratings=np.array([Planted(marker)], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        KeptRatings(buffer.getvalue())
    assert not marker.exists()


@pytest.mark.parametrize("form", ["pickle", "joblib"])
def test_a_source_with_planted_code_is_refused_in_one_sentence(tmp_path: Path, marker: Path, form: str) -> None:
    for suffix in (".parquet", ".json", ".csv", ".xlsx"):
        path = tmp_path / f"runners{suffix}"
        path.write_bytes(pack(marker, form))
        with pytest.raises(UserError) as raised:
            raw_sources.read_table_file(path)
        assert "\n" not in str(raised.value)
    assert not marker.exists()


def test_a_parquet_column_of_a_type_that_is_unpickled_is_read_as_plain_bytes(tmp_path: Path, marker: Path) -> None:
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pack(marker, "pickle"),
    }
    schema = pa.schema([pa.field("x", pa.int64(), metadata=metadata)])
    pq.write_table(pa.table([[1, 2]], schema=schema), tmp_path / "rows.parquet")
    assert table_schema.read_table(tmp_path / "rows.parquet")["x"].tolist() == [1, 2]
    assert raw_sources.read_table_file(tmp_path / "rows.parquet")["x"].tolist() == [1, 2]
    assert not marker.exists()


def test_a_parameter_that_calls_a_function_is_refused_in_one_sentence(
    tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(f"seed: !!python/object/apply:os.mkdir [{os.fspath(marker)!r}]\n")
    with pytest.raises(UserError, match="is not valid YAML") as raised:
        params.load_seed()
    assert "\n" not in str(raised.value)
    assert not marker.exists()
