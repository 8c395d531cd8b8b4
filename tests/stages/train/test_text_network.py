"""text_network: a small Keras network over the mean of word vectors, scored without Keras."""

import json
import os
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from stages.train import text_network
from tests.learner_cases import draw_in_another_thread
from tests.tag_fixtures import SEED, TAGS, hits, load_learner_settings, planted, tagged, weighed, without_blanks
from trueline.core.errors import UserError
from trueline.core.models.model_json import Monitor
from trueline.core.models.text import embedding_network, vocabulary
from trueline.core.models.text.tag_name_prior import compute_tag_prior
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.text.words import find_first_words

ROOT = Path(__file__).parents[3]
ODD = ["", " ", "?!", "never seen before", None, float("nan"), "ひらがな", "🎉", "saxophone " * 100_000]
MEASURES = ["loss", "binary_accuracy", "precision", "recall"]


def fitted(rows: FoldData, changed: dict[str, Any] | None = None, **options: Any) -> text_network.Model:
    return text_network.fit(rows, load_learner_settings("text_network", **(changed or {})), SEED, Monitor(**options))


@cache
def plain(names: str = "ignored") -> text_network.Model:
    """Return the model of the planted texts."""
    return fitted(planted(1, 400), {"names": names})


@cache
def watched() -> tuple[text_network.Model, list[tuple[int, dict[str, float]]]]:
    """Return a model fitted until later rows, of noisy tags, gain no more, and what its watcher saw."""
    seen: list[tuple[int, dict[str, float]]] = []
    model = fitted(
        planted(1, 60, noise=0.2),
        {"epochs": 60},
        later=planted(2, 60, noise=0.2),
        patience=4,
        watch=lambda step, measures: seen.append((step, measures)),
    )
    return model, seen


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def keras_says(model: text_network.Model, folder: Path, rows: FoldData) -> Floats:
    """Return the chances that Keras gives with the files of a saved model."""
    import keras  # type: ignore[import-untyped,unused-ignore]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        network = keras.models.model_from_json((folder / "architecture.json").read_text())
        network.load_weights(folder / "weights.weights.h5")
        known = json.loads((folder / "vocabulary.json").read_text())["words"]
        places = vocabulary.index_words(known, text_network.UNKNOWN_WORD_ID)
        ids = vocabulary.encode_texts(
            [find_first_words(text, 60) for text in rows.x["text"]], places, text_network.UNKNOWN_WORD_ID
        )
        mentions = rows.x[[f"says:{tag}" for tag in TAGS]].to_numpy(np.float32)
        beside = mentions if model.settings["names"] == "inputs" else mentions[:, :0]
        return np.asarray(network({"words": embedding_network.pad_token_ids(ids), "beside": beside}))


def test_no_parameter_has_a_default_in_code() -> None:
    assert all(field.is_required() for field in text_network.Settings.model_fields.values())


def test_the_planted_words_are_found() -> None:
    later = planted(2)
    score = text_network.score(plain(), later.x)
    assert score.shape == later.y.shape
    assert hits(score, later.y) > 0.95 > hits(np.zeros_like(later.y), later.y) + 0.2


def test_words_are_found_where_no_blanks_separate_them() -> None:
    later = without_blanks(planted(2))
    score = text_network.score(fitted(without_blanks(planted(1)), {"epochs": 60, "stop_after": 15}), later.x)
    assert hits(score, later.y) > 0.87 > hits(np.zeros_like(later.y), later.y) + 0.2


@pytest.mark.parametrize("names", ["ignored", "inputs"])
def test_keras_reads_the_files_and_says_the_same_as_numpy(names: str, tmp_path: Path) -> None:
    text_network.save(plain(names), tmp_path)
    rows = planted(2, 40)
    rows = tagged([*rows.x["text"], "", "unknown words only"], np.vstack([rows.y, np.zeros((2, 4))]))
    np.testing.assert_allclose(
        expit(text_network.score(plain(names), rows.x)), keras_says(plain(names), tmp_path, rows), atol=1e-6
    )


@pytest.mark.parametrize("names", ["ignored", "inputs"])
def test_a_text_scored_alone_has_the_log_odds_that_it_has_among_others_to_the_last_bit(names: str) -> None:
    model, rows = plain(names), planted(2, 40)
    texts, mentions = rows.x["text"].tolist(), rows.x[[f"says:{tag}" for tag in TAGS]].to_numpy(float)
    alone = [text_network.score_texts(model, [text], mentions[[row]])[0] for row, text in enumerate(texts)]
    np.testing.assert_array_equal(alone, text_network.score_texts(model, texts, mentions))
    np.testing.assert_array_equal(alone, text_network.score(model, rows.x))
    assert text_network.score_texts(model, [], mentions[:0]).shape == (0, len(TAGS))


