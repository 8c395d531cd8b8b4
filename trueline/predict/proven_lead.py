"""Proven lead: whether the report of a model proves that it knows more than the market, so that money may follow it."""

from dataclasses import dataclass
from typing import Any

from trueline.core.betting.american_odds import STANDARD_ODDS, compute_break_even_rate
from trueline.core.errors import UserError
from trueline.service.artifacts.verified_files import VerifiedFiles

STANDARD_BREAK_EVEN = float(compute_break_even_rate(STANDARD_ODDS))  # of bets at −110


@dataclass(frozen=True)
class Lead:
    """Whether the lead over the market is proved, and a sentence that says by which figures."""

    is_proved: bool
    sentence: str


def read_lead(files: VerifiedFiles, task: str) -> Lead:
    """Return what the report of a model's commit says of its lead over the market; without a report none is proved."""
    try:
        report = files.read_json(f"metrics/{task}/report.json")
        believable = files.read_json(f"metrics/{task}/scores.json")[task].get("believable")
    except (UserError, OSError, KeyError):
        return Lead(False, "no report says that the model leads the market")
    lead = _judge_gain(report) or _judge_hit_rate(report) or Lead(False, "the report compares with no market")
    if lead.is_proved and believable != "yes":
        return Lead(False, f"the report's scores are not believable ({believable})")
    return lead


def _judge_gain(report: dict[str, Any]) -> Lead | None:
    """Judge the gain over the market of a race model; None if the report has no such figure."""
    gain = (report.get("gain_over_market") or {}).get("gain")
    if not gain or gain.get("low") is None:
        return None
    interval = f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f}) nats per race"
    if gain["low"] > 0:
        return Lead(True, f"the gain over the market is {interval}")
    return Lead(False, f"the lead over the market is not proved: the gain is {interval}")


def _judge_hit_rate(report: dict[str, Any]) -> Lead | None:
    """Judge the hit rate of the headline bets against what breaks even; None if the report has no such figure."""
    headline = next(iter((report.get("picks") or {}).get("by_edge") or []), None)
    if not headline or headline["hit_rate"].get("low") is None:
        return None
    rate, break_even = headline["hit_rate"], _find_break_even(report, headline)
    interval = f"{rate['value']:.1%} ({rate['low']:.1%} to {rate['high']:.1%}), and {break_even:.1%} breaks even"
    if rate["low"] > break_even:
        return Lead(True, f"the bets hit {interval}")
    return Lead(False, f"the lead over the market is not proved: the bets hit {interval}")


def _find_break_even(report: dict[str, Any], headline: dict[str, Any]) -> float:
    """Return the rate at which the report's payout breaks even, or the bets' posted odds if these need more."""
    payout_rate = (report.get("payout") or {}).get("break_even") or STANDARD_BREAK_EVEN
    return float(max(payout_rate, (headline.get("posted") or {}).get("break_even") or 0.0))
