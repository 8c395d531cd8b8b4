"""Curve files: the tables that dvclive writes while a model is trained, one a curve."""

import csv
from pathlib import Path

CURVES_FOLDER = "plots/metrics"  # where dvclive writes its tables
STEP_COLUMN = "step"  # the column of a curve's round

Curves = dict[str, dict[int, float]]


def read_curves(folder: Path) -> Curves:
    """Return every curve by its name, `loss/fit`, and by round; a comparison learner's own name comes first."""
    return {_get_curve_name(file.relative_to(folder)): _read_curve(file) for file in sorted(folder.rglob("*.tsv"))}


def parse_curve(text: str) -> dict[int, float]:
    """Return a curve's value by round from the content of its file."""
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    column = next((name for name in rows.fieldnames or () if name != STEP_COLUMN), "")
    filled_rows = (row for row in rows if row.get(STEP_COLUMN) and row.get(column))
    return {int(float(row[STEP_COLUMN])): float(row[column]) for row in filled_rows}


def _get_curve_name(file: Path) -> str:
    """Return `text_network/loss/fit` of text_network/plots/metrics/loss/fit.tsv."""
    return "/".join(segment for segment in file.with_suffix("").parts if segment not in CURVES_FOLDER.split("/"))


def _read_curve(file: Path) -> dict[int, float]:
    return parse_curve(file.read_text(encoding="utf-8"))
