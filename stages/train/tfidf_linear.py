"""tfidf_linear: runs of words and of letters weighed by their rarity (TF-IDF), a logistic regression for each tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from core import models, tag_names, vocabulary
from core.models import Watch
from core.params import Knobs
from core.terms import SHORTEST, WORD, Terms
from core.threads import one_thread

if TYPE_CHECKING:  # the service scores with this file, and neither needs these nor waits for them
    import pandas as pd
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    from core.rows import Floats, Rows

KINDS = ("word", "char_wb")  # runs of words; runs of letters within a word, the blanks around it among them
NAMED = 0.5  # of a tag's name that stands in the text, as an input, where the vector of a whole text has length 1
Known = dict[str, dict[str, Any]]  # of each kind its terms and how rare they are


class Settings(Knobs):
    """The knobs of the vectors and of the linear model."""

    word_ngrams: int = Field(ge=1)
    char_ngrams: int = Field(ge=0)  # letters; none below 3
    max_features: int = Field(ge=1)
    min_rows: int = Field(ge=1)
    length: int = Field(ge=1)  # letters
    l2: float = Field(gt=0)  # on half the sum of squared coefficients, against losses summed over rows
    names: Literal["ignored", "inputs", "evidence"]
    names_shrinkage: float = Field(gt=0)  # rows


@dataclass(frozen=True)
class Model:
    """The terms with their weights, a coefficient for each column and tag, and what tags' names say."""

    coefficients: Floats
    terms: Known
    intercepts: list[float]
    tags: list[str]
    names: list[list[float]]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]

    @cached_property
    def columns(self) -> Terms:
        """What turns texts into columns."""
        return Terms(self.terms, self.settings["word_ngrams"], self.settings["char_ngrams"])


