"""The market scorer: against plain loops, by hand, and on simulated markets with known truth."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from stages.evaluate.market import Settings, evaluate
from stages.evaluate.market.payouts import PayoutName
from trueline.core.betting.american_odds import compute_average_odds, compute_break_even_rate, compute_win_profit
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.stats.count_distribution import compute_crps

SETTINGS = Settings(edges=[1, 3, 5], chances=[0.524, 0.6], bins=10, devig="power")
SCORES = ["rows", "mae", "line_mae", "hit_rate", "hit_rate_low", "hit_rate_high", "bets", "roi"]
Row = dict[str, Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]


@cache
def season(seed: int = 0, days: int = 150, a_day: int = 20, skill: float = 0.0, sharp: float = 0.5) -> Tables:
    """Return games of players whose ability drifts, a line that knows it to within `sharp`, and a model.

    The model errs independently of the line, by less the greater its `skill`; one row in ten has no real line, and the
    estimated line is a mean of five games.
    """
    random = np.random.default_rng(seed)
    n = days * a_day
    day = np.repeat(np.arange(days), a_day)
    ability = random.gamma(6, 2.5, n) + 2
    line = np.round((ability + random.normal(0, sharp, n)) * 2) / 2
    actual = random.poisson(ability).astype(float)
    estimated = np.round(random.poisson(ability, (5, n)).mean(axis=0) * 2) / 2
    kind = random.choice(["actual", "estimated", "none"], n, p=[0.9, 0.07, 0.03])
    time = pd.Timestamp("2023-10-01") + pd.to_timedelta(day, "D")
    rows = pd.DataFrame({"row_id": [f"r{row:05d}" for row in range(n)], "group": time.strftime("%Y-%m-%d")})
    rows = rows.assign(time=time, target=actual)
    own = ability + random.normal(0, 2.5 * (1 - skill), n)
    predictions = rows.assign(fold=[f"test_{each // 30}" for each in day], tuned=own, baseline=ability.mean())
    predictions["default"] = own + random.normal(0, 0.5, n)
    predictions["tuned:mean"], predictions["tuned:spread"] = own.clip(1), np.sqrt(own.clip(1) + 4)
    known = kind == "actual"
    odds = random.choice([-150.0, -120, -110, 100, 130, np.nan], (2, n), p=[0.1, 0.2, 0.4, 0.1, 0.1, 0.1])
    prepared = rows.assign(
        entity="p", player="p", soft_label=np.where(known, line, np.nan), line=np.where(known, line, np.nan),
        open_line=np.where(known & (random.random(n) < 0.5), line + random.choice([-1, 0, 0.5], n), np.nan),
        over_price=np.where(known, odds[0], np.nan), under_price=np.where(known, odds[1], np.nan), n_books=2.0,
        line_type=kind, estimated_line=np.where(kind == "none", np.nan, estimated),
        season=np.where(day < days / 2, "2023-24", "2024-25"), season_type=np.where(day % 7, "regular", "playoffs"),
        home=random.integers(0, 2, n).astype(float), team="a", opponent="b", usual_points=ability,
        last_5=np.where(random.random(n) < 0.02, np.nan, estimated), last_10=ability + random.normal(0, 1, n),
        season_mean=ability + random.normal(0, 1, n),
    )  # fmt: skip
    history = prepared.head(40).assign(row_id=[f"h{row}" for row in range(40)])
    return predictions, pd.concat([history, prepared], ignore_index=True).sample(frac=1.0, random_state=0)


@cache
def judged() -> tuple[Row, Row, dict[str, pd.DataFrame]]:
    """Return the scores, report and tables of the default season."""
    return evaluate(*season(), SETTINGS, 0)


def joined(tables: Tables) -> list[Row]:
    """Return the scored rows with their prepared columns as plain dictionaries."""
    predictions, prepared = tables
    extra = prepared.drop(columns=["group", "time", "target"])
    return [
        {str(key): value for key, value in row.items()}
        for row in predictions.merge(extra, on="row_id").to_dict("records")
    ]


def bet(row: Row, line: float, edge: float) -> tuple[int, int]:
    """Return the side of a row's bet, 0 for none, and its result."""
    gap = row["tuned"] - line
    side = 1 if gap >= edge else -1 if gap <= -edge else 0
    return side, side * int(np.sign(row["target"] - line)) if side else 0


