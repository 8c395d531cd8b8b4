"""The asking benchmark: choosers see no truth of untagged texts, and needed labels are read off the curves rightly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.benchmarks import asking
from trueline.benchmarks.asking import CHOOSERS, SAMPLE, Choice, TaggedTexts, answer_texts, find_needed_labels
from trueline.core.errors import UserError

LABELS = np.array([10, 20, 30, 40])
eighth = st.integers(0, 8).map(lambda eighths: eighths / 8)


@pytest.fixture(scope="module")
def texts() -> TaggedTexts:
    return asking.read_texts(SAMPLE)


def test_answers_depend_only_on_the_truth_of_the_tagged_texts(texts: TaggedTexts) -> None:
    tagged = np.arange(0, 80, 2)
    targets = [str(name) for name in texts.prepared if str(name).startswith("target:")]
    turned, untagged = texts.prepared.copy(), np.setdiff1d(np.arange(len(texts.truth)), tagged)
    turned.loc[untagged, targets] = 1 - turned.loc[untagged, targets]
    others = replace(texts, prepared=turned, truth=turned[targets].to_numpy(float))
    before, after = answer_texts(texts, tagged, 1), answer_texts(others, tagged, 1)
    assert (before.chances == after.chances).all()
    assert (before.thresholds == after.thresholds).all()
    seen = replace(others, truth=1 - others.truth, prepared=turned.assign(**{n: 1 - turned[n] for n in targets}))
    assert (answer_texts(seen, tagged, 1).chances != before.chances).any()


@pytest.mark.parametrize("name", CHOOSERS)
def test_a_chooser_takes_as_many_candidates_as_it_is_told_and_none_twice(name: str, texts: TaggedTexts) -> None:
    random = np.random.default_rng(1)
    held_out, pool = asking.split_clusters(texts.cluster, random)
    assert set(texts.cluster[held_out]).isdisjoint(texts.cluster[pool])
    assert sorted([*held_out, *pool]) == list(range(len(texts.truth)))
    candidates, tagged = pool[20:], pool[:20]
    answers = asking.Answers(random.random(texts.truth.shape), np.full(texts.truth.shape[1], 0.4))
    for count in (5, len(candidates)):
        choice = Choice(texts, candidates, tagged, answers, count, np.random.default_rng(2))
        chosen = CHOOSERS[name](choice)
        assert len(set(chosen)) == count
        assert set(chosen) <= set(candidates)


def test_every_chooser_starts_with_the_same_texts(texts: TaggedTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ROUNDS", 1)
    labels, scores, full_scores = asking.simulate_drawings(texts, 1)
    assert labels.tolist() == [30, 45]
    assert len({curve[0, 0] for curve in scores.values()}) == 1
    assert len({curve[0, 1] for curve in scores.values()}) == len(CHOOSERS)
    assert all(0 < score < 1 for curve in (*scores.values(), full_scores) for score in curve.ravel())


@settings(deadline=None, max_examples=100)
@given(st.lists(eighth, min_size=4, max_size=4), eighth)
def test_needed_labels_are_the_first_at_which_the_curve_reaches_the_target(curve: list[float], target: float) -> None:
    needed = find_needed_labels(LABELS, np.array([curve]), np.array([target]))[0]
    fine_labels = np.linspace(10, 40, 3001)
    reaching = fine_labels[np.interp(fine_labels, LABELS, curve) >= target - 1e-9]
    assert needed == pytest.approx(reaching[0] if len(reaching) else np.inf, abs=0.011)


def test_ratios_say_how_many_labels_are_saved_and_what_is_never_reached() -> None:
    slow = np.tile([0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9], (30, 1))
    labels = 10 * np.arange(2, 10)
    line = asking.format_needed_labels(labels, {"random": slow, "doubtful": slow + 0.1, "asked": slow - 0.2}, 3)
    assert line.split() == [
        "micro-F1",
        "0.800",
        "50",
        "40",
        "0.80",
        "(0.80",
        "to",
        "0.80)",
        "inf",
        "inf",
        "(inf",
        "to",
        "inf)",
    ]
    assert asking.format_gain(slow + 0.1, slow).split() == ["+0.100", "(+0.100", "to", "+0.100)"]


def test_too_few_drawings_for_an_interval_are_refused() -> None:
    with pytest.raises(UserError, match="a whole number from 30 on"):
        asking.main(SAMPLE, "29")
