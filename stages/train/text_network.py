"""text_network: the mean of a text's word vectors, two dense layers, and a probability per tag (Keras)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.model_json import (
    NO_MONITOR,
    Monitor,
    RoundCallback,
    read_model_json,
    write_model_fields,
    write_model_json,
)
from trueline.core.models.text import embedding_network, tag_name_prior, vocabulary
from trueline.core.models.text.embedding_network import NetworkExamples, NetworkShape, TrainingSchedule, Weights
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.splits.iterative_stratification import assign_stratified_parts
from trueline.core.text.words import find_first_words

UNKNOWN_WORD_ID = 1  # the id of all words outside the vocabulary, whose ids begin at 2; Keras masks 0
WEIGHTS_FILE = "weights.weights.h5"
MOST_STEPS = 100  # batches of an epoch; with more rows batches grow, as a step of many rows costs little more
EPSILON = 1e-12  # keeps divisions finite


class Settings(StageSettings):
    """The parameters of the network and of its training."""

    words: int = Field(ge=1)  # largest vocabulary
    min_rows: int = Field(ge=1)  # texts that a word must be in
    length: int = Field(ge=1)  # words
    embedding: int = Field(ge=1)
    hidden: int = Field(ge=1)
    hidden_last: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    learning_rate: float = Field(gt=0)
    batch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    held_out: float = Field(ge=0, le=0.5)  # share of the fit rows
    stop_after: int = Field(ge=1)  # epochs without gain
    halve_after: int = Field(ge=1)  # epochs without gain
    names: Literal["ignored", "inputs", "evidence"]
    names_shrinkage: float = Field(gt=0)  # rows


@dataclass(frozen=True)
class Model:
    """The weights and architecture of a Keras model, its vocabulary, its tags, and the evidence of their names."""

    weights: Weights
    architecture: str
    vocabulary: list[str]
    tags: list[str]
    names: list[list[float]]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """The id of each word of the vocabulary."""
        return vocabulary.index_words(self.vocabulary, UNKNOWN_WORD_ID)

    @cached_property
    def float64_weights(self) -> list[Floats]:
        """The weights in the precision that scores are computed in."""
        return embedding_network.convert_to_doubles(self.weights)


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return the network after the epoch of least loss on held-out rows, or after the last epoch if there are none.

    With patience, the held-out rows are the `later` ones; otherwise whole groups of the fit rows, a share of
    `held_out`. After every epoch, `watch` gets the loss and the binary accuracy, precision and recall (at 0.5) on the
    rows trained on, and on the later or else the held-out ones; the evidence of tags' names, which is added after
    training, is not in these. Raises UserError if there is no input `text`, no row or no tag.
    """
    tag_name_prior.require_tagged_rows(rows, "text_network")
    tokens = _tokenise_inputs(rows.x, settings.length)
    known_words = vocabulary.build_vocabulary(tokens, settings.words, settings.min_rows)
    fit_batch = _build_batch(rows, tokens, known_words, settings)
    later = monitor.later
    later_batch = (
        _build_batch(later, _tokenise_inputs(later.x, settings.length), known_words, settings) if later else None
    )
    stop_patience = monitor.patience if later_batch else None
    held_out_batch, training_batch = (
        (later_batch, fit_batch) if stop_patience else _split_held_out(rows, fit_batch, settings.held_out, seed)
    )
    weights, architecture, epoch = embedding_network.train_network(
        training_batch,
        held_out_batch,
        NetworkShape(len(known_words) + 2, **settings.model_dump(include=set(NetworkShape.__annotations__))),
        TrainingSchedule(
            **settings.model_dump(include=set(TrainingSchedule.__annotations__))
            | {"batch": max(settings.batch, -(-len(rows.y) // MOST_STEPS))}
            | ({"stop_after": stop_patience} if stop_patience else {})
        ),
        tag_name_prior.compute_tag_prior(rows.y, rows.weight),
        seed,
        _build_epoch_callback(monitor.watch, {"fit": training_batch, "later": later_batch or held_out_batch}),
    )
    name_evidence = tag_name_prior.fit_name_evidence(
        tag_name_prior.get_name_mentions(rows.x, rows.tags), rows.y, rows.weight, settings.names_shrinkage
    )
    settled: dict[str, int | float] = {"epochs": epoch} if stop_patience else {}
    importance = _compute_importance(rows, fit_batch, weights, name_evidence, settings)
    return Model(
        weights,
        architecture,
        known_words,
        list(rows.tags),
        name_evidence.tolist(),
        settings.model_dump(),
        settled,
        importance,
    )


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds, rows × tags in the order of `model.tags`; NumPy computes them, not TensorFlow."""
    return score_texts(model, vocabulary.get_texts(x, "text_network"), tag_name_prior.get_name_mentions(x, model.tags))


def score_texts(model: Model, texts: Sequence[str], mentions: Floats) -> Floats:
    """Return the log-odds of texts; `mentions` is texts × tags, 1 where the text contains the tag's own name.

    The log-odds of a text do not depend on the other texts, to the last bit.
    """
    length, names_setting = model.settings["length"], model.settings["names"]
    token_ids = vocabulary.encode_texts(
        [find_first_words(text, length) for text in texts], model.word_ids, UNKNOWN_WORD_ID
    )
    name_inputs = mentions if names_setting == "inputs" else mentions[:, :0]
    scores = np.zeros((len(texts), len(model.tags)))
    with limit_to_one_thread():
        for row, ids in enumerate(token_ids):
            scores[row] = embedding_network.predict_log_odds(model.float64_weights, ids, name_inputs[row])
    if names_setting == "evidence":
        return scores + tag_name_prior.lookup_name_evidence(mentions, np.array(model.names))
    return scores


def save(model: Model, folder: Path) -> None:
    """Write weights.weights.h5 and architecture.json, which Keras can read, vocabulary.json and model.json."""
    write_model_fields(model, folder, "weights", "architecture", "vocabulary")
    write_model_json({"words": model.vocabulary}, folder / "vocabulary.json")
    (folder / "architecture.json").write_text(model.architecture + "\n")
    embedding_network.write_weights(model.weights, folder / WEIGHTS_FILE)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote, without TensorFlow."""
    return Model(
        embedding_network.read_weights(folder / WEIGHTS_FILE),
        (folder / "architecture.json").read_text().strip(),
        read_model_json(folder / "vocabulary.json")["words"],
        **read_model_json(folder / "model.json"),
    )


def _tokenise_inputs(x: pd.DataFrame, length: int) -> list[list[str]]:
    return [find_first_words(text, length) for text in vocabulary.get_texts(x, "text_network")]


def _build_batch(
    rows: FoldData, tokens: Sequence[Sequence[str]], known_words: Sequence[str], settings: Settings
) -> NetworkExamples:
    mentions = tag_name_prior.get_name_mentions(rows.x, rows.tags)
    name_inputs = mentions if settings.names == "inputs" else mentions[:, :0]
    return NetworkExamples(
        vocabulary.encode_texts(tokens, vocabulary.index_words(known_words, UNKNOWN_WORD_ID), UNKNOWN_WORD_ID),
        name_inputs,
        rows.y,
        rows.weight,
    )


def _split_held_out(
    rows: FoldData, batch: NetworkExamples, share: float, seed: int
) -> tuple[NetworkExamples | None, NetworkExamples]:
    """Return a stratified share of the rows, in whole groups, and the rest; None and all rows if one would be empty."""
    is_held_out = np.zeros(len(rows.y), bool)
    if share:
        is_held_out = assign_stratified_parts(rows.y, rows.group, round(1 / share), seed) == 0
    if 0 < is_held_out.sum() < len(is_held_out):
        return batch.select_rows(is_held_out), batch.select_rows(~is_held_out)
    return None, batch


def _build_epoch_callback(
    watch: RoundCallback | None, batches: dict[str, NetworkExamples | None]
) -> Callable[[int, Weights], None] | None:
    """Return a callback that passes the metrics of each named batch to `watch` after every epoch."""
    if watch is None:
        return None

    def report_epoch(epoch: int, weights: Weights) -> None:
        by_set = {
            name: _evaluate_scores(embedding_network.predict_all_log_odds(weights, batch), batch)
            for name, batch in batches.items()
            if batch
        }
        watch(epoch, {f"{key}/{name}": value for name, values in by_set.items() for key, value in values.items()})

    return report_epoch


def _evaluate_scores(score: Floats, batch: NetworkExamples) -> dict[str, float]:
    predicted, true_positives = score > 0, (score > 0) * batch.y
    return {
        "loss": embedding_network.compute_cross_entropy(score, batch.y, batch.weight),
        "binary_accuracy": float((predicted == batch.y).mean()),
        "precision": float(true_positives.sum() / max(predicted.sum(), 1)),
        "recall": float(true_positives.sum() / max(batch.y.sum(), 1)),
    }


def _compute_importance(
    rows: FoldData, batch: NetworkExamples, weights: Weights, name_evidence: Floats, settings: Settings
) -> dict[str, float]:
    """Return each input's share of the spread of the log-odds over the rows, averaged over tags."""
    text_scores = embedding_network.predict_all_log_odds(
        weights, replace(batch, dense_inputs=np.zeros_like(batch.dense_inputs))
    )
    mention_spread = tag_name_prior.get_name_mentions(rows.x, rows.tags).std(axis=0)
    name_spread = np.zeros(len(rows.tags))
    if settings.names == "evidence":
        name_spread = mention_spread * np.abs(name_evidence[1] - name_evidence[0]) / len(rows.tags)
    if settings.names == "inputs":  # what the names move jointly, divided by how strongly the first layer weighs each
        input_force = mention_spread * np.abs(weights[1][settings.embedding :]).mean(axis=1)
        joint_spread = (embedding_network.predict_all_log_odds(weights, batch) - text_scores).std(axis=0).mean()
        name_spread = joint_spread * input_force / max(input_force.sum(), EPSILON)
    return tag_name_prior.compute_tag_importance(rows, float(text_scores.std(axis=0).mean()), name_spread)