def counted(rows: list[Row], edge: float, line: str = "line") -> dict[str, float]:
    """Return hit rate, return at −110, bets and pushes by a loop."""
    results = [result for side, result in (bet(row, row[line], edge) for row in rows if row[line] == row[line]) if side]
    wins, losses = results.count(1), results.count(-1)
    return {
        "bets": len(results), "pushes": results.count(0), "wins": wins,
        "hit_rate": wins / (wins + losses), "roi": (wins * 100 / 110 - losses) / len(results),
    }  # fmt: skip


def same(found: Row, expected: dict[str, float]) -> bool:
    """Return whether a report's figures equal those of the loop."""
    plain = {key: found[key]["value"] if isinstance(found[key], dict) else found[key] for key in expected}
    return plain == pytest.approx(expected)


def test_scores_are_exactly_the_headline_and_as_in_a_loop() -> None:
    scores = judged()[0]
    rows = [row for row in joined(season()) if row["line"] == row["line"]]
    loop = counted(rows, 1)
    assert list(scores) == SCORES
    assert scores["rows"] == len(rows) < len(season()[0])
    assert scores["mae"] == pytest.approx(np.mean([abs(row["tuned"] - row["target"]) for row in rows]))
    assert scores["line_mae"] == pytest.approx(np.mean([abs(row["line"] - row["target"]) for row in rows]))
    assert [scores[key] for key in ("bets", "hit_rate", "roi")] == pytest.approx(
        [loop[key] for key in ("bets", "hit_rate", "roi")]
    )
    assert scores["hit_rate_low"] < scores["hit_rate"] < scores["hit_rate_high"]


@pytest.mark.parametrize("number", range(3))
def test_bets_at_every_edge_are_as_in_a_loop(number: int) -> None:
    found = judged()[1]["picks"]["by_edge"][number]
    assert found["edge"] == SETTINGS.edges[number]
    assert same(found, counted(joined(season()), found["edge"]))


def test_posted_prices_pay_as_in_a_loop() -> None:
    found = judged()[1]["picks"]["by_edge"][0]
    earned, asked, bets = [], [], 0
    for row in joined(season()):
        side, result = bet(row, row["line"], 1)
        bets += side != 0
        if side and row["over_price"] == row["over_price"] and row["under_price"] == row["under_price"]:
            odds = row["over_price"] if side > 0 else row["under_price"]
            earned.append(float(compute_win_profit(odds)) if result > 0 else float(result))
            asked.append(float(compute_break_even_rate(odds)))
    assert found["posted"]["roi"]["value"] == pytest.approx(np.mean(earned))
    assert found["posted"]["break_even"] == pytest.approx(np.mean(asked))
    assert found["posted"]["coverage"] == pytest.approx(len(earned) / bets)
    assert found["posted"]["fair_chance"] < found["posted"]["break_even"]