def test_keras_starts_for_a_new_user_and_reads_no_settings_of_another(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from trueline.core.runtime.file_guard import forbid_files, watch_territory
from trueline.core.models.text import embedding_network
with forbid_files("train plugin 'text_network'", watch_territory([])):
    print(embedding_network._load_keras().config.floatx())
"""
    (tmp_path / "theirs/.keras").mkdir(parents=True)
    (tmp_path / "theirs/.keras/keras.json").write_text('{"floatx": "float16"}')
    (tmp_path / "empty").mkdir()
    for home in ("theirs", "empty"):
        environment = {**os.environ, "HOME": str(tmp_path / home)}
        environment.pop("KERAS_HOME", None)
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (run.stdout, run.returncode) == ("float32\n", 0), run.stderr
    assert not (tmp_path / "empty/.keras").exists()


def test_another_process_fits_the_same_bytes_and_scores_them_without_tensorflow(tmp_path: Path) -> None:
    fit = """
import sys
from pathlib import Path
from trueline.core.runtime.plugins import load_plugin
from tests.tag_fixtures import SEED, load_learner_settings, planted
learner = load_plugin("train", "text_network")
settings = load_learner_settings("text_network", names="inputs")
learner.save(learner.fit(planted(1, 400), settings, SEED), Path(sys.argv[1]))
"""
    score = """
import sys
from pathlib import Path
import numpy as np
from trueline.core.runtime.plugins import load_plugin
from tests.tag_fixtures import planted
learner = load_plugin("train", "text_network")
model = learner.load(Path(sys.argv[1]))
np.save(Path(sys.argv[1]) / "score.npy", learner.score(model, planted(2).x))
learner.save(model, Path(sys.argv[1]) / "again")
sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)
"""
    for code in (fit, score):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], cwd=ROOT, check=True)
    np.testing.assert_array_equal(
        np.load(tmp_path / "there/score.npy"), text_network.score(plain("inputs"), planted(2).x)
    )
    text_network.save(plain("inputs"), tmp_path / "here")
    expected = files(tmp_path / "here")
    assert set(expected) == {"architecture.json", "model.json", "vocabulary.json", "weights.weights.h5"}
    assert {name: (tmp_path / "there" / name).read_bytes() for name in expected} == expected
    assert files(tmp_path / "there/again") == expected


def test_a_model_does_not_depend_on_what_other_threads_draw(tmp_path: Path) -> None:
    with draw_in_another_thread():
        text_network.save(fitted(planted(1, 60), {"epochs": 2}), tmp_path / "beside")
    text_network.save(fitted(planted(1, 60), {"epochs": 2}), tmp_path / "alone")
    assert files(tmp_path / "beside") == files(tmp_path / "alone")


def test_another_seed_gives_other_weights() -> None:
    rows = planted(1, 40)
    one, two = (text_network.fit(rows, load_learner_settings("text_network", epochs=1), seed) for seed in (1, 2))
    assert not np.array_equal(one.weights[0], two.weights[0])


def test_patience_settles_on_the_epoch_that_lost_least_later_and_keeps_its_weights() -> None:
    model, seen = watched()
    losses = [measures["loss/later"] for _, measures in seen]
    best = int(np.argmin(losses)) + 1
    assert model.settled == {"epochs": best}
    assert best < len(seen) == best + 4 < 60
    later = planted(2, 60, noise=0.2)
    score = text_network.score(model, later.x)
    assert embedding_network.compute_cross_entropy(score, later.y, later.weight) == pytest.approx(
        losses[best - 1], abs=1e-12
    )


def test_every_epoch_is_watched_on_both_sets() -> None:
    _, seen = watched()
    assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
    assert all(set(each) == {f"{name}/{rows}" for name in MEASURES for rows in ("fit", "later")} for _, each in seen)
    assert all(0 <= value <= 1 for _, each in seen for name, value in each.items() if not name.startswith("loss"))
    assert seen[-1][1]["loss/fit"] < seen[0][1]["loss/fit"]


def test_watched_measures_are_those_of_the_textbook() -> None:
    model, seen = watched()
    later, measures = planted(2, 60, noise=0.2), seen[model.settled["epochs"] - 1][1]  # type: ignore[index]
    given = text_network.score(model, later.x) > 0
    right = (given & (later.y > 0)).sum()
    assert measures["binary_accuracy/later"] == pytest.approx((given == later.y).mean())
    assert measures["precision/later"] == pytest.approx(right / given.sum())
    assert measures["recall/later"] == pytest.approx(right / later.y.sum())


def test_later_rows_only_watched_change_nothing() -> None:
    rows, seen = planted(1, 40), []
    alone = fitted(rows, {"epochs": 2})
    watching = fitted(rows, {"epochs": 2}, later=planted(2, 40), watch=lambda step, _: seen.append(step))
    assert seen == [1, 2]
    assert watching.settled == alone.settled == {}
    assert all(np.array_equal(one, two) for one, two in zip(alone.weights, watching.weights, strict=True))


def test_without_held_out_rows_training_runs_through_all_its_epochs() -> None:
    seen: list[set[str]] = []
    for rows, share in ((planted(1, 20), 0.0), (planted(1, 2), 0.5)):  # two rows are one group, which is never cut
        fitted(
            rows,
            {"held_out": share, "epochs": 8, "stop_after": 1},
            watch=lambda _, measures: seen.append(set(measures)),
        )
    assert len(seen) == 16
    assert all(each == {f"{name}/fit" for name in MEASURES} for each in seen)


def test_a_network_that_has_seen_nothing_says_how_frequent_each_tag_is() -> None:
    rows = planted(1, 60)
    frozen = fitted(rows, {"epochs": 1, "learning_rate": 1e-9})
    np.testing.assert_allclose(
        text_network.score(frozen, rows.x).mean(axis=0), compute_tag_prior(rows.y, rows.weight), atol=0.05
    )


def test_odd_texts_are_scored_and_those_without_a_known_word_alike() -> None:
    score = text_network.score(plain(), tagged(ODD, np.zeros((len(ODD), 4))).x)
    assert np.isfinite(score).all()
    np.testing.assert_allclose(score[:8], np.tile(score[0], (8, 1)))
    assert score[8, 0] > score[0, 0]
    assert text_network.score(plain(), planted(2).x.head(0)).shape == (0, 4)


def test_empty_texts_a_tag_on_no_row_and_one_on_every_row_are_learnt() -> None:
    y = np.column_stack([np.zeros(20), np.ones(20), np.arange(20) % 2])
    model = fitted(tagged([""] * 20, y, ("none", "all", "half")), {"epochs": 2})
    score = text_network.score(model, planted(2).x)
    assert np.isfinite(score).all()
    assert (score[:, 0] < -2).all()
    assert (score[:, 1] > 2).all()


def test_weights_pull_towards_the_heavier_rows() -> None:
    rows = planted(1, 120)
    turned = tagged(list(rows.x["text"]) * 2, np.vstack([rows.y, 1 - rows.y]))
    heavy = weighed(turned, np.repeat([1.9, 0.1], 120))
    assert hits(text_network.score(fitted(heavy, {"held_out": 0.0}), rows.x), rows.y) > 0.85


def test_names_as_evidence_are_added_to_the_words() -> None:
    rows = planted(1, 40)
    alone, heard = (fitted(rows, {"epochs": 1, "names": names}) for names in ("ignored", "evidence"))
    x = tagged(["an evening", "an evening of jazz"], np.zeros((2, 4))).x
    added = text_network.score(heard, x) - text_network.score(alone, x)
    np.testing.assert_allclose(added, np.where(x.filter(like="says:") > 0, np.array(heard.names)[1], heard.names[0]))
    assert added[1, 0] > 1 > 0 > added[0, 0]


@pytest.mark.parametrize("names", ["ignored", "inputs"])
def test_importance_is_a_share_for_each_input(names: str) -> None:
    importance = plain(names).importance
    assert set(importance) == set(planted(1).x.columns)
    assert sum(importance.values()) == pytest.approx(1)
    assert importance["words"] == 0
    assert importance["text"] > 0.5
    assert all((importance[f"says:{tag}"] > 0) == (names == "inputs") for tag in TAGS)


def test_rows_without_text_are_rejected() -> None:
    with pytest.raises(UserError, match=r"^text_network needs the input 'text', which is not among words"):
        fitted(planted(1).select_inputs(["words"]))


def test_the_gradient_that_is_spelled_out_is_that_of_the_cross_entropy() -> None:
    import keras  # type: ignore[import-untyped,unused-ignore]
    import tensorflow as tf  # type: ignore[import-untyped,unused-ignore]

    random = np.random.default_rng(0)
    p = tf.constant(np.append(random.random((40, 3)), [[0.0, 1.0, 0.5]], axis=0), tf.float32)
    y = tf.constant(np.append(random.random((40, 3)) < 0.3, [[0, 1, 1]], axis=0), tf.float32)
    weight = tf.constant(random.random(41), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(p)
        loss = tf.reduce_mean(weight * keras.losses.binary_crossentropy(y, p))
    spelled = embedding_network.compute_cross_entropy_gradient(p, y, weight).numpy()
    assert np.isfinite(spelled).all()
    np.testing.assert_allclose(spelled, tape.gradient(loss, p).numpy(), rtol=1e-4, atol=1e-7)
