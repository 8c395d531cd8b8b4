"""Curves are read by name and round from the tables that dvclive writes."""

from pathlib import Path

from trueline.core.charts.curve_files import parse_curve, read_curves


def test_curves_are_named_by_learner_measure_and_rows(tmp_path: Path) -> None:
    for name in ("plots/metrics/loss/fit.tsv", "network/plots/metrics/recall/later.tsv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("step\tvalue\n1\t0.5\n2\t\n3\t0.25\n")
    curve = {1: 0.5, 3: 0.25}
    assert read_curves(tmp_path) == {"loss/fit": curve, "network/recall/later": curve}
    assert read_curves(tmp_path / "absent") == {}


def test_a_file_without_values_is_an_empty_curve() -> None:
    assert parse_curve("") == parse_curve("step\n1\n") == {}
