"""A repository with a small model of the events, made from the sample's first events as the pipeline makes it."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from stages.calibrate import thresholds
from stages.features import events as features
from stages.prepare import events as prepare
from stages.prepare import listings
from stages.train import tfidf_linear
from trueline.core.history.input_selection import select_features
from trueline.core.history.past import Past
from trueline.core.models.text.word_vectors import WordVectors
from trueline.core.models.vector_file import VectorFile
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.params import parse_settings
from trueline.core.splits.fold_data import FoldData, FoldTables
from trueline.core.tables import table_schema
from trueline.core.text.words import find_words

ROOT = Path(__file__).parent.parent.parent
SEED, TAUGHT = 7, 120  # events to fit on; the others calibrate
LEARNER: dict[str, Any] = {
    "word_ngrams": 2, "char_ngrams": 4, "max_features": 2000, "min_rows": 2, "length": 20_000, "l2": 0.1,
    "names": "evidence", "names_shrinkage": 2.0,
}  # fmt: skip
CALIBRATOR: dict[str, Any] = {
    "shrinkage": 10.0, "thresholds": "per_tag", "threshold_shrinkage": 10.0, "aim": "f1", "precision": None,
}  # fmt: skip
OUTS = ("models/events/final", "models/events/calibrator.json", "data/predictions/events.parquet")


@cache
def prepared() -> pd.DataFrame:
    """Return the prepared events of the sample."""
    settings = parse_settings(yaml.safe_load((ROOT / "params.yaml").read_text()), prepare.Settings, "prepare", "events")
    raw = listings.read(str(ROOT / "data/sample/events"))
    return prepare.prepare(raw, settings)[0]


@cache
def inputs() -> pd.DataFrame:
    """Return their inputs, built as the entry point of the features stage builds them."""
    settings = features.Settings(decision="before", include=None, exclude=[], audits=1, marks=True)
    present = [column.name for column in prepare.columns(prepared()) if column.known == "before"]
    return select_features(features.build(prepared()[present], Past(prepared()), settings), settings)


@cache
def fitted(has_vectors: bool = False) -> tuple[tfidf_linear.Model, dict[str, Any]]:
    """Return the model and the state of its calibrator; with vectors if asked, which are random."""
    rows = _rows(slice(TAUGHT))
    if has_vectors:
        rows = replace(rows, word_vectors=_make_vectors())
    model = tfidf_linear.fit(rows, tfidf_linear.Settings(**LEARNER), SEED)
    later = _rows(slice(TAUGHT, None))
    settings = thresholds.Settings(**CALIBRATOR)
    state = thresholds.fit(tfidf_linear.score(model, later.x), later.y, np.arange(len(later.y)), settings)
    return model, state


def batch(has_vectors: bool = False) -> pd.DataFrame:
    """Return what the pipeline predicts for every event: `tuned:<tag>` and `tuned:<tag>:given`."""
    model, state = fitted(has_vectors)
    found = thresholds.apply(_rounded(state), tfidf_linear.score(model, inputs()), np.arange(len(inputs())))
    chances = pd.DataFrame(found[""], columns=[f"tuned:{tag}" for tag in model.tags])
    given = pd.DataFrame(found["given"], columns=[f"tuned:{tag}:given" for tag in model.tags])
    targets = prepared()[[f"target:{tag}" for tag in model.tags]]
    return pd.concat([prepared()[["row_id"]], targets, chances, given], axis=1)


def repository(folder: Path, has_vectors: bool = False) -> Path:
    """Write the outputs and their dvc.lock into a folder and return it."""
    model, state = fitted(has_vectors)
    tfidf_linear.save(model, folder / OUTS[0])
    write_json({"calibrator": "thresholds", "folds": {"final": {"tuned": state}}}, folder / OUTS[1], digits=12)
    (folder / OUTS[2]).parent.mkdir(parents=True)
    table_schema.write_table(batch(has_vectors), folder / OUTS[2])
    seal(folder, PARAMS, OUTS)
    return folder


PARAMS: dict[str, Any] = {
    "tasks.events.learner": "tfidf_linear",
    "tasks.events.calibrator": "thresholds",
    "features.events": {"decision": "before", "include": None, "exclude": [], "audits": 1, "marks": True},
}


def seal(folder: Path, params: dict[str, Any], outs: tuple[str, ...]) -> None:
    """Write the dvc.lock of one stage with these outputs as they are, as DVC would."""
    entries = [{"path": out, "hash": "md5", "md5": md5(folder / out)} for out in outs]
    stage = {"cmd": "python -m stages", "params": {"params.yaml": params}, "outs": entries}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"train@events": stage}}))


def md5(place: Path) -> str:
    """Return the hash that DVC computes for a file or folder."""
    if place.is_file():
        return hashlib.md5(place.read_bytes()).hexdigest()
    files = sorted(file for file in place.rglob("*") if file.is_file())
    entries = [{"md5": md5(file), "relpath": file.relative_to(place).as_posix()} for file in files]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def _make_vectors() -> WordVectors:
    """Return vectors of the words that begin with a to m in all the events' texts."""
    all_words = sorted({token for text in inputs()["text"] for token in find_words(text.lower())})
    known_words = [token for token in all_words if "a" <= token[0] <= "m"]
    table = np.random.default_rng(SEED).normal(size=(len(known_words), 12))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    file = VectorFile("vectors.txt", "digest", 0.5, len(known_words))
    return WordVectors(known_words, table.astype(np.float16), np.arange(len(known_words)), file)


def _rows(part: slice) -> FoldData:
    keys = prepared()[["row_id", "group", "time"]].assign(fold="fit")
    targets = prepared()[[name for name in prepared() if str(name).startswith("target:")]]
    folds = pd.concat([keys, targets], axis=1)
    return FoldTables(inputs().assign(row_id=keys["row_id"])[part], folds[part]).get_rows("fold", "fit")


def _rounded(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state as it is after being written with 12 digits."""
    return {name: [round(value, 12) for value in values] for name, values in state.items() if isinstance(values, list)}
