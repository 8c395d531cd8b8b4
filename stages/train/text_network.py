"""text_network: the words of a text as vectors, their mean, two dense layers, a chance for each tag (Keras)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from core import models, pooled_network, tag_names, vocabulary
from core.models import Watch
from core.params import Knobs
from core.pooled_network import Lesson, Shape, Training, Weights
from core.rows import Floats, Rows
from core.tag_parts import parts
from core.threads import one_thread

UNKNOWN = 1  # the number of every word outside the vocabulary; Keras masks 0, and the vocabulary begins at 2
WEIGHTS = "weights.weights.h5"
TINY = 1e-12  # keeps divisions finite


class Settings(Knobs):
    """The knobs of the network and of its training."""

    words: int = Field(ge=1)
    min_rows: int = Field(ge=1)
    length: int = Field(ge=1)
    embedding: int = Field(ge=1)
    hidden: int = Field(ge=1)
    hidden_last: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    learning_rate: float = Field(gt=0)
    batch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    held_out: float = Field(ge=0, le=0.5)
    stop_after: int = Field(ge=1)  # epochs without gain
    halve_after: int = Field(ge=1)  # epochs without gain
    names: Literal["ignored", "inputs", "evidence"]
    names_shrinkage: float = Field(gt=0)  # rows


@dataclass(frozen=True)
class Model:
    """The weights and architecture of a Keras model, its vocabulary, its tags and what their names say."""

    weights: Weights
    architecture: str
    vocabulary: list[str]
    tags: list[str]
    names: list[list[float]]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]

    @cached_property
    def places(self) -> dict[str, int]:
        """The number of each word of the vocabulary."""
        return vocabulary.places(self.vocabulary, UNKNOWN)

    @cached_property
    def doubles(self) -> list[Floats]:
        """The weights in the precision that scores are computed in."""
        return pooled_network.widened(self.weights)


def fit(
    rows: Rows,
    settings: Settings,
    seed: int,
    later: Rows | None = None,
    patience: int | None = None,
    watch: Watch | None = None,
) -> Model:
    """Return the network as it was after the epoch that lost least on held-out rows; after the last where none are.

    Held out are the `later` rows where patience is given, else whole groups of the fit rows, `held_out` of them.
    Watched is every epoch: loss, binary accuracy, precision and recall (at 0.5) of the rows fitted on, and of the later
    ones, or of the held-out ones where there are no later ones; what tags' names say as evidence comes on top.
    """
    tag_names.check(rows, "text_network")
    spoken = _spoken(rows.x, settings.length)
    known = vocabulary.learn(spoken, settings.words, settings.min_rows)
    lesson = _lesson(rows, spoken, known, settings)
    after = None if later is None else _lesson(later, _spoken(later.x, settings.length), known, settings)
    stops = patience if after else None
    held, taught = (after, lesson) if stops else _apart(rows, lesson, settings.held_out, seed)
    weights, architecture, epoch = pooled_network.train(
        taught,
        held,
        Shape(len(known) + 2, **settings.model_dump(include=set(Shape.__annotations__))),
        Training(
            **settings.model_dump(include=set(Training.__annotations__)) | ({"stop_after": stops} if stops else {})
        ),
        tag_names.prior(rows.y, rows.weight),
        seed,
        _watcher(watch, {"fit": taught, "later": after or held}),
    )
    names = tag_names.learn(tag_names.said(rows.x, rows.tags), rows.y, rows.weight, settings.names_shrinkage)
    settled: dict[str, int | float] = {"epochs": epoch} if stops else {}
    importance = _importance(rows, lesson, weights, names, settings)
    return Model(
        weights, architecture, known, list(rows.tags), names.tolist(), settings.model_dump(), settled, importance
    )


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds, rows × tags in the order of `model.tags`; NumPy computes them, not TensorFlow."""
    return score_texts(model, vocabulary.texts(x, "text_network"), tag_names.said(x, model.tags))


