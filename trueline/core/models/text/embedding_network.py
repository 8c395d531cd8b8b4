"""Embedding network: mean of word vectors, two dense layers, a sigmoid per tag; trained in Keras, run in NumPy."""

import os
import random
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped,unused-ignore]
import numpy as np
import numpy.typing as npt

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.text.vocabulary import compute_word_shares
from trueline.core.stats.group_ops import Codes, Floats

Weights = list[npt.NDArray[np.float32]]  # in Keras's order: word vectors, then matrix and bias of each dense layer
MAX_LAYER_SEED = 10**9  # that of Keras's own seeds
MIN_CHANCE_VARIANCE = 1e-7  # variance p·(1 − p) below which a probability's gradient fades, as where Keras clips
WEIGHT_PATHS = ["layers/embedding/vars/0"] + [
    f"layers/{layer}/vars/{index}" for layer in ("dense", "dense_1", "dense_2") for index in (0, 1)
]


@dataclass(frozen=True)
class NetworkShape:
    """The sizes of a network: the number of word ids (0 is no word), the widths of its layers, and its dropout rate."""

    vocabulary_size: int
    embedding: int
    hidden: int
    hidden_last: int
    dropout: float


@dataclass(frozen=True)
class TrainingSchedule:
    """How a network is trained; `stop_after` and `halve_after` count epochs without gain on held-out rows."""

    learning_rate: float
    batch: int
    epochs: int
    stop_after: int
    halve_after: int


@dataclass(frozen=True)
class NetworkExamples:
    """Training rows: their words as numbers, the inputs beside the words, tags (0 or 1) and weights."""

    token_ids: list[list[int]]
    dense_inputs: Floats
    y: Floats
    weight: Floats

    def select_rows(self, keep: npt.NDArray[np.bool_]) -> "NetworkExamples":
        """Return some of the rows."""
        selected_ids = [text_ids for text_ids, is_selected in zip(self.token_ids, keep, strict=True) if is_selected]
        return NetworkExamples(selected_ids, self.dense_inputs[keep], self.y[keep], self.weight[keep])


def train_network(
    examples: NetworkExamples,
    validation: NetworkExamples | None,
    shape: NetworkShape,
    training: TrainingSchedule,
    start_log_odds: Floats,
    seed: int,
    callback: Callable[[int, Weights], None] | None,
) -> tuple[Weights, str, int]:
    """Return the weights, the architecture as JSON, and the epoch that the weights come from.

    `start_log_odds` holds each tag's log-odds before any word is read: the bias of the last layer. The loss on the
    held-out rows, `validation`, decides when the learning rate is halved, when training stops and which epoch's weights
    are kept; without such rows training runs all its epochs. Equal inputs give equal bits on one machine.
    """
    keras = _load_keras()
    model = _build_model(keras, shape, examples, start_log_odds, seed)
    architecture: str = model.to_json()
    model.compile(keras.optimizers.Adam(training.learning_rate))
    model.optimizer.build(model.trainable_variables)
    train_step = _build_train_step(keras, model, examples.dense_inputs.shape[1], examples.y.shape[1])
    early_stopping = keras.callbacks.EarlyStopping(
        "held", mode="min", patience=training.stop_after, restore_best_weights=True
    )
    rate_halving = keras.callbacks.ReduceLROnPlateau("held", mode="min", factor=0.5, patience=training.halve_after)
    keras_callbacks = keras.callbacks.CallbackList([rate_halving, early_stopping] if validation else [], model=model)
    keras_callbacks.on_train_begin()
    for epoch in range(training.epochs):
        _train_epoch(train_step, examples, np.random.default_rng([seed, epoch]), training.batch)
        if callback is not None:
            callback(epoch + 1, model.get_weights())
        with warnings.catch_warnings():
            # Keras 3.15 reads its learning rate this way
            warnings.filterwarnings("ignore", "__array__", DeprecationWarning)
            keras_callbacks.on_epoch_end(
                epoch, {"held": _compute_loss(model.get_weights(), validation)} if validation else {}
            )
        if model.stop_training:
            break
    keras_callbacks.on_train_end()
    return model.get_weights(), architecture, early_stopping.best_epoch + 1 if validation else training.epochs


