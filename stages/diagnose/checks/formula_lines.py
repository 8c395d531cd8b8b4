"""formula_lines: are lines that count as a market's really a rounded mean of the player's last games?"""

from typing import Any

from pydantic import Field

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.runtime.params import StageSettings

NAME = "Are the lines a market's, or a mean of the last games?"
ASKS = "honesty"

MAX_SHOWN = 3


class Settings(StageSettings):
    """How many standard errors, and which share of the lines, must equal a formula beyond chance."""

    z: float = Field(gt=0)
    share: float = Field(gt=0, lt=1)
    failing_share: float = Field(gt=0, lt=1)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Warn if lines of the source, of a book or of a month equal a mean of past games more often than chance explains.

    Fails if that is so for at least `failing_share` of a part's lines, whose hit rates then say nothing of a market.
    Prepare measured it, because prepared rows no longer say which book quoted; it tries means of the last 3 to 20
    games, of the season and of all games, and fading means, rounded to 0.1, 0.5 and 1, and medians of the last 3 to 11
    games. Other formulas are not found. Declines without such a measurement, or with too few lines.
    """
    measured = evidence.quality.get("formula_lines")
    if not measured or not measured["tried"]:
        return decline("No lines were compared with means of past games: there are none, or too few.")
    top: list[dict[str, Any]] = measured["top"]
    named = [match for match in top if match["z"] > settings.z and match["excess"] > settings.share]
    details: dict[str, Any] = {"named": named, **measured}
    if not named:
        message = f"Lines equal a mean of past games no more often than chance gives: at most z {top[0]['z']:.1f}"
        return make_finding("ok", f"{message} of {measured['tried']} comparisons.", **details)
    shown = "; ".join(
        f"at least {match['excess']:.0%} of {match['lines']:,} lines ({match['part']}) are the {match['formula']} "
        f"(z {match['z']:.0f})"
        for match in named[:MAX_SHOWN]
    )
    is_failure = max(match["excess"] for match in named) >= settings.failing_share
    summary = f"{shown[0].upper()}{shown[1:]}: no market quotes that."
    return make_finding("failed" if is_failure else "warning", summary, **details)
