"""tfidf_linear: tags from the words of a text, and from their own names."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.train import tfidf_linear
from tests.learner_cases import draw_in_another_thread
from tests.tag_fixtures import (
    LINEAR,
    SEED,
    SYLLABLES,
    TAGS,
    doubled,
    hits,
    load_learner_settings,
    planted,
    tagged,
    weighed,
    without_blanks,
    written_in,
)
from trueline.core.errors import UserError
from trueline.core.models.model_json import Monitor
from trueline.core.models.text.tag_name_prior import compute_tag_prior, get_name_mentions
from trueline.core.models.text.word_vectors import WordVectors
from trueline.core.models.vector_file import VectorFile
from trueline.core.splits.fold_data import Floats, FoldData

ROOT = Path(__file__).parents[3]
ODD = ["", " ", "?!", "never seen before", None, float("nan"), "ひらがな", "🎉", "xxname"]


def fitted(rows: FoldData, **changed: Any) -> tfidf_linear.Model:
    return tfidf_linear.fit(rows, load_learner_settings("tfidf_linear", **changed), SEED)


@cache
def plain(names: str = "ignored") -> tfidf_linear.Model:
    """Return the model of the planted texts."""
    return fitted(planted(1), names=names)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_no_parameter_has_a_default_in_code() -> None:
    assert all(field.is_required() for field in tfidf_linear.Settings.model_fields.values())


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_the_planted_words_are_found(names: str) -> None:
    later = planted(2)
    score = tfidf_linear.score(plain(names), later.x)
    assert score.shape == later.y.shape
    assert hits(score, later.y) > 0.97 > hits(np.zeros_like(later.y), later.y) + 0.25


def test_words_are_found_where_no_blanks_separate_them() -> None:
    later = without_blanks(planted(2))
    score = tfidf_linear.score(fitted(without_blanks(planted(1))), later.x)
    assert hits(score, later.y) > 0.9 > hits(np.zeros_like(later.y), later.y) + 0.2


@pytest.mark.parametrize("script", SYLLABLES)
def test_words_of_every_script_are_learned_as_well_as_latin_ones(script: str) -> None:
    later = written_in(planted(2), script)
    score = tfidf_linear.score(fitted(written_in(planted(1), script), word_ngrams=2), later.x)
    assert hits(score, later.y) > 0.95 > hits(np.zeros_like(later.y), later.y) + 0.25


def test_runs_of_letters_know_a_word_in_another_form() -> None:
    rows = tagged([f"{sign} here" for sign in ("swinging", "filming")], np.zeros((2, 4)))
    whole, letters = (fitted(planted(1), char_ngrams=runs) for runs in (0, 5))
    assert tfidf_linear.score(letters, rows.x)[0, 0] > tfidf_linear.score(letters, rows.x)[1, 0] + 0.5
    assert tfidf_linear.score(whole, rows.x)[0, 0] == pytest.approx(tfidf_linear.score(whole, rows.x)[1, 0])


def test_a_rare_tag_s_name_tells_of_it_though_no_fit_row_has_the_name() -> None:
    rows = planted(1)
    rare = tagged(list(rows.x["text"]), np.column_stack([rows.y, np.arange(200) < 3]), (*TAGS, "tango"))
    later = tagged(["an evening of tango", "an evening of nothing"], np.zeros((2, 5)), rare.tags)
    with_name, without = tfidf_linear.score(fitted(rare, names="evidence"), later.x)
    assert with_name[4] > without[4] + 3
    assert np.ptp(tfidf_linear.score(fitted(rare, names="inputs"), later.x)[:, 4]) < 0.5


def test_names_as_evidence_add_to_what_words_say_and_change_nothing_else() -> None:
    later = planted(2)
    added = tfidf_linear.score(plain("evidence"), later.x) - tfidf_linear.score(plain(), later.x)
    mentioned = later.x[[f"says:{tag}" for tag in TAGS]].to_numpy() > 0
    for place in range(len(TAGS)):
        assert np.ptp(added[mentioned[:, place], place]) < 1e-9
        assert np.ptp(added[~mentioned[:, place], place]) < 1e-9
        assert added[mentioned[:, place], place][0] > 0.2 + added[~mentioned[:, place], place][0]


def test_names_that_prove_nothing_on_the_fit_rows_change_no_tag() -> None:
    random = np.random.default_rng(0)
    rows, later = (
        replace(some, x=some.x.assign(**{f"says:{tag}": random.integers(0, 2, 200) for tag in TAGS}))
        for some in (planted(1), planted(2))
    )
    score = tfidf_linear.score(fitted(rows, names="evidence"), later.x)
    assert hits(score, later.y) > hits(tfidf_linear.score(plain(), later.x), later.y) - 0.01


def test_with_many_rows_only_a_part_proves_what_names_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf_linear, "PROOF_ROWS", 30)
    monkeypatch.setattr(tfidf_linear, "PROOF_FIT_ROWS", 80)
    later = planted(2)
    assert hits(tfidf_linear.score(fitted(planted(1), names="evidence"), later.x), later.y) > 0.95


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_names_of_a_handful_of_rows_are_evidence_too(count: int) -> None:
    rows = tagged((["jazz in the park", "yoga", "a film"] * 2)[:count], np.eye(count, 4))
    score = tfidf_linear.score(fitted(rows, names="evidence", min_rows=1), rows.x)
    assert np.isfinite(score).all()


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_a_model_on_disk_scores_the_same_and_twice_the_same_is_fitted(names: str, tmp_path: Path) -> None:
    tfidf_linear.save(plain(names), tmp_path / "one")
    tfidf_linear.save(fitted(planted(1), names=names), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert set(files(tmp_path / "one")) == {"coefficients.npy", "model.json", "vocabulary.json"}
    loaded, x = tfidf_linear.load(tmp_path / "one"), planted(2).x
    np.testing.assert_array_equal(tfidf_linear.score(loaded, x), tfidf_linear.score(plain(names), x))
    tfidf_linear.save(loaded, tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "one")


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_texts_without_a_known_word_are_scored_and_all_alike(names: str) -> None:
    score = tfidf_linear.score(plain(names), tagged(ODD, np.zeros((len(ODD), 4))).x)
    assert np.isfinite(score).all()
    assert np.ptp(score[:3], axis=0).max() == 0


def test_a_model_does_not_depend_on_what_other_threads_draw(tmp_path: Path) -> None:
    with draw_in_another_thread():
        tfidf_linear.save(fitted(planted(1)), tmp_path / "beside")
    tfidf_linear.save(plain(), tmp_path / "alone")
    assert files(tmp_path / "beside") == files(tmp_path / "alone")


def test_texts_that_are_all_empty_teach_the_frequency_of_each_tag() -> None:
    y = planted(1).y
    for texts in ([""] * 200, [f"only{n}here" for n in range(200)]):
        model = fitted(tagged(texts, y), names="evidence", char_ngrams=0)
        scores = tfidf_linear.score(model, tagged(["", "jazz", "new"], np.zeros((3, 4))).x)
        np.testing.assert_allclose(scores, np.tile(compute_tag_prior(y, np.ones(200)), (3, 1)))


@pytest.mark.parametrize(("column", "sign"), [(np.zeros(200), -1), (np.ones(200), 1)])
def test_a_tag_on_no_row_or_on_every_row_gets_the_same_finite_odds_everywhere(column: Floats, sign: int) -> None:
    rows = planted(1)
    model = fitted(tagged(list(rows.x["text"]), np.column_stack([rows.y, column]), (*TAGS, "public")))
    score = tfidf_linear.score(model, planted(2).x)
    np.testing.assert_allclose(score[:, 4], sign * np.log(200.5 / 0.5))
    np.testing.assert_array_equal(score[:, :4], tfidf_linear.score(plain(), planted(2).x))
    odd = weighed(tagged(list(rows.x["text"]), column, ("public",)), np.random.default_rng(0).random(200))
    assert np.ptp(tfidf_linear.score(fitted(odd), rows.x)) == 0


def test_a_row_of_weight_two_is_that_row_twice() -> None:
    rows = planted(1, noise=0.1)
    heavy = tfidf_linear.score(fitted(weighed(rows, np.full(200, 2.0)), names="evidence", min_rows=1), rows.x)
    # the IDF counts rows, log((1 + n) / (1 + rows with it)) + 1, so it differs a little when every row is there twice
    twice = tfidf_linear.score(fitted(doubled(rows), names="evidence", min_rows=1), rows.x)
    np.testing.assert_allclose(heavy, twice, atol=0.1)
    assert np.abs(heavy - tfidf_linear.score(fitted(rows, names="evidence", min_rows=1), rows.x)).max() > 0.3


def test_a_megabyte_of_text_is_read_as_far_as_the_length_allows() -> None:
    short, long = "saxophone " * 200, "saxophone " * 200 + "mat breath " * 100_000
    score = tfidf_linear.score(plain(), tagged([short, long], np.zeros((2, 4))).x)
    np.testing.assert_array_equal(score[0], score[1])
    assert np.isfinite(
        tfidf_linear.score(fitted(tagged([long, short] * 4, [[1, 0, 0, 0], [0] * 4] * 4)), planted(2).x)
    ).all()


def test_no_more_terms_are_kept_than_max_features_allows_and_none_in_too_few_texts() -> None:
    terms = fitted(planted(1), max_features=50, min_rows=5).terms
    assert {kind: len(known["terms"]) for kind, known in terms.items()} == {"word": 50, "char_wb": 50}
    rare = tagged(["apple pear", "apple plum", "apple pear"], np.eye(3, 4))
    assert fitted(rare, min_rows=2, char_ngrams=2).terms.keys() == {"word"}
    assert fitted(rare, min_rows=2).terms["word"]["terms"] == ["apple", "pear"]


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_importance_is_a_share_for_each_input(names: str) -> None:
    importance = plain(names).importance
    assert set(importance) == set(planted(1).x.columns)
    assert sum(importance.values()) == pytest.approx(1)
    assert importance["words"] == 0
    assert importance["text"] > 0.5
    assert all((importance[f"says:{tag}"] > 0) == (names != "ignored") for tag in TAGS)


def test_the_order_of_inputs_changes_nothing_and_a_name_that_nobody_looked_for_is_not_there() -> None:
    x, model = planted(2).x, plain("evidence")
    np.testing.assert_array_equal(tfidf_linear.score(model, x[x.columns[::-1]]), tfidf_linear.score(model, x))
    silent = x.assign(**{f"says:{tag}": 0 for tag in TAGS})
    np.testing.assert_array_equal(tfidf_linear.score(model, x[["text"]]), tfidf_linear.score(model, silent))


def test_without_columns_of_names_evidence_is_none() -> None:
    rows = planted(1).select_inputs(["text"])
    alone, heard = (fitted(rows, names=names) for names in ("ignored", "evidence"))
    np.testing.assert_array_equal(tfidf_linear.score(alone, rows.x), tfidf_linear.score(heard, rows.x))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (planted(1).select_inputs(["words"]), "^tfidf_linear needs the input 'text', which is not among words"),
        (FoldData(**vars(planted(1)) | {"tags": ()}), "needs rows with tags, but got 200 rows with 0 tags"),
    ],
)
def test_rows_without_text_or_tags_are_rejected(rows: FoldData, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fitted(rows)


def test_it_has_no_rounds_to_stop_or_watch() -> None:
    rows, seen = planted(1), []
    model = tfidf_linear.fit(
        rows,
        tfidf_linear.Settings(**LINEAR),
        SEED,
        Monitor(planted(2), 3, lambda step, _: seen.append(step)),
    )
    assert (model.settled, seen) == ({}, [])


def test_neither_listing_the_plugins_nor_fitting_imports_tensorflow() -> None:
    code = """
