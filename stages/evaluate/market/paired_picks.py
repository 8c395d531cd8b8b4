"""The picks of two arms on the same rows, compared pairwise: is the difference more than noise?"""

from typing import Any

from scipy.special import bdtr

from stages.evaluate.market.number_phrases import (
    convert_to_points,
    format_percent,
    format_points_difference,
    is_clear_of_zero,
)
from trueline.core.betting.grading import Picks
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.confidence_intervals import Interval


def compare_paired_picks(
    first_picks: Picks, second_picks: Picks, names: tuple[str, str], blocks: BlockBootstrap
) -> dict[str, Any]:
    """Return the difference of two hit rates in percentage points, McNemar's test on shared bets, and a sentence.

    The interval compares all picks of each arm and resamples whole blocks. McNemar's test uses only the rows that both
    arms bet on, and treats them as independent.
    """
    difference = convert_to_points(
        blocks.estimate_difference(
            (first_picks.is_won, first_picks.is_decided), (second_picks.is_won, second_picks.is_decided)
        )
    )
    rates = [blocks.estimate_ratio(picks.is_won, picks.is_decided) for picks in (first_picks, second_picks)]
    mcnemar_result = run_mcnemar_test(first_picks, second_picks)
    return {
        "hit_rate": dict(zip(names, rates, strict=True)),
        "difference_points": difference,
        "mcnemar": mcnemar_result,
        "sentence": _format_comparison(rates, difference, mcnemar_result["p"], names),
    }


def run_mcnemar_test(first_picks: Picks, second_picks: Picks) -> dict[str, Any]:
    """Return how many rows with a decided bet of both arms only one of them won, and the exact two-sided p-value.

    Under equal skill each discordant row is a fair coin toss; without discordant rows p is 1.
    """
    both_decided = first_picks.is_decided & second_picks.is_decided
    only_first_won, only_second_won = (
        int((both_decided & first_picks.is_won & ~second_picks.is_won).sum()),
        int((both_decided & ~first_picks.is_won & second_picks.is_won).sum()),
    )
    p_value = min(1.0, 2 * float(bdtr(min(only_first_won, only_second_won), only_first_won + only_second_won, 0.5)))
    return {
        "both_decided": int(both_decided.sum()),
        "only_first_won": only_first_won,
        "only_second_won": only_second_won,
        "p": p_value,
    }


def _format_comparison(rates: list[Interval], difference: Interval, p_value: float, names: tuple[str, str]) -> str:
    text = f"The {names[0]} picks hit {format_percent(rates[0])} and the {names[1]} ones {format_percent(rates[1])}"
    if difference["value"] is None or difference["low"] is None:
        return f"{text}: too few days to compare them."
    text = f"{text}, {format_points_difference(difference)} (McNemar p = {p_value:.2g})"
    return f"{text}: {'more than noise' if is_clear_of_zero(difference) else 'the difference is noise'}."
