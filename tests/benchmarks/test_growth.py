"""Growth: simulated tables are as long as asked and pass prepare, and the fits say how cost grows."""

from pathlib import Path

import numpy as np
import pytest

from trueline.benchmarks._stage_processes import StageCost, measure_stage
from trueline.benchmarks.growth import SERIES, fit_exponent, main, print_growth, write_source
from trueline.core.errors import UserError
from trueline.core.tables import table_schema


@pytest.mark.parametrize(
    ("kind", "same", "other"), [("tracks", "start_time", "venue"), ("seasons", "venue", "start_time")]
)
def test_a_table_of_more_has_rows_of_its_own_that_prepare_takes(
    kind: str, same: str, other: str, tmp_path: Path
) -> None:
    parts = [part for part, _ in zip(SERIES[kind](1), range(2), strict=False)]
    row_count = write_source(iter(parts), len(parts[0]) + 1, tmp_path)
    assert row_count == sum(map(len, parts))
    cost = measure_stage("prepare", "racing", tmp_path)
    assert 0 < cost.peak_gib < 4
    assert min(cost.cpu_seconds, cost.wall_seconds) > 0
    prepared = table_schema.read_table(tmp_path / "data/prepared/racing.parquet")
    assert len(prepared) > 0.95 * row_count
    first_part, second_part = parts
    assert not set(first_part[other]) & set(second_part[other])
    assert set(first_part[same]) & set(second_part[same])


def test_the_fits_are_those_of_costs_whose_growth_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [1000, 2000, 4000]
    costs = [StageCost(1.0, (count / 1000) ** 2, 1.0 + count * 3 / 2**20) for count in rows]
    print_growth("tracks", "features", rows, costs)
    printed = capsys.readouterr().out
    assert "time grows as rows to the 2.00    goal ≤ 1.1" in printed
    assert "a further row takes 3.00 KiB" in printed
    assert fit_exponent(rows, list(np.multiply(rows, 7.0))) == pytest.approx(1.0)


def test_one_size_shows_no_growth() -> None:
    with pytest.raises(UserError, match="give at least two different numbers of rows"):
        main("--rows", "9000", "9000")
