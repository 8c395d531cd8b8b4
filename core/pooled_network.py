"""Pooled network: word vectors, their mean, two dense layers, a sigmoid a tag; trained in Keras, run in NumPy."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped,unused-ignore]
import numpy as np
import numpy.typing as npt

from core.races import Codes, Floats
from core.threads import one_thread
from core.vocabulary import shares

Weights = list[npt.NDArray[np.float32]]  # in Keras's order: word vectors, then matrix and bias of each dense layer
SMALLEST = 1e-7  # variance of a chance below which its gradient fades: Keras clips chances so
PLACES = ["layers/embedding/vars/0"] + [
    f"layers/{layer}/vars/{part}" for layer in ("dense", "dense_1", "dense_2") for part in (0, 1)
]


@dataclass(frozen=True)
class Shape:
    """The sizes of a network: the numbers that words may have (0 is no word), and the widths of its layers."""

    numbers: int
    embedding: int
    hidden: int
    hidden_last: int
    dropout: float


@dataclass(frozen=True)
class Training:
    """How a network is trained: patience is counted in epochs without gain on held-out rows."""

    learning_rate: float
    batch: int
    epochs: int
    stop_after: int
    halve_after: int


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from: their words as numbers, inputs beside the words, tags (0 or 1) and weights."""

    ids: list[list[int]]
    beside: Floats
    y: Floats
    weight: Floats

    def some(self, keep: npt.NDArray[np.bool_]) -> "Lesson":
        """Return some of the rows."""
        ids = [text for text, kept in zip(self.ids, keep, strict=True) if kept]
        return Lesson(ids, self.beside[keep], self.y[keep], self.weight[keep])


def train(
    lesson: Lesson,
    held: Lesson | None,
    shape: Shape,
    training: Training,
    start: Floats,
    seed: int,
    watch: Callable[[int, Weights], None] | None,
) -> tuple[Weights, str, int]:
    """Return the weights, the architecture as JSON, and the epoch that the weights are of.

    `start` is each tag's log-odds before a word is read: the bias of the last layer. The loss of the held-out rows
    decides when the learning rate is halved, when training stops and which epoch's weights are kept; without such rows
    training runs through all its epochs. Equal inputs give equal bits on one machine.
    """
    keras = _keras(seed)
    model = _model(keras, shape, lesson, start)
    architecture: str = model.to_json()
    model.compile(keras.optimizers.Adam(training.learning_rate))
    model.optimizer.build(model.trainable_variables)
    step = _step(keras, model, lesson.beside.shape[1], lesson.y.shape[1])
    stop = keras.callbacks.EarlyStopping("held", mode="min", patience=training.stop_after, restore_best_weights=True)
    halve = keras.callbacks.ReduceLROnPlateau("held", mode="min", factor=0.5, patience=training.halve_after)
    watchers = keras.callbacks.CallbackList([halve, stop] if held else [], model=model)
    watchers.on_train_begin()
    for epoch in range(training.epochs):
        _epoch(step, lesson, np.random.default_rng([seed, epoch]), training.batch)
        if watch is not None:
            watch(epoch + 1, model.get_weights())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "__array__", DeprecationWarning)  # Keras 3.15 reads its learning rate so
            watchers.on_epoch_end(epoch, {"held": _loss(model.get_weights(), held)} if held else {})
        if model.stop_training:
            break
    watchers.on_train_end()
    return model.get_weights(), architecture, stop.best_epoch + 1 if held else training.epochs


def forward(doubles: Sequence[Floats], ids: Sequence[int], beside: Floats) -> Floats:
    """Return the log-odds of every tag from one text's words as numbers and the inputs beside the words.

    It is what Keras computes, in NumPy: no TensorFlow is needed. One text at a time, for in the product of many rows
    the last bits of each depend on how many there are. Limit: linear algebra must keep to one thread.
    """
    vectors, first, first_bias, second, second_bias, last, last_bias = doubles
    hidden = np.concatenate([vectors[ids].mean(axis=0), beside]) @ first + first_bias
    hidden = np.maximum(hidden, 0) @ second + second_bias
    return np.asarray(np.maximum(hidden, 0) @ last + last_bias)


def widened(weights: Weights) -> list[Floats]:
    """Return the weights in double precision, in which scores are computed."""
    return [part.astype(np.float64) for part in weights]


def scores(weights: Weights, lesson: Lesson) -> Floats:
    """Return the log-odds of all rows to learn from at once: what `forward` returns of each, but for rounding."""
    vectors, first, first_bias, second, second_bias, last, last_bias = widened(weights)
    with one_thread():
        hidden = np.hstack([shares(lesson.ids, len(vectors)) @ vectors, lesson.beside]) @ first + first_bias
        hidden = np.maximum(hidden, 0) @ second + second_bias
        return np.asarray(np.maximum(hidden, 0) @ last + last_bias)