import sys
from trueline.core.runtime.plugins import load_plugin, list_plugins
from tests.tag_fixtures import load_learner_settings, planted
assert {"tfidf_linear", "text_network"} <= set(list_plugins("train"))
load_plugin("train", "text_network")
learner = load_plugin("train", "tfidf_linear")
learner.score(learner.fit(planted(1), load_learner_settings("tfidf_linear"), 0), planted(2).x)
sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_rows_of_tables_without_an_index_from_zero_are_scored_in_their_order() -> None:
    x = planted(2).x
    part = x.iloc[[5, 3, 8]]
    expected = tfidf_linear.score(plain("inputs"), x)[[5, 3, 8]]
    np.testing.assert_allclose(tfidf_linear.score(plain("inputs"), part), expected, rtol=1e-12)
    assert tfidf_linear.score(plain(), pd.DataFrame({"text": pd.Series([], dtype=object)})).shape == (0, 4)


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_a_text_scored_alone_has_the_log_odds_that_it_has_among_others_to_the_last_bit(names: str) -> None:
    model, rows = plain(names), planted(2)
    texts, mentions = list(rows.x["text"]), get_name_mentions(rows.x, rows.tags)
    alone = [tfidf_linear.score_texts(model, [text], mentions[[row]])[0] for row, text in enumerate(texts)]
    np.testing.assert_array_equal(alone, tfidf_linear.score_texts(model, texts, mentions))
    np.testing.assert_array_equal(alone, tfidf_linear.score(model, rows.x))


