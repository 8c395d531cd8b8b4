"""Gates: skill is told from luck after any number of tries, and every committed report can be read."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.core.scorer_description import load_description
from trueline.experiments.decisions import gates, noise_gate
from trueline.experiments.decisions.noise_gate import Reference
from trueline.experiments.decisions.paired_bootstrap import (
    DRAWS_BEYOND_LEVEL,
    FAMILY_ERROR_RATE,
    BlockSums,
    compare_figures,
    compute_level,
    compute_skewed_chance,
    compute_skewed_quantile,
    draw_studentised_means,
)

ROOT = Path(__file__).parents[3]
TASKS = ("props", "racing", "events")
RACE = load_description("race")
WORLDS, TRIES = 400, 20
Floats = npt.NDArray[np.float64]


def committed(task: str, name: str) -> Any:
    return json.loads((ROOT / f"metrics/{task}/{name}.json").read_text())


def season(random: np.random.Generator, skills: list[float], days: int, daily: int) -> list[Floats]:
    """Return for each model its sum of absolute errors per day; a model predicts the truth plus noise of its own."""
    truth = random.uniform(5, 25, (days, daily))
    points = np.maximum(random.normal(truth, 6), 0).round()
    return [np.abs(truth + random.normal(0, skill, truth.shape) - points).sum(axis=1) for skill in skills]


def promoted(seed: int, candidate: float, days: int = 60, daily: int = 20) -> bool:
    """Return whether the best of many tries replaces a model whose own noise is 2 points."""
    random = np.random.default_rng(seed)
    incumbent, *tried = season(random, [2.0, *[candidate] * TRIES], days, daily)
    best = min(tried, key=lambda errors: float(errors.sum()))
    rows = np.full(days, float(daily))
    return compare_figures(BlockSums(best, rows), BlockSums(incumbent, rows), TRIES, seed).is_better


def test_the_best_of_twenty_that_are_no_better_is_stopped_in_95_of_100_worlds() -> None:
    passed = sum(promoted(seed, candidate=2.0) for seed in range(WORLDS))
    assert passed <= FAMILY_ERROR_RATE * WORLDS


def test_a_model_that_errs_by_three_percent_less_passes_most_of_the_time() -> None:
    # 60 days of 20 rows; its noise is 1 point instead of 2, so its error is 0.15 of 5.0 points lower: 3 %
    passed = sum(promoted(seed, candidate=1.0) for seed in range(100))
    assert passed >= 80


@pytest.mark.parametrize(("tail", "days"), [("heavy", 60), ("of losses", 30), ("of losses", 60)])
def test_luck_is_stopped_where_days_differ_wildly(tail: str, days: int) -> None:
    # many small gains and a few large losses (a skewness of 2) favour the luckiest, whose large losses are missing
    passed = 0
    for seed in range(WORLDS):
        random = np.random.default_rng(seed)
        shape = TRIES, days
        wild = random.standard_t(4, shape) if tail == "heavy" else random.exponential(1, shape) - 1
        best = wild[wild.mean(axis=1).argmin()]
        passed += compare_figures(BlockSums(best, np.ones(days)), 0.0, TRIES, seed).is_better
    assert passed <= FAMILY_ERROR_RATE * WORLDS


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 80), st.floats(1e-5, 0.05), st.floats(-6, 0))
def test_the_skewed_test_is_stricter_where_large_losses_may_be_missing(
    seed: int, days: int, level: float, statistic: float
) -> None:
    losses = np.random.default_rng(seed).exponential(1, days)
    quantile = compute_skewed_quantile(level, losses)
    assert compute_skewed_chance(quantile, losses) == pytest.approx(level, rel=1e-6)
    assert compute_skewed_chance(statistic, losses) >= compute_skewed_chance(statistic, -losses) - 1e-12
    assert compute_skewed_chance(statistic, losses) <= compute_skewed_chance(statistic + 0.1, losses)


def test_draws_are_those_of_every_possible_resample() -> None:
    moved = np.array([-1.0, 0.5, 2.0, -1.5])
    every = np.array([moved[list(taken)] for taken in product(range(4), repeat=4)])
    spread = every.std(axis=1, ddof=1)
    exact = np.full(len(every), -np.inf)
    exact[spread > 0] = every[spread > 0].mean(axis=1) / spread[spread > 0] * 2
    sampled = draw_studentised_means(moved, 200_000, seed=0)
    for bound in (-3.0, -1.0, 0.3, 1.7):
        assert (sampled <= bound).mean() == pytest.approx((exact <= bound).mean(), abs=0.005)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 80), st.floats(0.1, 10))
def test_the_answer_does_not_depend_on_units_and_turns_with_the_sign(seed: int, days: int, unit: float) -> None:
    one, other = season(np.random.default_rng(seed), [1.0, 2.0], days, 5)
    rows = np.full(days, 5.0)
    verdict, scaled = (compare_figures(BlockSums(one * u, rows), BlockSums(other * u, rows), 1, 0) for u in (1.0, unit))
    back = compare_figures(BlockSums(other, rows), BlockSums(one, rows), 1, 0)
    assert scaled.chance == pytest.approx(verdict.chance)
    assert back.difference == pytest.approx(-verdict.difference)
    assert not (verdict.is_better and back.is_better)
    assert verdict.highest is not None
    assert (verdict.highest < 0) == verdict.is_better or abs(verdict.highest) < 0.1 * abs(verdict.difference)


@given(st.integers(1, 1000))
def test_evaluations_share_one_risk(looks: int) -> None:
    assert looks * compute_level(looks) == pytest.approx(FAMILY_ERROR_RATE)
    assert compute_level(0) == compute_level(1) == FAMILY_ERROR_RATE, "a judged model was evaluated at least once"
    assert 1 / (np.ceil(DRAWS_BEYOND_LEVEL / compute_level(looks)) + 1) < compute_level(looks), (
        "a p-value below the level is attainable"
    )


def test_more_evaluations_ask_for_more() -> None:
    ahead = BlockSums(np.random.default_rng(0).normal(-0.35, 1, 60), np.ones(60))
    assert compare_figures(ahead, 0.0, 1, 0).is_better
    assert not compare_figures(ahead, 0.0, 1000, 0).is_better


def test_what_differs_on_two_days_or_not_at_all_is_luck_and_few_days_are_not_judged() -> None:
    rows, other = np.ones(100), np.ones(100)
    rare = other - (np.arange(100) < 2) * 0.5
    assert not compare_figures(BlockSums(rare, rows), BlockSums(other, rows), 1, 0).is_better
    assert compare_figures(BlockSums(other, rows), BlockSums(other, rows), 1, 0).chance == 1.0
    assert compare_figures(BlockSums(rare[:29], rows[:29]), BlockSums(other[:29], rows[:29]), 1, 0).chance is None


@pytest.mark.parametrize("task", TASKS)
def test_every_gate_reads_the_committed_reports(task: str) -> None:
    report, diagnosis = committed(task, "report"), committed(task, "diagnosis")
    params = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
    limit, scorer = params["diagnose"][task]["limits"]["market_bias"], load_description(params["tasks"][task]["scorer"])
    error = {"value": -0.4, "low": -0.6, "high": -0.2, "n": 100} if limit else None
    assert "baseline" in gates.check_baselines(report, scorer).figures
    assert gates.check_interval(report, scorer).passed
    assert gates.check_leaks(committed(task, "leaks")).passed
    assert gates.check_score_audit(diagnosis).passed
    assert gates.check_bias(diagnosis, error, limit).passed


def test_a_baseline_that_is_not_beaten_stops_and_is_named_and_a_market_may_be_better() -> None:
    baselines = {"uniform": {"tuned_is": "better"}, "market": {"tuned_is": "worse"}, "baseline": {"tuned_is": "better"}}
    assert gates.check_baselines({"baselines": baselines}, RACE).passed
    stopped = gates.check_baselines({"baselines": baselines | {"baseline": {"tuned_is": "undecided"}}}, RACE)
    assert not stopped.passed
    assert "undecided against baseline" in stopped.sentence
    assert not gates.check_baselines({"baselines": None}, RACE).passed, "no baselines is no proof"


def test_a_headline_without_an_interval_is_insufficient() -> None:
    blind = {"value": 0.5, "low": None, "high": None, "n": 12}
    stopped = gates.check_interval({"picks": {"by_edge": [{"hit_rate": blind}]}}, load_description("market"))
    assert not stopped.passed
    assert stopped.sentence == "Insufficient for an interval: hit rate (12 blocks)."


def test_leaks_stop_and_so_does_an_audit_that_was_not_made() -> None:
    audit: dict[str, Any] = {"audited": 2, "leaking": []}
    assert gates.check_leaks(audit).passed
    assert gates.check_leaks(audit | {"leaking": ["minutes"]}).sentence == "These inputs see the future: minutes."
    assert not gates.check_leaks(audit | {"audited": 0}).passed
    assert not gates.check_leaks(None).passed


@pytest.mark.parametrize(
    ("answer", "accept_doubt", "passed"),
    [
        ("yes", False, True), ("doubtful", False, False), ("doubtful", True, True), ("no", True, False),
        ("unknown", True, False),
    ],
)  # fmt: skip
def test_only_believable_scores_pass_and_doubtful_ones_if_the_doubt_is_accepted(
    answer: str, accept_doubt: bool, passed: bool
) -> None:
    gate = gates.check_believability(answer, ["too_good: R² is too good."], accept_doubt)
    assert gate.passed == passed
    assert ("R² is too good." in gate.sentence) == (answer in ("doubtful", "no"))
    assert gate.figures == {"believable": answer}


def test_a_lean_beyond_the_limit_stops() -> None:
    checks = {"checks": {"calibration_slope": {"status": "warning", "summary": "Too bold."}}}
    assert gates.check_bias(checks, None, None).sentence == "Too bold."
    lean = {"value": 1.4, "low": 1.2, "high": 1.6, "n": 60}
    assert not gates.check_bias({"checks": {}}, lean, 1.5).passed, "the interval reaches past the limit"
    assert gates.check_bias({"checks": {}}, lean, 2.0).passed


def rows(random: np.random.Generator, skill: float, days: int = 60, daily: int = 20) -> pd.DataFrame:
    truth = random.uniform(5, 25, days * daily)
    day = np.repeat(np.arange(days), daily)
    table = pd.DataFrame({"row_id": [f"r{n}" for n in range(len(truth))], "group": [f"d{n:03}" for n in day]})
    points = np.maximum(random.normal(truth, 6), 0).round()
    return table.assign(target=points, tuned=truth + random.normal(0, skill, len(truth)), baseline=truth.mean())


def test_predictions_are_weighed_as_by_hand_whatever_their_order() -> None:
    one = rows(np.random.default_rng(0), 1.0)
    gate = noise_gate.check_noise("market", one, Reference("the baseline", one, "baseline"), 20, 0)
    by_hand = (one["tuned"] - one["target"]).abs().mean() - (one["baseline"] - one["target"]).abs().mean()
    assert gate.figures["difference"] == pytest.approx(by_hand)
    assert gate.passed
    other = one.assign(tuned=one["baseline"]).sample(frac=1.0, random_state=0)
    assert noise_gate.check_noise("market", one, Reference("before", other, "tuned"), 20, 0).figures == pytest.approx(
        gate.figures
    )


def test_only_groups_scored_alike_by_both_are_weighed() -> None:
    one = rows(np.random.default_rng(0), 1.0)
    other = one.assign(target=one["target"] + (one["row_id"] == "r0"))[:-1]
    mine, theirs, left_out = noise_gate.select_common_rows(one, other)
    assert left_out == 2, "a day whose outcome differs, and one that lacks a row"
    assert set(mine["row_id"]) == set(theirs["row_id"])
    assert mine["group"].nunique() == 58
    with pytest.raises(UserError, match="share no test rows"):
        noise_gate.select_common_rows(one, one.assign(row_id="x" + one["row_id"]))


def test_races_are_weighed_by_the_loss_of_a_race() -> None:
    random = np.random.default_rng(0)
    race = np.repeat([f"g{n:03}" for n in range(60)], 4)
    won = np.tile([1.0, 0, 0, 0], 60)
    p = np.column_stack([random.uniform(0.3, 0.5, 60), *[np.full(60, 0.2)] * 3])
    table = pd.DataFrame({"row_id": range(240), "group": race, "target": won, "tuned": p.ravel(), "baseline": 0.25})
    gate = noise_gate.check_noise("race", table, Reference("the baseline", table, "baseline"), 1, 0)
    assert gate.figures["difference"] == pytest.approx(np.mean(-np.log(p[:, 0])) - np.log(4))
    assert gate.passed


def test_tags_are_weighed_by_micro_f1() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, (90, 2)).astype(float)
    table = pd.DataFrame({"row_id": [f"e{n}" for n in range(90)], "group": [f"c{n // 2:02}" for n in range(90)]})
    table = table.assign(time=pd.Timestamp("2024-01-01"), fold="test_0")
    for number, tag in enumerate(("chess", "tea")):
        right, wrong = truth[:, number], 1 - truth[:, number]
        coin = np.where(random.random(90) < 0.8, right, wrong)
        table[f"target:{tag}"], table[f"tuned:{tag}"], table[f"baseline:{tag}"] = (
            right,
            right * 0.8 + 0.1,
            coin * 0.8 + 0.1,
        )
    given_ = table[["baseline:chess", "baseline:tea"]].to_numpy() >= 0.5
    f1 = 2 * (given_ * truth).sum() / (given_.sum() + truth.sum())
    gate = noise_gate.check_noise("tags", table, Reference("the baseline", table, "baseline"), 1, 0)
    assert gate.figures["difference"] == pytest.approx(f1 - 1)
    assert gate.passed


@pytest.mark.parametrize(("share", "pays"), [(0.65, True), (0.53, False)])
def test_a_claim_to_pay_must_clear_break_even_beyond_luck(share: float, pays: bool) -> None:
    random = np.random.default_rng(0)
    won = random.random(1200) < share
    table = pd.DataFrame({"row_id": range(1200), "group": np.repeat(np.arange(60), 20), "tuned": 12.0})
    prepared = pd.DataFrame({"row_id": range(1200), "line": 10.5, "line_type": "actual"})
    gate = noise_gate.check_break_even(table.assign(target=np.where(won, 14.0, 8.0)), prepared, 1.0, 20, 0)
    assert gate.passed == pays
    assert gate.figures["difference"] == pytest.approx(float((1 - won).mean()) - (1 - 110 / 210))


def test_an_unknown_scorer_is_rejected_with_those_that_are_known() -> None:
    one = rows(np.random.default_rng(0), 1.0)
    with pytest.raises(UserError, match="Allowed: market, race, tags"):
        noise_gate.check_noise("markets", one, Reference("the baseline", one, "baseline"), 1, 0)


@pytest.mark.parametrize("finding", [None, "declined", "failed", "ok"])
def test_only_a_score_audit_that_found_nothing_passes(finding: str | None) -> None:
    checks = {"score_audit": {"status": finding, "summary": "train uses outcomes."}} if finding else {}
    gate = gates.check_score_audit({"checks": checks})
    assert gate.passed == (finding == "ok")
    assert gate.sentence == "train uses outcomes." or "No score audit is on record" in gate.sentence
    assert not gates.check_score_audit(None).passed
