"""An edge is believed only if the report shows a gain over the market beyond chance."""

import json
from pathlib import Path
from typing import Any

import pytest

from trueline.core.errors import UserError
from trueline.service.market_lead import PROFIT, explain_missing_lead

ROOT = Path(__file__).parents[2]


class Files:
    """Stands in for verified files that hold one report."""

    def __init__(self, report: Any) -> None:
        self.report = report

    def read_json(self, relative: str) -> Any:
        if self.report is None:
            raise UserError(f"{relative} is missing")
        return self.report


def test_a_gain_whose_interval_is_above_zero_is_a_lead() -> None:
    report = {"gain_over_market": {"gain": {"value": 0.02, "low": 0.001, "high": 0.03}}}
    assert explain_missing_lead(Files(report), "racing") is None


def test_the_sample_s_own_report_shows_none_and_its_figures_are_the_reason() -> None:
    report = json.loads((ROOT / "metrics/racing/report.json").read_text())
    reason = explain_missing_lead(Files(report), "racing")
    assert reason is not None
    assert f"its gain is {report['gain_over_market']['gain']['value']:.4f} (" in reason


def test_profit_on_real_lines_is_the_lead_of_picks() -> None:
    report = json.loads((ROOT / "metrics/props/report.json").read_text())
    profit = report["line_types"]["actual"]["roi"]
    reason = explain_missing_lead(Files(report), "props", PROFIT)
    assert reason is None if profit["low"] > 0 else f"returned {profit['value']:.1%} (" in str(reason)
    for low, has_lead in ((0.001, True), (0.0, False)):
        report["line_types"]["actual"]["roi"] = {"value": 0.05, "low": low, "high": 0.1}
        assert (explain_missing_lead(Files(report), "props", PROFIT) is None) == has_lead


@pytest.mark.parametrize("report", [None, {}, {"gain_over_market": None}, {"gain_over_market": {"gain": {"low": "x"}}}])
def test_without_a_readable_report_there_is_no_lead(report: Any) -> None:
    assert "does not say whether" in str(explain_missing_lead(Files(report), "racing"))
