"""tfidf_linear: TF-IDF of word and letter n-grams, and a logistic regression per tag."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.model_json import NO_MONITOR, Monitor, read_model_json, write_model_fields, write_model_json
from trueline.core.models.text import tag_name_prior, vocabulary
from trueline.core.models.text.tfidf import TfidfEncoder
from trueline.core.models.text.tfidf_fitting import TermLimits, TermsByKind, fit_tfidf
from trueline.core.models.text.vector_encoder import VectorEncoder, fit_vectors, load_vectors, save_vectors
from trueline.core.runtime.params import StageSettings

if TYPE_CHECKING:  # the service scores with this file, without loading these
    import pandas as pd
    from scipy import sparse

    from trueline.core.splits.fold_data import Floats, FoldData
    from trueline.core.splits.iterative_stratification import Ints

READS_VECTORS = True  # fits on the rows' word vectors too, if they have some
# value of the input for a tag's name that is in the text; the vector of a text's n-grams of one kind has length 1
NAME_INPUT_VALUE = 0.5
PROOF_PARTS = 5  # parts of the fit rows; each is scored by a model of the others, to see what names add
PROOF_ROWS = 1000  # fit rows from which on no further part is scored
PROOF_CELLS = 15_000  # rows × tags from which on no further part is scored either, as names work alike for all tags
PROOF_FIT_ROWS = 2000  # the most fit rows of such a model
LARGE_TABLE_ROWS = 1000  # fit rows from which on a line may be found less exactly, in half the time
TOLERANCE, LARGE_TABLE_TOLERANCE = 1e-4, 0.5  # of liblinear; on 4,000 texts no score showed the latter

Columns = tuple[TermsByKind, VectorEncoder | None, "sparse.csr_matrix"]
Lines = tuple[Columns, "Floats", list[float]]
_last_lines: dict[str, Lines] = {}  # by the digest of what they were fitted on


class Settings(StageSettings):
    """The parameters of the TF-IDF vectors and of the linear model."""

    word_ngrams: int = Field(ge=1)
    char_ngrams: int = Field(ge=0)  # letters; no letter n-grams below 3
    max_features: int = Field(ge=1)  # terms of each kind
    min_rows: int = Field(ge=1)  # texts that a term must be in
    length: int = Field(ge=1)  # letters
    l2: float = Field(gt=0)  # on half the sum of squared coefficients, against losses summed over rows
    names: Literal["ignored", "inputs", "evidence"]
    names_shrinkage: float = Field(gt=0)  # rows


@dataclass(frozen=True)
class Model:
    """Coefficients (columns × tags), what gives a text its columns, and the evidence of the tags' names.

    The columns are the terms, the numbers of the word vectors if there are some, and the tags' names if these are
    inputs.
    """

    coefficients: Floats
    terms: TermsByKind
    intercepts: list[float]
    tags: list[str]
    names: list[list[float]]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]
    vectors: VectorEncoder | None = None

    @cached_property
    def term_vectoriser(self) -> TfidfEncoder:
        """The encoder that turns texts into columns."""
        return TfidfEncoder(self.terms, self.settings["word_ngrams"], self.settings["char_ngrams"])

    @cached_property
    def intercept_row(self) -> Floats:
        """The intercepts as an array."""
        return np.array(self.intercepts)

    @cached_property
    def name_evidence(self) -> Floats:
        """2 × tags: the log-odds that a text gets without and with the tag's name."""
        return np.array(self.names)


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return the best linear model of each tag; there are no rounds, so nothing stops early and nothing is watched.

    A tag that is on no row or on every row gets the same log-odds everywhere, those of its smoothed frequency. Whether
    a text contains the tag's own name (the inputs `says:<tag>`) is ignored, used as an input beside the terms, or used
    as evidence: what it adds to the text on rows that the text was not learned from, over all tags together. If the
    rows have word vectors, the mean of its words' vectors stands beside a text's terms. Raises UserError if there is no
    input `text`, no row or no tag.
    """
    tag_name_prior.require_tagged_rows(rows, "tfidf_linear")
    mentions = tag_name_prior.get_name_mentions(rows.x, rows.tags)
    (terms, vectors, columns), coefficients, intercepts = _fit_shared_lines(rows, mentions, settings)
    name_evidence = _fit_name_evidence(rows, mentions, settings, seed)
    importance = _compute_importance(rows, columns, coefficients, name_evidence, settings)
    settled: dict[str, int | float] = {}
    return Model(
        coefficients,
        terms,
        intercepts,
        list(rows.tags),
        name_evidence.tolist(),
        settings.model_dump(),
        settled,
        importance,
        vectors,
    )


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds, rows × tags in the order of `model.tags`."""
    return score_texts(model, vocabulary.get_texts(x, "tfidf_linear"), tag_name_prior.get_name_mentions(x, model.tags))