PARTS: dict[str, Callable[[Row], str]] = {
    "direction": lambda row: "over" if row["tuned"] > row["line"] else "under",
    "confidence": lambda row: {0: "low", 1: "medium", 2: "high"}[
        sum(abs(row["tuned"] - row["line"]) >= e for e in (3, 5))
    ],
    "season": lambda row: str(row["season"]),
    "month": lambda row: f"{row['time']:%Y-%m}",
    "line": lambda row: "below 10" if row["line"] < 10 else "10 to 20" if row["line"] < 20 else "20 and above",
    "place": lambda row: "home" if row["home"] == 1 else "away",
    "season_type": lambda row: str(row["season_type"]),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_as_in_a_loop_and_too_few_days_are_insufficient(name: str) -> None:
    found = judged()[1]["segments"][name]
    rows = [row for row in joined(season()) if row["line"] == row["line"] and bet(row, row["line"], 1)[0]]
    assert set(found) == {PARTS[name](row) for row in rows}
    for level, part in found.items():
        inside = [row for row in rows if PARTS[name](row) == level]
        loop, days = counted(inside, 1), len({row["group"] for row in inside})
        assert (part["n"], part["pushes"], part["days"]) == (loop["bets"], loop["pushes"], days)
        assert (part["roi"] == "insufficient") == (days < 30)
        if part["hit_rate"] != "insufficient":
            assert part["hit_rate"]["value"] == pytest.approx(loop["hit_rate"])
            assert part["roi"]["value"] == pytest.approx(loop["roi"])


def test_bets_closer_to_the_line_than_the_lowest_tier_are_below_it() -> None:
    settings = Settings(edges=[0.5], chances=[], bins=10, devig="shin")
    tiers = evaluate(*season(), settings, 0)[1]["segments"]["confidence"]
    gaps = [abs(row["tuned"] - row["line"]) for row in joined(season())]
    assert tiers["below"]["n"] == sum(0.5 <= gap < 1 for gap in gaps)
    assert tiers["low"]["n"] == sum(1 <= gap < 3 for gap in gaps)


def test_baselines_are_compared_on_the_same_rows() -> None:
    report = judged()[1]["baselines"]
    lined = [row for row in joined(season()) if row["line"] == row["line"]]
    rows = [row for row in lined if row["last_5"] == row["last_5"]]
    assert list(report["models"]) == ["line", "last_5", "last_10", "season_mean", "baseline", "default", "tuned"]
    assert (report["rows"], report["left_out"]) == (len(rows), len(lined) - len(rows))
    line = np.array([abs(row["line"] - row["target"]) for row in rows])
    tuned = np.array([abs(row["tuned"] - row["target"]) for row in rows])
    for name, metrics in report["models"].items():
        ahead = np.array([row[name] - row["target"] for row in rows])
        assert metrics["mae"]["value"] == pytest.approx(np.abs(ahead).mean())
        assert (metrics["rmse"], metrics["bias"]) == pytest.approx((np.sqrt((ahead**2).mean()), ahead.mean()))
        if name != "line":
            assert metrics["of_line_mae"]["value"] == pytest.approx(np.abs(ahead).sum() / line.sum())
        if name != "tuned":
            assert metrics["tuned_minus_this"]["value"] == pytest.approx((tuned - np.abs(ahead)).mean())
    assert report["models"]["tuned"]["of_line_mae"]["low"] > 1
    assert report["models"]["line"]["tuned_is"] == "worse"
    assert report["models"]["baseline"]["tuned_is"] == "better"


def test_a_model_that_knows_more_than_a_dull_line_is_found_to() -> None:
    tables = season(1, skill=0.9, sharp=3.0)
    scores, report, _ = evaluate(*tables, SETTINGS, 0)
    assert report["baselines"]["models"]["line"]["tuned_is"] == "better"
    assert scores["hit_rate_low"] > 0.55
    assert report["likeness"]["model_beats_line"]["low"] > 0.5
    assert report["distribution"]["tuned_is"] == "better"


@pytest.mark.parametrize("seed", range(4))
def test_against_a_sharp_line_no_bet_looks_good(seed: int) -> None:
    scores, report, _ = evaluate(*season(seed + 10, sharp=0.1), SETTINGS, 0)
    assert scores["hit_rate_low"] < 0.52
    assert report["picks"]["by_edge"][0]["roi"]["low"] < 0


def test_line_types_stand_side_by_side_and_the_sentence_says_how_far_apart_they_are() -> None:
    report = judged()[1]["line_types"]
    rows = joined(season())
    for row in rows:
        real = row["line"] == row["line"]
        row["only"] = np.nan if real else row["estimated_line"]
        row["mixed"] = row["line"] if real else row["estimated_line"]
        row["estimated_on_real"] = row["estimated_line"] if real else np.nan
    assert same(report["actual"], counted(rows, 1))
    assert same(report["estimated"], counted(rows, 1, "only"))
    assert same(report["mixed"], counted(rows, 1, "mixed"))
    assert same(report["same_rows"]["actual"], counted(rows, 1))
    assert same(report["same_rows"]["estimated"], counted(rows, 1, "estimated_on_real"))
    assert same(report["every_side"]["estimated"], counted(rows, 1e-9, "only"))
    ahead = report["same_rows"]["estimated_minus_actual_points"]
    rates = (counted(rows, 1, kind)["hit_rate"] for kind in ("estimated_on_real", "line"))
    assert ahead["value"] == pytest.approx(100 * (next(rates) - next(rates)))
    assert ahead["low"] > 0
    sentence = report["same_rows"]["sentence"]
    assert f", {ahead['value']:.1f} points (" in sentence
    assert sentence.endswith("on real ones: estimated lines are not a market.")


def test_likeness_counts_ties_against_the_model_and_sees_who_hugs_the_line() -> None:
    predictions, prepared = season()
    line = prepared.set_index("row_id")["line"].reindex(predictions["row_id"]).to_numpy()
    copied = predictions.assign(tuned=np.where(np.isnan(line), 10.0, line))
    copy = evaluate(copied, prepared, SETTINGS, 0)
    assert copy[1]["likeness"]["model_beats_line"]["value"] == 0
    assert copy[1]["likeness"]["hugs_line"]
    assert copy[1]["likeness"]["correlation"] == pytest.approx(1)
    assert copy[0]["hit_rate"] is None
    own = judged()[1]["likeness"]
    rows = [row for row in joined(season()) if row["line"] == row["line"]]
    closer = [abs(row["tuned"] - row["target"]) < abs(row["line"] - row["target"]) for row in rows]
    assert own["model_beats_line"]["value"] == pytest.approx(np.mean(closer))
    assert own["picks_share"]["3"] == pytest.approx(np.mean([abs(row["tuned"] - row["line"]) >= 3 for row in rows]))
    assert own["mean_edge"]["value"] == pytest.approx(np.mean([row["tuned"] - row["line"] for row in rows]))
    assert not own["hugs_line"]


@pytest.mark.parametrize(
    ("stretch", "noise", "edge", "hugs"), [(1.5, 0.0, 1, True), (1.0, 1.5, 5, True), (1.0, 4.0, 1, False)]
)
def test_a_model_hugs_the_line_when_it_follows_it_or_hardly_ever_bets(
    stretch: float, noise: float, edge: float, hugs: bool
) -> None:
    predictions, prepared = season()
    line = prepared.set_index("row_id")["line"].reindex(predictions["row_id"]).fillna(10).to_numpy()
    tuned = stretch * line + np.random.default_rng(0).normal(0, noise, len(line))
    settings = Settings(edges=[edge], chances=[], bins=10, devig="power")
    found = evaluate(predictions.assign(tuned=tuned), prepared, settings, 0)[1]["likeness"]
    assert found["hugs_line"] == hugs
    assert (found["correlation"] > 0.99) == (noise == 0)
    assert (found["picks_share"][str(edge)] < 0.02) == (edge == 5)


def test_a_constant_forecast_has_no_correlation() -> None:
    predictions, prepared = season()
    report = evaluate(predictions.assign(tuned=12.0), prepared, SETTINGS, 0)[1]
    assert report["likeness"]["correlation"] is None


def test_closing_value_is_as_in_a_loop() -> None:
    found = judged()[1]["closing"]
    rows = [row for row in joined(season()) if row["open_line"] == row["open_line"]]
    moves = [(bet(row, row["open_line"], 1)[0], row["line"] - row["open_line"]) for row in rows]
    assert found["rows"] == len(rows)
    assert found["value"]["value"] == pytest.approx(np.mean([side * move for side, move in moves if side]))
    assert found["positive"]["value"] == pytest.approx(np.mean([side * move > 0 for side, move in moves if side]))
    assert found["hit_rate_at_open"]["value"] == pytest.approx(counted(rows, 1, "open_line")["hit_rate"])


def test_always_over_at_posted_prices_on_averaged_books_is_paid_by_the_mean_chance() -> None:
    predictions, prepared = season()
    books = np.random.default_rng(0).choice([-130.0, -110, 105, 115], (2, len(prepared)))
    prepared = prepared.assign(over_price=compute_average_odds(*books), under_price=compute_average_odds(*books[::-1]))
    found = evaluate(predictions, prepared, SETTINGS, 0)[1]["always"]
    chance = np.mean([100 / (odds + 100) if odds > 0 else -odds / (100 - odds) for odds in books.T.flat], dtype=float)
    earned = []
    for row in joined((predictions, prepared)):
        if row["line"] == row["line"]:
            odds = row["over_price"]
            assert abs(odds) >= 100
            won = odds / 100 if odds > 0 else -100 / odds
            earned.append(won if row["target"] > row["line"] else -1.0 if row["target"] < row["line"] else 0.0)
    assert found["over"]["posted"]["coverage"] == found["under"]["posted"]["coverage"] == 1
    assert found["over"]["posted"]["roi"]["value"] == pytest.approx(np.mean(earned))
    assert found["over"]["posted"]["break_even"] == pytest.approx(chance, abs=0.01)
    assert found["over"]["hit_rate"]["value"] + found["under"]["hit_rate"]["value"] == pytest.approx(1)


def test_bets_by_chance_take_the_side_that_the_distribution_favours() -> None:
    first, second = judged()[1]["picks"]["by_chance"]
    assert (first["chance"], second["chance"]) == (0.524, 0.6)
    assert 0 < second["bets"] < first["bets"]
    assert evaluate(season()[0].drop(columns="tuned:mean"), season()[1], SETTINGS, 0)[1]["picks"]["by_chance"] is None


def test_the_distribution_is_compared_with_itself_moved_to_the_line() -> None:
    found = judged()[1]["distribution"]
    rows = [row for row in joined(season()) if row["line"] == row["line"]]
    actual, mean, spread, line, tuned = (
        np.array([row[name] for row in rows]) for name in ("target", "tuned:mean", "tuned:spread", "line", "tuned")
    )
    own, moved = compute_crps(actual, mean, spread, True), compute_crps(actual, mean + line - tuned, spread, True)
    assert found["crps"]["value"] == pytest.approx(own.mean())
    assert found["crps_of_line_with_same_spread"]["value"] == pytest.approx(moved.mean())
    assert found["tuned_minus_line"]["value"] == pytest.approx((own - moved).mean())
    assert found["tuned_is"] == "worse"


def test_a_true_distribution_is_found_reliable_and_a_narrow_one_is_not() -> None:
    predictions, prepared = season(2, skill=1.0, sharp=3.0)
    spread = np.sqrt(predictions["tuned"].clip(1))
    true = evaluate(predictions.assign(**{"tuned:spread": spread}), prepared, SETTINGS, 0)
    narrow = evaluate(predictions.assign(**{"tuned:spread": spread / 2}), prepared, SETTINGS, 0)
    assert max(true[1]["distribution"]["pit"]) < 0.12
    assert sum(true[1]["distribution"]["pit"]) == pytest.approx(1)
    assert max(narrow[1]["distribution"]["pit"]) > 0.2
    assert true[1]["distribution"]["crps"]["value"] < narrow[1]["distribution"]["crps"]["value"]
    assert true[1]["distribution"]["calibration_error"] < 0.04 < 0.08 < narrow[1]["distribution"]["calibration_error"]
    table = true[2]["reliability"]
    assert ((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])).sum() >= 8