def test_scores_are_those_of_scikit_learn_s_columns() -> None:
    model, texts = plain(), [*planted(2).x["text"], *(str(text) for text in ODD)]
    word, letters = (
        TfidfVectorizer(analyzer=kind, sublinear_tf=True, vocabulary=model.terms[kind]["terms"], **options)
        for kind, options in (("word", {"token_pattern": r"\w+"}), ("char_wb", {"ngram_range": (3, 4)}))
    )
    word.idf_, letters.idf_ = (np.array(known["idf"]) for known in model.terms.values())
    columns = sparse.hstack([word.transform(texts), letters.transform(texts)])
    expected = columns @ model.coefficients + model.intercepts
    found = tfidf_linear.score_texts(model, texts, np.zeros((len(texts), len(TAGS))))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


SYNONYMS = {"saxophone": "trumpet", "swing": "bebop", "mat": "asana", "breath": "pose", "stall": "booth",
            "seller": "trader", "screen": "cinema"}  # fmt: skip


def synonymous(rows: FoldData) -> FoldData:
    """Return the rows with another word of the same meaning for each word that tells of a tag."""
    texts = [" ".join(SYNONYMS.get(word, word) for word in text.split()) for text in rows.x["text"]]
    return replace(rows, x=rows.x.assign(text=texts))