def score_texts(model: Model, texts: Sequence[str], mentions: Floats) -> Floats:
    """Return the log-odds of texts; `mentions` is texts × tags, 1 where the text contains the tag's own name.

    The log-odds of a text do not depend on the other texts, to the last bit. Does not need scikit-learn.
    """
    length, names_setting = model.settings["length"], model.settings["names"]
    scores = _score_words(model.term_vectoriser, model.vectors, [text[:length] for text in texts], model.coefficients)
    if names_setting == "inputs":
        for mention, name_coefficients in zip(mentions.T, model.coefficients[-len(model.tags) :], strict=True):
            scores += NAME_INPUT_VALUE * mention[:, None] * name_coefficients
    scores += model.intercept_row
    if names_setting == "evidence":
        return scores + tag_name_prior.lookup_name_evidence(mentions, model.name_evidence)
    return scores


def save(model: Model, folder: Path) -> None:
    """Write coefficients.npy, vocabulary.json and model.json, and the word vectors if there are some."""
    write_model_fields(model, folder, "coefficients", "terms", "vectors")
    write_model_json(model.terms, folder / "vocabulary.json")
    np.save(folder / "coefficients.npy", model.coefficients, allow_pickle=False)
    if model.vectors is not None:
        save_vectors(model.vectors, folder)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    with (folder / "coefficients.npy").open("rb") as file:  # np.load would take an archive for an array
        coefficients = np.lib.format.read_array(file, allow_pickle=False)
    terms, fields = read_model_json(folder / "vocabulary.json"), read_model_json(folder / "model.json")
    return Model(coefficients, terms, **fields, vectors=load_vectors(folder))


def _score_words(
    encoder: TfidfEncoder, vectors: VectorEncoder | None, texts: Sequence[str], coefficients: Floats
) -> Floats:
    """Return texts × tags: what the terms and the word vectors of the texts say."""
    scores = encoder.score_texts(texts, coefficients)
    if vectors is not None:
        vectors.add_scores(texts, coefficients[len(encoder) : len(encoder) + vectors.width], scores)
    return scores


def _read_texts(x: pd.DataFrame, settings: Settings) -> list[str]:
    return [text[: settings.length] for text in vocabulary.get_texts(x, "tfidf_linear")]


def _read_limits(settings: Settings) -> TermLimits:
    return TermLimits(settings.word_ngrams, settings.char_ngrams, settings.max_features, settings.min_rows)


def _fit_columns(rows: FoldData, mentions: Floats, settings: Settings) -> Columns:
    """Return the terms and the word vectors of the rows' texts, and the columns of the linear model."""
    texts = _read_texts(rows.x, settings)
    terms, blocks = fit_tfidf(texts, _read_limits(settings))
    vectors = fit_vectors(texts, rows.word_vectors) if rows.word_vectors else None
    vector_columns = vectors.encode_texts(texts) if vectors else None
    return terms, vectors, _join_columns(blocks, vector_columns, mentions, settings)


def _fit_shared_lines(rows: FoldData, mentions: Floats, settings: Settings) -> Lines:
    """Return the columns, the coefficients and the intercepts; a fit of the same texts is done once.

    The arms of a fold often differ only in what they make of the tags' names. The last fit is kept in the process.
    """
    digest = hashlib.sha256(settings.model_dump_json(exclude={"names", "names_shrinkage"}).encode())
    digest.update(repr(rows.word_vectors and rows.word_vectors.file.content_key).encode())
    for text in vocabulary.get_texts(rows.x, "tfidf_linear"):
        digest.update(f"{len(text)} {text}".encode())
    for array in (rows.y, rows.weight, *([mentions] if settings.names == "inputs" else [])):
        digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    key = digest.hexdigest()
    if key not in _last_lines:
        columns = _fit_columns(rows, mentions, settings)
        _last_lines.clear()
        _last_lines[key] = columns, *_fit_tag_lines(columns[-1], rows, settings.l2)
    return _last_lines[key]


def _fit_tag_lines(columns: sparse.csr_matrix, rows: FoldData, l2: float) -> tuple[Floats, list[float]]:
    """Return the coefficients, columns × tags, and the intercepts."""
    lines = [_fit_tag_line(columns, tag_target, rows.weight, l2) for tag_target in rows.y.T]
    return np.column_stack([line[0] for line in lines]), [line[1] for line in lines]