@pytest.mark.parametrize(("noise", "verdict"), [(3.0, "helped"), (0.0, "undecided")])
def test_resampling_is_judged_against_the_natural_arm(noise: float, verdict: str) -> None:
    predictions, prepared = season()
    natural = predictions["tuned"] + np.random.default_rng(0).normal(0, noise, len(predictions))
    assert (
        evaluate(predictions.assign(unresampled=natural), prepared, SETTINGS, 0)[1]["resampling"]["verdict"] == verdict
    )
    assert judged()[1]["resampling"]["verdict"] == "none"


def test_tuned_and_default_picks_that_hardly_differ_are_called_noise() -> None:
    found = judged()[1]["tuned_against_default"]
    assert found["sentence"].endswith("the difference is noise.")
    assert evaluate(season()[0].drop(columns="default"), season()[1], SETTINGS, 0)[1]["tuned_against_default"] is None


def test_folds_come_in_time_and_add_up() -> None:
    folds = judged()[1]["folds"]
    assert [fold["fold"] for fold in folds] == [f"test_{number}" for number in range(5)]
    assert [fold["days"] for fold in folds] == [30] * 5
    rows = [row for row in joined(season()) if row["fold"] == "test_2"]
    assert folds[2]["rows"] == len(rows)
    assert folds[2]["mae"] == pytest.approx(np.mean([abs(row["tuned"] - row["target"]) for row in rows]))
    lined = [row for row in rows if row["line"] == row["line"]]
    assert folds[2]["rows_with_line"] == len(lined)
    assert folds[2]["mae_with_line"] == pytest.approx(np.mean([abs(row["tuned"] - row["target"]) for row in lined]))
    assert folds[2]["line_mae"] == pytest.approx(np.mean([abs(row["line"] - row["target"]) for row in lined]))