def loss(score: Floats, y: Floats, weight: Floats) -> float:
    """Return the binary cross-entropy: the mean over tags, and over rows by weight (nats)."""
    return float(np.average((np.logaddexp(0, score) - y * score).mean(axis=1), weights=weight))


def padded(ids: list[list[int]]) -> npt.NDArray[np.int32]:
    """Return texts × places, 0 after a text's end: what Keras takes."""
    lengths = np.array([len(text) for text in ids])
    filled = np.zeros((len(ids), int(lengths.max())), np.int32)
    filled[np.arange(filled.shape[1]) < lengths[:, None]] = np.concatenate([np.asarray(text) for text in ids])
    return filled


def write(weights: Weights, path: Path) -> None:
    """Write weights in Keras's format, for `keras.models.model_from_json(architecture).load_weights(path)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for place, part in zip(PLACES, weights, strict=True):
            file[place] = part


def read(path: Path) -> Weights:
    """Return the weights of such a file."""
    with h5py.File(path) as file:
        return [np.asarray(file[place]) for place in PLACES]


def _loss(weights: Weights, lesson: Lesson) -> float:
    return loss(scores(weights, lesson), lesson.y, lesson.weight)


def _epoch(step: Callable[..., Any], lesson: Lesson, random: np.random.Generator, size: int) -> None:
    """Teach every row once, in random order."""
    order = random.permutation(len(lesson.y))
    for begin in range(0, len(order), size):
        rows: Codes = order[begin : begin + size]
        beside, y, weight = (part[rows].astype(np.float32) for part in (lesson.beside, lesson.y, lesson.weight))
        step(padded([lesson.ids[row] for row in rows]), beside, y, weight)


def _step(keras: Any, model: Any, inputs: int, tags: int) -> Callable[..., Any]:
    """Return what teaches one batch: Keras's own fit() does just this, six times slower on small batches."""
    import tensorflow as tf  # type: ignore[import-untyped,unused-ignore]

    @tf.function(  # type: ignore[untyped-decorator,unused-ignore]
        input_signature=[tf.TensorSpec((None, None), tf.int32)]
        + [tf.TensorSpec(shape, tf.float32) for shape in ((None, inputs), (None, tags), (None,))]
    )
    def step(words: Any, beside: Any, y: Any, weight: Any) -> None:
        with tf.GradientTape() as tape:
            p = model({"words": words, "beside": beside}, training=True)
        by_chance = cross_entropy_gradient(p, y, weight)
        gradient = tape.gradient(p, model.trainable_variables, output_gradients=by_chance)
        model.optimizer.apply(gradient, model.trainable_variables)

    taught: Callable[..., Any] = step
    return taught


def cross_entropy_gradient(p: Any, y: Any, weight: Any) -> Any:
    """Return the gradient of the weighted mean binary cross-entropy by the chances p; tensors, rows × tags.

    Spelled out with divisions: TensorFlow's own takes reciprocals, which each maker's processors approximate otherwise.
    """
    import tensorflow as tf

    return weight[:, None] * (p - y) / tf.maximum(p * (1 - p), SMALLEST) / tf.cast(tf.size(y), p.dtype)


def _model(keras: Any, shape: Shape, lesson: Lesson, start: Floats) -> Any:
    layers, inputs = keras.layers, lesson.beside.shape[1]
    words, beside = keras.Input((None,), dtype="int32", name="words"), keras.Input((inputs,), name="beside")
    vectors = layers.Embedding(shape.numbers, shape.embedding, mask_zero=True, name="embedding")(words)
    hidden = layers.Concatenate()([layers.GlobalAveragePooling1D()(vectors), beside])
    for name, width in (("dense", shape.hidden), ("dense_1", shape.hidden_last)):
        hidden = layers.Dropout(shape.dropout)(layers.Dense(width, "relu", name=name)(hidden))
    model = keras.Model([words, beside], layers.Dense(lesson.y.shape[1], "sigmoid", name="dense_2")(hidden))
    last = model.get_layer("dense_2")
    last.set_weights([model.get_weights()[-2], start.astype(np.float32)])
    return model


def _keras(seed: int) -> Any:
    """Return Keras, seeded, on one thread, its operations deterministic; imported only where a network is trained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it tells of the processor's instructions on stderr
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its kernels round otherwise on other processors
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped,unused-ignore]
    import tensorflow as tf  # type: ignore[import-untyped,unused-ignore]

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.config.set_floatx("float32")  # a user's keras.json may say otherwise
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    return keras