def with_vectors(rows: FoldData, seed: int = 0) -> FoldData:
    """Return the rows with vectors in which words of the same meaning lie close together."""
    random = np.random.default_rng(seed)
    vectors = {word: random.normal(size=40) for word in [*SYNONYMS, *(f"filler{number}" for number in range(60))]}
    vectors |= {other: vectors[word] + random.normal(size=40) / 5 for word, other in SYNONYMS.items()}
    table = np.array([vector / np.linalg.norm(vector) for vector in vectors.values()], np.float16)
    file = VectorFile("vectors.txt", f"digest{seed}", 1.0, 1000)
    return replace(rows, word_vectors=WordVectors(list(vectors), table, np.arange(len(table)), file))


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_with_word_vectors_words_that_no_fit_row_has_are_understood_by_their_synonyms(names: str) -> None:
    later = synonymous(planted(2))
    informed, plain_model = (
        fitted(rows, names=names, char_ngrams=0) for rows in (with_vectors(planted(1)), planted(1))
    )
    score = tfidf_linear.score(informed, later.x)
    assert hits(score, later.y) > 0.85 > hits(tfidf_linear.score(plain_model, later.x), later.y) + 0.1


def test_other_vectors_of_the_same_texts_are_not_taken_for_those_fitted_before() -> None:
    first, second = (fitted(with_vectors(planted(1), seed)) for seed in (0, 1))
    assert not np.array_equal(first.coefficients, second.coefficients)
    assert fitted(planted(1)).vectors is None


@pytest.mark.parametrize("names", ["ignored", "inputs", "evidence"])
def test_a_saved_model_with_word_vectors_needs_no_file_and_scores_alike_alone_and_together(
    names: str, tmp_path: Path
) -> None:
    model, later = fitted(with_vectors(planted(1)), names=names), synonymous(planted(2))
    tfidf_linear.save(model, tmp_path)
    assert sorted(files(tmp_path)) == [
        "coefficients.npy", "model.json", "vocabulary.json", "word_vectors.json", "word_vectors.npy"
    ]  # fmt: skip
    loaded, score = tfidf_linear.load(tmp_path), tfidf_linear.score(model, later.x)
    assert tfidf_linear.score(loaded, later.x).tobytes() == score.tobytes()
    alone = [tfidf_linear.score(loaded, later.x.iloc[[row]]) for row in range(20)]
    assert np.concatenate(alone).tobytes() == score[:20].tobytes()


def test_without_word_vectors_a_model_has_the_files_and_fields_that_it_always_had(tmp_path: Path) -> None:
    tfidf_linear.save(plain(), tmp_path)
    assert sorted(files(tmp_path)) == ["coefficients.npy", "model.json", "vocabulary.json"]
    assert b"vectors" not in files(tmp_path)["model.json"]