@pytest.mark.parametrize("with_estimates", [True, False])
def test_without_real_lines_only_what_needs_none_is_left(with_estimates: bool, tmp_path: Any) -> None:
    predictions, prepared = season()
    kind = "estimated" if with_estimates else "none"
    gone = prepared.assign(line=np.nan, soft_label=np.nan, open_line=np.nan, line_type=kind)
    if not with_estimates:
        gone = gone.drop(columns=["estimated_line", "last_10"])
    scores, report, plots = evaluate(predictions, gone, SETTINGS, 0)
    assert scores == {"rows": 0} | dict.fromkeys(SCORES[1:])
    needing = ("baselines", "picks", "segments", "likeness", "closing", "always", "tuned_against_default")
    assert [report[name] for name in needing] == [None] * len(needing)
    error = (predictions["tuned"] - predictions["target"]).abs().mean()
    assert report["all_rows"]["tuned"]["mae"]["value"] == pytest.approx(error)
    assert report["distribution"]["crps_of_all_rows"]["low"] > 0
    assert report["distribution"]["crps"]["value"] is None
    assert (report["line_types"]["estimated"]["bets"] > 0) == with_estimates
    assert ("says nothing of a market" in report["line_types"]["sentence"]) == with_estimates
    assert len(plots["baselines"]) == len(plots["reliability"]) == len(plots["edges"]) == 0
    assert plots["months"]["mae_of_all_rows"].notna().all()
    write_json(report, tmp_path / "report.json")


