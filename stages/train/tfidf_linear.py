"""tfidf_linear: runs of words and of letters weighed by their rarity (TF-IDF), a logistic regression for each tag."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from core import models, tag_names, vocabulary
from core.models import Watch
from core.params import Knobs
from core.rows import Floats, Rows
from core.threads import one_thread

KINDS = ("word", "char_wb")  # runs of words; runs of letters within a word, the blanks around it among them
SHORTEST = 3  # letters of a run; pairs tell nothing that longer runs do not
NAMED = 0.5  # of a tag's name that stands in the text, as an input, where the vector of a whole text has length 1
Terms = dict[str, dict[str, Any]]


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
    terms: Terms
    intercepts: list[float]
    tags: list[str]
    names: list[list[float]]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


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
    settings, said = Settings(**model.settings), tag_names.said(x, model.tags)
    columns = _joined(_recall(_texts(x, settings), model.terms, settings), said, settings)
    scores = columns @ model.coefficients + model.intercepts
    return scores + tag_names.evidence(said, np.array(model.names)) if settings.names == "evidence" else scores


def save(model: Model, folder: Path) -> None:
    """Write coefficients.npy, vocabulary.json and model.json."""
    apart = ("coefficients", "terms")
    models.write({key: value for key, value in vars(model).items() if key not in apart}, folder / "model.json")
    models.write(model.terms, folder / "vocabulary.json")
    np.save(folder / "coefficients.npy", model.coefficients, allow_pickle=False)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    coefficients = np.load(folder / "coefficients.npy", allow_pickle=False)
    return Model(coefficients, models.read(folder / "vocabulary.json"), **models.read(folder / "model.json"))


def _texts(x: pd.DataFrame, settings: Settings) -> list[str]:
    return [text[: settings.length] for text in vocabulary.texts(x, "tfidf_linear")]


def _vectoriser(kind: str, settings: Settings, **options: Any) -> TfidfVectorizer:
    if kind == "word":
        options |= {"ngram_range": (1, settings.word_ngrams), "token_pattern": vocabulary.WORD.pattern}
    else:
        options |= {"ngram_range": (SHORTEST, settings.char_ngrams)}
    return TfidfVectorizer(analyzer=kind, sublinear_tf=True, **options)


def _learn(texts: list[str], settings: Settings) -> tuple[Terms, list[sparse.csr_matrix]]:
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


def _recall(texts: list[str], terms: Terms, settings: Settings) -> list[sparse.csr_matrix]:
    """Return the columns of known terms, a block a kind."""
    blocks = []
    for kind, known in terms.items():
        vectoriser = _vectoriser(kind, settings, vocabulary=known["terms"])
        vectoriser.idf_ = np.array(known["idf"])
        none = sparse.csr_matrix((0, len(known["terms"])))  # scikit-learn refuses to transform no text
        blocks.append(vectoriser.transform(texts) if texts else none)
    return blocks


def _joined(blocks: list[sparse.csr_matrix], said: Floats, settings: Settings) -> sparse.csr_matrix:
    """Return terms, a kind at a time, and the names of tags where they are inputs, as the linear model's columns."""
    names = sparse.csr_matrix(NAMED * said[:, : said.shape[1] * (settings.names == "inputs")])
    columns: sparse.csr_matrix = sparse.hstack([*blocks, names], format="csr")
    return columns


def _line(columns: sparse.csr_matrix, given: Floats, weight: Floats, l2: float) -> tuple[Floats, float]:
    """Return coefficients and intercept for one tag."""
    if np.ptp(given) == 0 or not columns.shape[1]:
        return np.zeros(columns.shape[1]), float(tag_names.prior(given[:, None], weight)[0])
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