def fit(
    rows: Rows,
    settings: Settings,
    seed: int,
    later: Rows | None = None,
    patience: int | None = None,
    watch: Watch | None = None,
) -> Model:
    """Return the one best linear model of each tag; it has no rounds, so nothing stops early and nothing is watched.

    A tag that no row has, or every row, gets the same log-odds everywhere: those of its smoothed frequency. Whether a
    tag's own name stands in the text (inputs `says:<tag>`) is ignored, or an input beside the terms, or evidence that
    is learned of all tags together and added to the log-odds.
    """
    tag_names.check(rows, "tfidf_linear")
    said = tag_names.said(rows.x, rows.tags)
    terms, blocks = _learn(_texts(rows.x, settings), settings)
    columns = _joined(blocks, said, settings)
    lines = [_line(columns, tag, rows.weight, settings.l2) for tag in rows.y.T]
    coefficients = np.column_stack([line[0] for line in lines])
    names = tag_names.learn(said, rows.y, rows.weight, settings.names_shrinkage)
    intercepts = [line[1] for line in lines]
    importance = _importance(rows, columns, coefficients, names, settings)
    settled: dict[str, int | float] = {}
    return Model(
        coefficients, terms, intercepts, list(rows.tags), names.tolist(), settings.model_dump(), settled, importance
    )


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds, rows × tags in the order of `model.tags`."""
    return score_texts(model, vocabulary.texts(x, "tfidf_linear"), tag_names.said(x, model.tags))


def score_texts(model: Model, texts: Sequence[str], said: Floats) -> Floats:
    """Return the same of texts and, texts × tags, whether the tag's own name stands there; scikit-learn is not needed.

    No text's log-odds depend on the others', to the last bit.
    """
    length, names = model.settings["length"], model.settings["names"]
    scores = np.zeros((len(texts), len(model.tags)))
    for row, text in enumerate(texts):
        scores[row] = model.columns.scores(text[:length], model.coefficients)
    if names == "inputs":
        for heard, line in zip(said.T, model.coefficients[len(model.columns) :], strict=True):
            scores += NAMED * heard[:, None] * line
    scores += model.intercepts
    return scores + tag_names.evidence(said, np.array(model.names)) if names == "evidence" else scores


def save(model: Model, folder: Path) -> None:
    """Write coefficients.npy, vocabulary.json and model.json."""
    apart = ("coefficients", "terms")
    told = {field.name: getattr(model, field.name) for field in fields(model) if field.name not in apart}
    models.write(told, folder / "model.json")
    models.write(model.terms, folder / "vocabulary.json")
    np.save(folder / "coefficients.npy", model.coefficients, allow_pickle=False)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    coefficients = np.load(folder / "coefficients.npy", allow_pickle=False)
    return Model(coefficients, models.read(folder / "vocabulary.json"), **models.read(folder / "model.json"))


def _texts(x: pd.DataFrame, settings: Settings) -> list[str]:
    return [text[: settings.length] for text in vocabulary.texts(x, "tfidf_linear")]


def _vectoriser(kind: str, settings: Settings, **options: Any) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer  # here: it takes a second, and scoring does without it

    if kind == "word":
        options |= {"ngram_range": (1, settings.word_ngrams), "token_pattern": WORD.pattern}
    else:
        options |= {"ngram_range": (SHORTEST, settings.char_ngrams)}
    return TfidfVectorizer(analyzer=kind, sublinear_tf=True, **options)


def _learn(texts: list[str], settings: Settings) -> tuple[Known, list[sparse.csr_matrix]]:
    """Return, of each kind, the most frequent terms of those in enough texts with their weights, and their columns."""
    found, blocks = {}, []
    for kind in KINDS if settings.char_ngrams >= SHORTEST else KINDS[:1]:
        least = min(settings.min_rows, len(texts))
        vectoriser = _vectoriser(kind, settings, min_df=least, max_features=settings.max_features)
        try:
            blocks.append(vectoriser.fit_transform(texts))
        except ValueError:  # scikit-learn's word for: no text holds a term that is frequent enough
            continue
        found[kind] = {"terms": vectoriser.get_feature_names_out().tolist(), "idf": vectoriser.idf_.tolist()}
    return found, blocks


def _joined(blocks: list[sparse.csr_matrix], said: Floats, settings: Settings) -> sparse.csr_matrix:
    """Return terms, a kind at a time, and the names of tags where they are inputs, as the linear model's columns."""
    from scipy import sparse  # here, and below: for fitting alone

    names = sparse.csr_matrix(NAMED * said[:, : said.shape[1] * (settings.names == "inputs")])
    columns: sparse.csr_matrix = sparse.hstack([*blocks, names], format="csr")
    return columns


def _line(columns: sparse.csr_matrix, given: Floats, weight: Floats, l2: float) -> tuple[Floats, float]:
    """Return coefficients and intercept for one tag."""
    if np.ptp(given) == 0 or not columns.shape[1]:
        return np.zeros(columns.shape[1]), float(tag_names.prior(given[:, None], weight)[0])
    from sklearn.linear_model import LogisticRegression

    # dual coordinate descent, for columns outnumber rows: several times faster than the quasi-Newton methods here;
    # it pulls the intercept like any coefficient, which calibration mends
    with one_thread():
        line = LogisticRegression(C=1 / l2, max_iter=2000, solver="liblinear", dual=True, random_state=0)
        line.fit(columns, given, weight)
    return line.coef_[0], float(line.intercept_[0])


def _importance(
    rows: Rows, columns: sparse.csr_matrix, coefficients: Floats, names: Floats, settings: Settings
) -> dict[str, float]:
    """Return each input's share of the spread of the log-odds over the rows, the mean over tags."""
    spread, heard = tag_names.said(rows.x, rows.tags).std(axis=0), np.zeros(len(rows.tags))
    words = columns.shape[1] - len(heard) * (settings.names == "inputs")
    if settings.names == "inputs":
        heard = spread * NAMED * np.abs(coefficients[words:]).mean(axis=1)
    if settings.names == "evidence":
        heard = spread * np.abs(names[1] - names[0]) / len(heard)
    text = (columns[:, :words] @ coefficients[:words]).std(axis=0).mean()
    return tag_names.importance(rows, float(text), heard)