def _fit_name_evidence(rows: FoldData, mentions: Floats, settings: Settings, seed: int) -> Floats:
    """Return 2 × tags: what names add to the text, on fit rows scored by models of other fit rows; 0 if not asked."""
    if settings.names != "evidence" or not mentions.any():
        return np.zeros((2, len(rows.tags)))
    from trueline.core.splits.iterative_stratification import assign_stratified_parts

    part_count = max(PROOF_PARTS, len(rows.y) // PROOF_ROWS)
    row_part = assign_stratified_parts(rows.y, rows.group, part_count, seed)
    scores, is_scored = np.zeros_like(rows.y), np.zeros(len(rows.y), dtype=bool)
    for part_number in range(row_part.max() + 1):  # there are fewer parts than asked for if there are fewer groups
        if is_scored.sum() >= PROOF_ROWS or is_scored.sum() * len(rows.tags) >= PROOF_CELLS:
            break
        if (row_part == part_number).any():
            is_scored |= row_part == part_number
            scores[row_part == part_number] = _score_part(rows, row_part, part_number, settings)
    shrinkage = settings.names_shrinkage
    scored_rows, scored_part = rows.select_rows(is_scored), row_part[is_scored]
    if (scored_part == scored_part[0]).all():  # then what they prove is checked on parts of them
        scored_part = assign_stratified_parts(scored_rows.y, scored_rows.group, PROOF_PARTS, seed)
    proof = scores[is_scored], mentions[is_scored], scored_rows.y, scored_rows.weight
    alone = tag_name_prior.fit_name_evidence(mentions, rows.y, rows.weight, shrinkage)
    if not tag_name_prior.is_added_evidence_better(*proof, scored_part, shrinkage):
        return alone
    added = tag_name_prior.fit_added_evidence(*proof, shrinkage)
    return tag_name_prior.combine_evidence(alone, added, rows.weight @ mentions, shrinkage)


def _score_part(rows: FoldData, row_part: Ints, part_number: int, settings: Settings) -> Floats:
    """Return the log-odds of the rows of one part, from the texts of other parts, which have at most PROOF_FIT_ROWS."""
    part_count = row_part.max() + 1
    part_distance = (row_part - part_number) % part_count
    is_fitted = (part_distance > 0) & (part_distance <= max(1, PROOF_FIT_ROWS * part_count // len(rows.y)))
    if not is_fitted.any():
        return np.zeros((int((row_part == part_number).sum()), len(rows.tags)))
    fit_rows = rows.select_rows(is_fitted)
    terms, vectors, columns = _fit_columns(fit_rows, np.zeros_like(fit_rows.y), settings)
    coefficients, intercepts = _fit_tag_lines(columns, fit_rows, settings.l2)
    encoder = TfidfEncoder(terms, settings.word_ngrams, settings.char_ngrams)
    texts = _read_texts(rows.x[row_part == part_number], settings)
    return _score_words(encoder, vectors, texts, coefficients) + intercepts


def _join_columns(
    blocks: list[sparse.csr_array], vector_columns: Floats | None, mentions: Floats, settings: Settings
) -> sparse.csr_matrix:
    """Return the columns of the linear model: terms kind by kind, word vectors, then the tags' names if inputs."""
    from scipy import sparse  # here and below, because only fitting needs it

    name_columns = sparse.csr_matrix(NAME_INPUT_VALUE * mentions[:, : mentions.shape[1] * (settings.names == "inputs")])
    dense_blocks = [] if vector_columns is None else [sparse.csr_matrix(vector_columns)]
    columns: sparse.csr_matrix = sparse.hstack([*blocks, *dense_blocks, name_columns], format="csr")
    return columns


def _fit_tag_line(columns: sparse.csr_matrix, tag_target: Floats, weight: Floats, l2: float) -> tuple[Floats, float]:
    """Return the coefficients and the intercept of one tag."""
    if np.ptp(tag_target) == 0 or not columns.shape[1]:
        return np.zeros(columns.shape[1]), float(tag_name_prior.compute_tag_prior(tag_target[:, None], weight)[0])
    from sklearn.linear_model import LogisticRegression

    # Dual coordinate descent is several times faster than quasi-Newton methods here, because columns outnumber rows. It
    # penalises the intercept like any coefficient, which calibration corrects.
    tolerance = TOLERANCE if len(tag_target) < LARGE_TABLE_ROWS else LARGE_TABLE_TOLERANCE
    with limit_to_one_thread():
        regression = LogisticRegression(
            C=1 / l2, tol=tolerance, max_iter=2000, solver="liblinear", dual=True, random_state=0
        )
        regression.fit(columns, tag_target, weight)
    return regression.coef_[0], float(regression.intercept_[0])


def _compute_importance(
    rows: FoldData, columns: sparse.csr_matrix, coefficients: Floats, name_evidence: Floats, settings: Settings
) -> dict[str, float]:
    """Return each input's share of the spread of the log-odds over the rows, averaged over tags."""
    mention_spread = tag_name_prior.get_name_mentions(rows.x, rows.tags).std(axis=0)
    name_spread = np.zeros(len(rows.tags))
    term_count = columns.shape[1] - len(name_spread) * (settings.names == "inputs")
    if settings.names == "inputs":
        name_spread = mention_spread * NAME_INPUT_VALUE * np.abs(coefficients[term_count:]).mean(axis=1)
    if settings.names == "evidence":
        name_spread = mention_spread * np.abs(name_evidence[1] - name_evidence[0]) / len(name_spread)
    text_spread = (columns[:, :term_count] @ coefficients[:term_count]).std(axis=0).mean()
    return tag_name_prior.compute_tag_importance(rows, float(text_spread), name_spread)