def predict_log_odds(double_weights: Sequence[Floats], token_ids: Sequence[int], dense_inputs: Floats) -> Floats:
    """Return the log-odds of every tag from one text's words as numbers and the inputs beside the words.

    NumPy computes what Keras does, so TensorFlow is not needed. It takes one text at a time: in a product of many rows
    the last bits of each depend on how many there are. Limit: linear algebra must keep to one thread.
    """
    vectors, first_matrix, first_bias, second_matrix, second_bias, last_matrix, last_bias = double_weights
    hidden = np.concatenate([vectors[token_ids].mean(axis=0), dense_inputs]) @ first_matrix + first_bias
    hidden = np.maximum(hidden, 0) @ second_matrix + second_bias
    return np.asarray(np.maximum(hidden, 0) @ last_matrix + last_bias)


def convert_to_doubles(weights: Weights) -> list[Floats]:
    """Return the weights in double precision, which scores are computed in."""
    return [array.astype(np.float64) for array in weights]


def predict_all_log_odds(weights: Weights, examples: NetworkExamples) -> Floats:
    """Return the log-odds of all rows at once: those of `predict_log_odds`, up to rounding."""
    vectors, first_matrix, first_bias, second_matrix, second_bias, last_matrix, last_bias = convert_to_doubles(weights)
    with limit_to_one_thread():
        hidden = (
            np.hstack([compute_word_shares(examples.token_ids, len(vectors)) @ vectors, examples.dense_inputs])
            @ first_matrix
            + first_bias
        )
        hidden = np.maximum(hidden, 0) @ second_matrix + second_bias
        return np.asarray(np.maximum(hidden, 0) @ last_matrix + last_bias)


def compute_cross_entropy(score: Floats, y: Floats, weight: Floats) -> float:
    """Return the binary cross-entropy: the mean over tags, then the weighted mean over rows (nats)."""
    return float(np.average((np.logaddexp(0, score) - y * score).mean(axis=1), weights=weight))


def pad_token_ids(token_ids: list[list[int]]) -> npt.NDArray[np.int32]:
    """Return texts × positions, padded with 0 after a text's end, as Keras takes them."""
    lengths = np.array([len(text) for text in token_ids])
    padded_ids = np.zeros((len(token_ids), int(lengths.max())), np.int32)
    padded_ids[np.arange(padded_ids.shape[1]) < lengths[:, None]] = np.concatenate(
        [np.asarray(text) for text in token_ids]
    )
    return padded_ids


def write_weights(weights: Weights, path: Path) -> None:
    """Write weights in Keras's format, for `keras.models.model_from_json(architecture).load_weights(path)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for weight_path, array in zip(WEIGHT_PATHS, weights, strict=True):
            file[weight_path] = array


def read_weights(path: Path) -> Weights:
    """Return the weights in a file that `write_weights` wrote."""
    with h5py.File(path) as file:
        return [np.asarray(file[weight_path]) for weight_path in WEIGHT_PATHS]


def _compute_loss(weights: Weights, examples: NetworkExamples) -> float:
    return compute_cross_entropy(predict_all_log_odds(weights, examples), examples.y, examples.weight)


def _train_epoch(
    train_step: Callable[..., Any], examples: NetworkExamples, generator: np.random.Generator, batch_size: int
) -> None:
    """Train on every row once, in random order."""
    order = generator.permutation(len(examples.y))
    for begin in range(0, len(order), batch_size):
        rows: Codes = order[begin : begin + batch_size]
        dense_inputs, y, weight = (
            array[rows].astype(np.float32) for array in (examples.dense_inputs, examples.y, examples.weight)
        )
        train_step(pad_token_ids([examples.token_ids[row] for row in rows]), dense_inputs, y, weight)


def _build_train_step(keras: Any, model: Any, input_count: int, tag_count: int) -> Callable[..., Any]:
    """Return the step that trains on one batch: Keras's own fit() does just this, six times slower on small batches."""
    import tensorflow as tf  # type: ignore[import-untyped,unused-ignore]

    @tf.function(  # type: ignore[untyped-decorator,unused-ignore]
        input_signature=[tf.TensorSpec((None, None), tf.int32)]
        + [tf.TensorSpec(shape, tf.float32) for shape in ((None, input_count), (None, tag_count), (None,))]
    )
    def run_train_step(token_ids: Any, dense_inputs: Any, y: Any, weight: Any) -> None:
        with tf.GradientTape() as tape:
            p = model({"words": token_ids, "beside": dense_inputs}, training=True)
        chance_gradient = compute_cross_entropy_gradient(p, y, weight)
        gradient = tape.gradient(p, model.trainable_variables, output_gradients=chance_gradient)
        model.optimizer.apply(gradient, model.trainable_variables)

    train_step: Callable[..., Any] = run_train_step
    return train_step


