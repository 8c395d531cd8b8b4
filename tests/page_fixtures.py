"""Findings, a report and a daily table as a bad day would bring them, for the page that people read."""

import json
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.report.report_page import PlotData
from trueline.core.scorer_description import describe_comparison, load_description

Checks = dict[str, dict[str, Any]]

HOSTILE = "<script>alert('x')</script>&\"'"  # a team may call itself anything


def interval(value: float, reach: float, n: int = 100) -> dict[str, Any]:
    """Return an estimate with ends at equal distance."""
    return {"value": value, "low": value - reach, "high": value + reach, "n": n}


def checks() -> Checks:
    """Return a finding of every status, with the details that the page draws."""
    rates = {"backtest": interval(0.5416, 0.02), "production": interval(0.5965, 0.03)}
    steps = [("predictions", 0.0385, 0.03), ("line_type", 0.0118, 0.01), ("dates", 0.0046, 0.01)]
    worst = {"column": "team", "level": HOSTILE, "measure": "target − p", "groups": 99, "mean": 10.05, "rest": 2.02}
    return {
        "gap": {
            "status": "failed",
            "summary": f"Not comparable: 362 predictions were made after their games, for {HOSTILE}.",
            "details": {
                "sides": {side: {"hit_rate": rate} for side, rate in rates.items()},
                "waterfall": [
                    {"step": name, "contribution": value, "low": value - reach, "high": value + reach}
                    for name, value, reach in steps
                ],
                "verdict": {"verdict": "not comparable", "reasons": ["10% of production's lines are estimated"]},
                "main_cause": {"sentence": "The main cause is the predictions."},
            },
        },
        "root_cause": {
            "status": "warning",
            "summary": "The 28 days to 2024-02-28 are worse: the market got sharper.",
            "details": {
                "change": interval(0.3, 0.2),
                "parts": {"market": interval(0.25, 0.1), "noise": interval(0, 1)},
            },
        },
        "worst_segments": {
            "status": "warning",
            "summary": "1 of 66 segments does worse.",
            "details": {"looked_at": 66, "worst": [{**worst, "difference": 8.04, "low": 0.25, "high": 15.8}]},
        },
        "coverage": {
            "status": "ok",
            "summary": "All rows are predicted",
            "details": {"missing": {}, "a_very_long_name_of_a_feature_" * 4: [f"feature_{n}" for n in range(60)]},
        },
        "calibration_slope": {"status": "declined", "summary": "A quantity has no slope.", "details": {}},
    }


def report() -> dict[str, Any]:
    """Return a report with a baselines under models, as props has it, and reliability under the distribution."""
    beside = {"tuned_is": "better", "tuned_minus_this": interval(-0.07, 0.04)}
    models = {
        "tuned": {"hit_rate": interval(0.541, 0.023), "mae": interval(5.07, 0.16), "bias": -0.4},
        "line": {"mae": interval(4.88, 0.15), **beside},
        HOSTILE: {"hit_rate": interval(0.52, 0.02), "mae": interval(5.4, 0.2), **beside},
    }
    cells = [{"predicted": p, "observed": o, "low": o - 0.05, "high": o + 0.05} for p, o in ((0.3, 0.5), (0.6, 0.55))]
    return {
        "baselines": {"rows": 2763, "left_out": 5, "models": models},
        "distribution": {"reliability": cells},
        "comparison": describe_comparison(load_description("market")),
    }


def daily(days: int = 90, seed: int = 0) -> pd.DataFrame:
    """Return a daily table that drifts to a warning, with an outage of a week, in which nothing is known."""
    random = np.random.default_rng(seed)
    rate = 54 + np.cumsum(random.normal(0, 0.4, days))
    rows = pd.DataFrame(
        {
            "game_date": pd.date_range("2023-12-01", periods=days),
            "status": "graded",
            "line_mae": random.normal(4.9, 0.3, days),
            "line_n": 120.0,
            "model_n": 120.0,
            "model_mae": random.normal(5.0, 0.3, days),
            "line_mae_baseline": 4.9,
            "model_beats_line_pct": random.normal(46, 4, days),
            "sharpness_score": random.uniform(30, 90, days),
            "sharpness_status": "razor_sharp",
            "model_mean_error": random.normal(-0.2, 0.4, days),
            "drift_score": np.linspace(5, 75, days),
            "drift_severity": "severe",
            "completeness": 97.0,
            "feature_quality": 93.0,
            "predictions_made": 40.0,
            "predictions_graded": 39.0,
            "hit_rate_baseline": 54.0,
            "primary_cause": "model_drift",
            "cause_confidence": 0.82,
            "contributing_factors": json.dumps([{"factor": HOSTILE, "contribution": 0.2, "details": {"tier": 3}}]),
            "alert_level": np.where(np.arange(days) > days - 5, "warning", "ok"),
            "alert_message": f"[WARNING] {HOSTILE} fell below its limit",
        }
    )
    for window in (7, 30):
        rows[f"hit_rate_{window}d"] = rate
        rows[f"hit_rate_{window}d_low"], rows[f"hit_rate_{window}d_high"] = rate - 4, rate + 4
        rows[f"hit_rate_{window}d_n"] = 130
    rows["sharpness_low"], rows["sharpness_high"] = rows["sharpness_score"] - 9, rows["sharpness_score"] + 9
    rows["sharpness_reason"], rows["quality_reason"] = None, "no rows were asked for"
    rows.loc[40:46, rows.columns.drop("game_date")] = None
    return rows


def tags() -> dict[str, Any]:
    """The parts of a report of tags: one tag that is well known and one that is not, and an example answer."""
    rows = [
        {"tag": tag, "rows": count, "f1": interval(f1, 0.05), "baseline_f1": f1 - 0.1, "tuned_is": "better"}
        | {"precision": 0.8, "recall": 0.7, "fn": 3.0, "fp": 2.0, "not_learnable": ""}
        for tag, count, f1 in (("chess", 12, 0.6), ("tea", 40, 0.9))
    ]
    sample = {"name": "Tea and chess", "truth": ["chess", "tea"], "given": ["tea", "film"], "missed": ["chess"]}
    top = [{"tag": "tea", "chance": 0.93}, {"tag": "film", "chance": 0.51}]
    return {"tags": rows, "samples": [sample | {"wrong": ["film"], "top": top}]}


def plots() -> PlotData:
    """Confusions of two tags, and curves of four measures by three rounds."""
    pairs = [("tea", "tea")] * 8 + [("chess", "tea")] * 2 + [("chess", "chess"), ("chess", "(none)")]
    measures = ("loss", "binary_accuracy", "precision", "recall")
    curves = {
        f"network/{measure}/{rows}": {1: 0.9, 2: 0.5 + shift, 3: 0.4 + shift}
        for measure in measures
        for rows, shift in (("fit", 0.0), ("later", 0.1))
    }
    return PlotData(None, pd.DataFrame(pairs, columns=["actual", "predicted"]), curves)