def test_a_line_that_is_no_real_quote_is_never_graded_as_one() -> None:
    predictions, prepared = season()
    slipped = prepared["line"].where(prepared["line_type"] == "actual", prepared["estimated_line"])
    assert (
        evaluate(predictions, prepared.assign(line=slipped), SETTINGS, 0)[0]
        == evaluate(predictions, prepared, SETTINGS, 0)[0]
    )


def test_a_few_days_give_values_without_intervals() -> None:
    predictions, prepared = season(3, days=10)
    scores, report, _ = evaluate(predictions, prepared, SETTINGS, 0)
    assert scores["hit_rate"] is not None
    assert scores["hit_rate_low"] is scores["hit_rate_high"] is None
    assert report["segments"]["direction"]["over"]["hit_rate"] == "insufficient"
    assert report["baselines"]["models"]["baseline"]["tuned_is"] == "undecided"
    assert report["line_types"]["same_rows"]["sentence"].endswith("too few days to compare them.")


def test_tables_to_plot_have_their_columns() -> None:
    plots = judged()[2]
    assert {name: list(table.columns) for name, table in plots.items()} == {
        "baselines": ["model", "mae"],
        "reliability": ["predicted", "observed", "low", "high", "n"],
        "months": ["month", "mae_of_all_rows", "mae", "line_mae", "hit_rate"],
        "edges": ["edge", "hit_rate", "low", "high", "break_even"],
        "line_types": ["line_type", "hit_rate", "low", "high"],
    }
    assert plots["edges"]["break_even"].tolist() == pytest.approx([110 / 210] * 3)


def test_months_are_as_in_a_loop() -> None:
    rows = [row for row in joined(season()) if row["time"].month == 11]
    lined = [row for row in rows if row["line"] == row["line"]]
    month = judged()[2]["months"].set_index("month").loc["2023-11"]
    assert month["mae_of_all_rows"] == pytest.approx(np.mean([abs(row["tuned"] - row["target"]) for row in rows]))
    assert month["mae"] == pytest.approx(np.mean([abs(row["tuned"] - row["target"]) for row in lined]))
    assert month["line_mae"] == pytest.approx(np.mean([abs(row["line"] - row["target"]) for row in lined]))
    assert month["hit_rate"] == pytest.approx(counted(lined, 1)["hit_rate"])


def test_the_same_predictions_give_the_same_report_in_any_order() -> None:
    predictions, prepared = season(days=40)
    shuffled = predictions.sample(frac=1.0, random_state=0).reset_index(drop=True)
    assert str(evaluate(predictions, prepared, SETTINGS, 0)[1]) == str(evaluate(shuffled, prepared, SETTINGS, 0)[1])