def score_texts(model: Model, texts: Sequence[str], said: Floats) -> Floats:
    """Return the same of texts and, texts × tags, whether the tag's own name stands there.

    No text's log-odds depend on the others', to the last bit.
    """
    length, names = model.settings["length"], model.settings["names"]
    numbers = vocabulary.ids([vocabulary.words(text, length) for text in texts], model.places, UNKNOWN)
    beside = said if names == "inputs" else said[:, :0]
    scores = np.zeros((len(texts), len(model.tags)))
    with one_thread():
        for row, ids in enumerate(numbers):
            scores[row] = pooled_network.forward(model.doubles, ids, beside[row])
    return scores + tag_names.evidence(said, np.array(model.names)) if names == "evidence" else scores


def save(model: Model, folder: Path) -> None:
    """Write weights.weights.h5 and architecture.json as Keras reads them, vocabulary.json and model.json."""
    apart = ("weights", "architecture", "vocabulary")
    told = {field.name: getattr(model, field.name) for field in fields(model) if field.name not in apart}
    models.write(told, folder / "model.json")
    models.write({"words": model.vocabulary}, folder / "vocabulary.json")
    (folder / "architecture.json").write_text(model.architecture + "\n")
    pooled_network.write(model.weights, folder / WEIGHTS)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote; TensorFlow is not needed."""
    return Model(
        pooled_network.read(folder / WEIGHTS),
        (folder / "architecture.json").read_text().strip(),
        models.read(folder / "vocabulary.json")["words"],
        **models.read(folder / "model.json"),
    )


def _spoken(x: pd.DataFrame, length: int) -> list[list[str]]:
    return [vocabulary.words(text, length) for text in vocabulary.texts(x, "text_network")]


def _lesson(rows: Rows, spoken: Sequence[Sequence[str]], known: Sequence[str], settings: Settings) -> Lesson:
    said = tag_names.said(rows.x, rows.tags)
    beside = said if settings.names == "inputs" else said[:, :0]
    return Lesson(vocabulary.ids(spoken, vocabulary.places(known, UNKNOWN), UNKNOWN), beside, rows.y, rows.weight)


def _apart(rows: Rows, lesson: Lesson, share: float, seed: int) -> tuple[Lesson | None, Lesson]:
    """Return a share of the rows, whole groups with every tag in it, and the others; none where one would be empty."""
    held = parts(rows.y, rows.group, round(1 / share), seed) == 0 if share else np.zeros(len(rows.y), bool)
    return (lesson.some(held), lesson.some(~held)) if 0 < held.sum() < len(held) else (None, lesson)


def _watcher(watch: Watch | None, watched: dict[str, Lesson | None]) -> Callable[[int, Weights], None] | None:
    """Return what tells the watcher how well the rows of each name are told after an epoch."""
    if watch is None:
        return None

    def look(epoch: int, weights: Weights) -> None:
        told = {
            name: _told(pooled_network.scores(weights, lesson), lesson) for name, lesson in watched.items() if lesson
        }
        watch(epoch, {f"{key}/{name}": value for name, values in told.items() for key, value in values.items()})

    return look


def _told(score: Floats, lesson: Lesson) -> dict[str, float]:
    given, right = score > 0, (score > 0) * lesson.y
    return {
        "loss": pooled_network.loss(score, lesson.y, lesson.weight),
        "binary_accuracy": float((given == lesson.y).mean()),
        "precision": float(right.sum() / max(given.sum(), 1)),
        "recall": float(right.sum() / max(lesson.y.sum(), 1)),
    }


def _importance(rows: Rows, lesson: Lesson, weights: Weights, names: Floats, settings: Settings) -> dict[str, float]:
    """Return each input's share of the spread of the log-odds over the rows, the mean over tags."""
    text = pooled_network.scores(weights, replace(lesson, beside=np.zeros_like(lesson.beside)))
    spread, heard = tag_names.said(rows.x, rows.tags).std(axis=0), np.zeros(len(rows.tags))
    if settings.names == "evidence":
        heard = spread * np.abs(names[1] - names[0]) / len(rows.tags)
    if settings.names == "inputs":  # what names move together, split by what the first layer takes from each
        force = spread * np.abs(weights[1][settings.embedding :]).mean(axis=1)
        together = (pooled_network.scores(weights, lesson) - text).std(axis=0).mean()
        heard = together * force / max(force.sum(), TINY)
    return tag_names.importance(rows, float(text.std(axis=0).mean()), heard)
