"""Probabilities of the over that are too bold are named; those that come true are not, whatever chance does."""

from dataclasses import replace

import numpy as np
import pytest

from stages.diagnose.checks import over_calibration
from stages.diagnose.units.evidence import Evidence
from tests.stages.diagnose.test_diagnose import healthy

BINS, ROWS = 10, 280


def draw_curve(seed: int, factor: float = 1.0) -> Evidence:
    """Evidence whose overs happen with probabilities nearer to one half, by a factor, than predicted."""
    random = np.random.default_rng(seed)
    predicted = np.sort(random.uniform(0.25, 0.75, BINS))
    happened = random.binomial(ROWS, 0.5 + factor * (predicted - 0.5)) / ROWS
    curve = [{"n": ROWS, "predicted": bold, "observed": share} for bold, share in zip(predicted, happened, strict=True)]
    return replace(healthy(), report={"distribution": {"reliability": curve}})


def test_probabilities_that_come_true_are_named_no_more_often_than_chance_allows() -> None:
    findings = [over_calibration.check(draw_curve(seed)) for seed in range(300)]
    assert {finding["status"] for finding in findings} == {"ok"}
    # with the right probabilities the p value is uniform and the distance is that of chance
    assert np.mean([finding["details"]["p_value"] for finding in findings]) == pytest.approx(0.5, abs=0.06)
    distances = [finding["details"]["mean_distance"] / finding["details"]["distance_by_chance"] for finding in findings]
    assert np.mean(distances) == pytest.approx(1, abs=0.03)


def test_probabilities_that_are_too_bold_are_named_with_what_was_predicted_and_what_happened() -> None:
    for seed in range(50):
        evidence = draw_curve(seed, factor=0.2)
        finding = over_calibration.check(evidence)
        assert finding["status"] == "warning"
        curve = evidence.report["distribution"]["reliability"]
        observed = [row["observed"] for row in curve]
        assert finding["summary"].startswith(
            f"P(over) from {curve[0]['predicted']:.0%} to {curve[-1]['predicted']:.0%} was predicted where "
            f"{min(observed):.0%} to {max(observed):.0%} happened (2,800 rows;"
        )
        assert finding["summary"].endswith("the probabilities are too bold.")


def test_probabilities_that_are_all_too_high_are_named_as_wrong() -> None:
    curve = [{"n": 400, "predicted": 0.6 + 0.01 * number, "observed": 0.4 + 0.02 * number} for number in range(5)]
    finding = over_calibration.check(replace(healthy(), report={"distribution": {"reliability": curve}}))
    assert finding["summary"].endswith("the probabilities are wrong.")


@pytest.mark.parametrize("report", [{}, {"distribution": None}, {"distribution": {"reliability": []}}])
def test_without_probabilities_of_the_over_it_declines(report: dict[str, object]) -> None:
    assert over_calibration.check(replace(healthy(), report=report))["status"] == "declined"
