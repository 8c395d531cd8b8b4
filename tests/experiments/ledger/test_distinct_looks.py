"""Looks are counted once: compared with a count that asks of every pair of evaluations, and of every day."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.experiments.ledger import ledger
from trueline.experiments.ledger.distinct_looks import LAST_DIGITS, count_distinct_looks

FIRST_DAY = date(2024, 1, 1)
DAYS = st.tuples(st.integers(0, 12), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def evaluation(rows: str, days: tuple[int, int], predictions: str, origins: str | None, rate: float) -> dict[str, Any]:
    start, end = ((FIRST_DAY + timedelta(days=day)).isoformat() for day in days)
    return {
        "kind": "look", "task": "props", "rev": "r", "rows": rows, "data": "d", "folds": "f", "from": start, "to": end,
        "predictions": predictions, "origins": origins, "metrics": {"hit_rate": rate, "bets": 7},
    }  # fmt: skip


EVALUATIONS = st.lists(
    st.builds(
        lambda days, predictions, origins, rate: evaluation(f"{days}", days, predictions, origins, rate),
        DAYS,
        st.sampled_from("pqr"),
        st.sampled_from(["o", "u", None]),
        st.sampled_from([0.5, 0.5 + LAST_DIGITS / 2, 0.5 + LAST_DIGITS * 1.4, 0.6]),
    ),
    max_size=9,
)


def is_one_look(first: dict[str, Any], second: dict[str, Any]) -> bool:
    rates = [line["metrics"]["hit_rate"] for line in (first, second)]
    repeats = first["origins"] is not None and first["origins"] == second["origins"]
    same_predictions = first["predictions"] == second["predictions"] and rates[0] == rates[1]
    return same_predictions or (repeats and abs(rates[0] - rates[1]) <= LAST_DIGITS)


def count_by_pairs(lines: list[dict[str, Any]]) -> int:
    """Return the number of sets of evaluations that are left when every two that are one look are put together."""
    labels = list(range(len(lines)))
    for _ in lines:
        for first in range(len(lines)):
            for second in range(len(lines)):
                if is_one_look(lines[first], lines[second]):
                    labels[first] = labels[second] = min(labels[first], labels[second])
    return len(set(labels))


def list_days(line: dict[str, Any]) -> set[date]:
    start, end = (date.fromisoformat(line[key]) for key in ("from", "to"))
    return {start + timedelta(days=number) for number in range((end - start).days + 1)}


@settings(max_examples=150, deadline=None)
@given(EVALUATIONS)
def test_evaluations_are_as_many_looks_as_a_comparison_of_every_pair_finds(lines: list[dict[str, Any]]) -> None:
    assert count_distinct_looks(lines) == count_by_pairs(lines)


@settings(max_examples=150, deadline=None)
@given(EVALUATIONS, DAYS)
def test_periods_that_share_a_day_count_together_and_others_do_not(
    lines: list[dict[str, Any]], days: tuple[int, int]
) -> None:
    test = evaluation(f"{days}", days, "p", None, 0.5)
    sharing = [line for line in lines if list_days(line) & list_days(test)]
    counted = ledger.count_overlapping_evaluations("props", [test | {"hash": test["rows"]}], lines)
    assert counted == count_by_pairs(sharing)


def test_a_run_repeated_with_other_last_digits_is_no_new_look_and_one_with_other_figures_is() -> None:
    days = (0, 9)
    first = evaluation("rows", days, "p", "o", 0.5)
    assert count_distinct_looks([first, evaluation("rows", days, "q", "o", 0.5004)]) == 1
    assert count_distinct_looks([first, evaluation("rows", days, "q", "o", 0.51)]) == 2
    assert count_distinct_looks([first, evaluation("rows", days, "q", "u", 0.5004)]) == 2
    assert count_distinct_looks([]) == 0
