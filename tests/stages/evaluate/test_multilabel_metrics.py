"""Multilabel metrics, with scikit-learn and plain loops as oracles."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    coverage_error,
    f1_score,
    label_ranking_average_precision_score,
    log_loss,
    precision_score,
    recall_score,
)

from stages.evaluate.tags import multilabel_metrics
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.probability_scores import compute_log_losses

SHAPE = st.tuples(st.integers(1, 8), st.integers(2, 6))
TABLES = SHAPE.flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0])),
        # few values, so that many tie
        arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
    )
)


@settings(deadline=None, max_examples=200)
@given(TABLES)
def test_rankings_with_ties_are_scored_as_scikit_learn_does(tables: tuple[Floats, Floats]) -> None:
    truth, chance = tables
    found = multilabel_metrics.compute_ranking_metrics(truth, chance, [])
    assert found["lrap"].mean() == pytest.approx(label_ranking_average_precision_score(truth, chance))
    assert found["coverage_error"].mean() == pytest.approx(coverage_error(truth, chance))


@settings(deadline=None, max_examples=60)
@given(TABLES, st.integers(1, 2))
def test_precision_at_k_is_the_mean_over_every_order_of_ties(tables: tuple[Floats, Floats], top: int) -> None:
    truth, chance = tables
    found = multilabel_metrics.compute_ranking_metrics(truth, chance, [top])[f"precision_at_{top}"]
    for row, (true, score) in enumerate(zip(truth, chance, strict=True)):
        orders = [order for order in permutations(range(len(score))) if all(np.diff(score[list(order)]) <= 0)]
        assert found[row] == pytest.approx(np.mean([true[list(order[:top])].mean() for order in orders]))


@settings(deadline=None, max_examples=50)
@given(TABLES)
def test_counts_give_micro_and_macro_metrics_as_scikit_learn_does(tables: tuple[Floats, Floats]) -> None:
    truth, given_tags = tables[0], (tables[1] > 0.5).astype(float)
    hits, answers, true = (part.sum(axis=0) for part in (truth * given_tags, given_tags, truth))
    found = multilabel_metrics.compute_micro_macro_metrics(hits, answers, true)
    for name, oracle in {"precision": precision_score, "recall": recall_score, "f1": f1_score}.items():
        for average in ("micro", "macro"):
            expected = oracle(truth, given_tags, average=average, zero_division=0)
            assert found[f"{average}_{name}"] == pytest.approx(expected)
        single = oracle(truth, given_tags, average=None, zero_division=0)
        assert multilabel_metrics.compute_precision_recall_f1(hits, answers, true)[name] == pytest.approx(single)


def test_counts_of_many_bootstrap_resamples_are_scored_at_once() -> None:
    hits, answers, true = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[2.0, 0.0], [2.0, 1.0]]), np.array([2.0, 1.0])
    metrics = multilabel_metrics.compute_micro_macro_metrics(hits, answers, true)
    assert metrics["micro_f1"] == pytest.approx([2 / 5, 1.0])
    assert metrics["macro_f1"] == pytest.approx([1 / 4, 1.0])


def test_log_loss_is_the_mean_over_tags_and_a_certainty_that_fails_costs_no_infinity() -> None:
    truth, chance = np.array([[1.0, 0.0, 1.0]]), np.array([[0.9, 0.2, 0.4]])
    assert compute_log_losses(chance, truth).mean(axis=1)[0] == pytest.approx(log_loss(truth[0], chance[0]))
    assert np.isfinite(compute_log_losses(1 - truth, truth).mean(axis=1)).all()


def test_answers_are_right_tag_by_tag_and_whole() -> None:
    truth, answers = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    found = {name: list(each) for name, each in multilabel_metrics.compute_label_metrics(truth, answers).items()}
    assert found == {"accuracy": [0.5, 1.0], "subset_accuracy": [0.0, 1.0], "tags_given": [2.0, 0.0]}
