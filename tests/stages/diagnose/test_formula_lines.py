"""Lines by formula: what prepare measured is named by part and formula, or found harmless."""

from dataclasses import replace
from typing import Any

import pytest

from stages.diagnose.checks import formula_lines
from stages.diagnose.units.evidence import Finding
from tests.stages.diagnose.test_diagnose import healthy

SETTINGS = formula_lines.Settings(z=5.0, share=0.01, failing_share=0.1)
FORMULA = "mean of the last 5 games to the nearest 0.5"


def ask(*parts: dict[str, Any]) -> Finding:
    measured = {"lines": 9000, "tried": 300 if parts else 0, "top": list(parts)}
    return formula_lines.check(replace(healthy(), quality={"formula_lines": measured}), SETTINGS)


def part(excess: float, z: float, name: str = "book north") -> dict[str, Any]:
    return {"part": name, "formula": FORMULA, "lines": 4000, "excess": excess, "z": z}


@pytest.mark.parametrize(
    ("excess", "z", "status"),
    [(0.35, 47.0, "failed"), (0.03, 8.0, "warning"), (0.005, 8.0, "ok"), (0.04, 3.4, "ok")],
)
def test_lines_that_equal_a_formula_are_judged_by_share_and_certainty(excess: float, z: float, status: str) -> None:
    assert ask(part(excess, z))["status"] == status


def test_the_sentence_names_the_book_the_formula_and_the_share() -> None:
    found = ask(part(0.35, 47.0), part(0.2, 40.0, "all lines"), part(0.01, 2.0, "month 2025-01"))
    assert found["summary"] == (
        f"At least 35% of 4,000 lines (book north) are the {FORMULA} (z 47); at least 20% of 4,000 lines (all lines) "
        f"are the {FORMULA} (z 40): no market quotes that."
    )


def test_where_nothing_was_measured_nothing_is_judged() -> None:
    assert ask()["status"] == "declined"
    assert formula_lines.check(healthy(), SETTINGS)["status"] == "declined"