@pytest.mark.parametrize("payout", ["standard", "posted", "pickem"])
def test_the_return_is_what_the_payout_pays_for_the_bets_of_the_headline(payout: PayoutName) -> None:
    settings = Settings(
        edges=[1], chances=[0.524, 0.7], bins=10, devig="power", payout=payout, multiples={2: 3.0, 3: 6.0}
    )
    scores, report, tables = evaluate(*season(), settings, 0)
    gains = []
    for row in joined(season()):
        lead = row["tuned"] - row["line"]
        if not abs(lead) >= 1:
            continue
        posted = row["over_price"] if lead > 0 else row["under_price"]
        odds = {"standard": -110.0, "posted": posted, "pickem": None}[payout]
        if odds != odds:
            continue  # no price is posted
        won = 6 ** (1 / 3) - 1 if odds is None else odds / 100 if odds > 0 else -100 / odds
        margin = (row["target"] - row["line"]) * np.sign(lead)
        gains.append(won if margin > 0 else -1.0 if margin < 0 else 0.0)
    assert scores["roi"] == pytest.approx(np.mean(gains))
    assert scores["roi"] == report["picks"]["by_edge"][0]["roi"]["value"]
    if payout == "standard":
        assert "payout" not in report
        return
    if payout == "pickem":
        rate = scores["hit_rate"]
        assert report["payout"]["break_even"] == pytest.approx(6 ** (-1 / 3))
        assert [entry["break_even"] for entry in report["payout"]["entries"]] == pytest.approx([3**-0.5, 6 ** (-1 / 3)])
        assert [entry["roi"] for entry in report["payout"]["entries"]] == pytest.approx(
            [3 * rate**2 - 1, 6 * rate**3 - 1]
        )
        assert tables["edges"]["break_even"].tolist() == pytest.approx([6 ** (-1 / 3)])
    # a chance that does not break even is raised to the chance that does, a higher one counts as it is
    assert report["picks"]["by_chance"][0]["bets"] < judged()[1]["picks"]["by_chance"][0]["bets"]
    standard = evaluate(*season(), settings.model_copy(update={"payout": "standard"}), 0)[1]
    if payout == "pickem":
        assert report["picks"]["by_chance"][1]["bets"] == standard["picks"]["by_chance"][1]["bets"]


def test_pickem_without_multiples_is_rejected() -> None:
    with pytest.raises(ValidationError, match="payout pickem needs multiples"):
        Settings(edges=[1], chances=[], bins=10, devig="power", payout="pickem", multiples={})


# --- the information clock ---


def timed(tables: Tables, ended: float = 0.3) -> Tables:
    """Return the season with quote times: some lines ended before the start, and some have no times."""
    predictions, prepared = tables
    fate = np.random.default_rng(0).choice(["stood", "ended", "untimed"], len(prepared), p=[0.9 - ended, ended, 0.1])
    start, is_timed = prepared["time"] + pd.Timedelta(hours=23), (fate != "untimed") & prepared["line"].notna()
    made, end = start - pd.Timedelta(minutes=50), start - pd.to_timedelta(np.where(fate == "ended", 20, 0), "min")
    return predictions, prepared.assign(
        known_before=prepared["time"] + pd.Timedelta(hours=5), known_at_start=start, fate=fate,
        quoted_from=made.where(is_timed), quoted_until=end.where(is_timed),
    )  # fmt: skip


def test_a_bet_on_line_ups_is_graded_only_at_a_quote_that_stood_when_they_were_known() -> None:
    predictions, prepared = timed(season())
    scores, report, _ = evaluate(predictions.assign(inputs_known="at_start"), prepared, SETTINGS, 0)
    lined = [row for row in joined((predictions, prepared)) if row["line"] == row["line"]]
    stood = [row for row in lined if row["fate"] == "stood"]
    assert scores["rows"] == report["clock"]["graded"] == len(stood) < len(lined)
    assert report["clock"]["not_graded"] == len(lined) - len(stood)
    assert same(report["picks"]["by_edge"][0], counted(stood, 1))
    assert report["picks"]["by_edge"][0]["bets"] == report["line_types"]["actual"]["bets"]
    assert report["closing"] is None  # an opening line comes before line-ups


def test_a_bet_on_what_is_known_before_is_graded_at_every_last_line() -> None:
    predictions, prepared = timed(season())
    plain, told = judged(), evaluate(predictions.assign(inputs_known="before"), prepared, SETTINGS, 0)
    assert told[0] == plain[0]
    assert told[1] == plain[1]
    assert told[1]["clock"]["not_graded"] == 0


def test_line_ups_on_quotes_that_all_ended_leave_no_bet_and_on_quotes_without_times_bets_of_unknown_age() -> None:
    predictions, prepared = timed(season(), ended=0.9)
    scores, report, _ = evaluate(predictions.assign(inputs_known="at_start"), prepared, SETTINGS, 0)
    assert (scores["bets"], scores["hit_rate"], report["clock"]["graded"]) == (None, None, 0)
    untimed_scores, untimed_report, _ = evaluate(season()[0].assign(inputs_known="at_start"), season()[1], SETTINGS, 0)
    assert untimed_scores == judged()[0]
    assert untimed_report["clock"]["unknown_age"] == untimed_report["clock"]["lines"]