def compute_cross_entropy_gradient(p: Any, y: Any, weight: Any) -> Any:
    """Return the gradient of the weighted mean binary cross-entropy by the probabilities p; tensors, rows × tags.

    Written with divisions: TensorFlow's own takes reciprocals, which each maker's processors approximate differently.
    """
    import tensorflow as tf

    return weight[:, None] * (p - y) / tf.maximum(p * (1 - p), MIN_CHANCE_VARIANCE) / tf.cast(tf.size(y), p.dtype)


def _build_model(keras: Any, shape: NetworkShape, examples: NetworkExamples, start_log_odds: Floats, seed: int) -> Any:
    """Return the network with its first weights.

    Every layer is given a seed of its own: Keras would draw them from Python's global generator, from which other
    threads, such as those in which a worker of Dask sends and receives, draw at any time.
    """
    layers, initializers, input_count = keras.layers, keras.initializers, examples.dense_inputs.shape[1]
    seeds = random.Random(seed)

    def draw_seed() -> int:
        return seeds.randint(1, MAX_LAYER_SEED)

    token_input = keras.Input((None,), dtype="int32", name="words")
    dense_input = keras.Input((input_count,), name="beside")
    vectors = layers.Embedding(
        shape.vocabulary_size,
        shape.embedding,
        embeddings_initializer=initializers.RandomUniform(seed=draw_seed()),
        mask_zero=True,
        name="embedding",
    )(token_input)
    hidden = layers.Concatenate()([layers.GlobalAveragePooling1D()(vectors), dense_input])
    for name, width in (("dense", shape.hidden), ("dense_1", shape.hidden_last)):
        dropout = layers.Dropout(shape.dropout, seed=draw_seed())
        kernel = initializers.GlorotUniform(seed=draw_seed())
        hidden = dropout(layers.Dense(width, "relu", kernel_initializer=kernel, name=name)(hidden))
    kernel = initializers.GlorotUniform(seed=draw_seed())
    probabilities = layers.Dense(examples.y.shape[1], "sigmoid", kernel_initializer=kernel, name="dense_2")(hidden)
    model = keras.Model([token_input, dense_input], probabilities)
    last_layer = model.get_layer("dense_2")
    last_layer.set_weights([model.get_weights()[-2], start_log_odds.astype(np.float32)])
    return model


def _load_keras() -> Any:
    """Return Keras, single-threaded and deterministic; it is imported only where a network is trained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reports the processor's instruction sets on stderr
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # oneDNN's kernels round differently on other processors
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with tempfile.TemporaryDirectory() as keras_home:  # no user's keras.json is read, and none is written
        os.environ["KERAS_HOME"] = keras_home
        import keras  # type: ignore[import-untyped,unused-ignore]
    import tensorflow as tf  # type: ignore[import-untyped,unused-ignore]

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    return keras
