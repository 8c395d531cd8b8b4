"""What the diagnosis says of a source that was read wrongly, lost in part, or delivered twice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import doubled_outcomes, intake
from stages.diagnose.units.evidence import Evidence
from tests.stages.diagnose.test_diagnose import healthy
from trueline.core.tables.table_schema import Column


def with_intake(**changed: Any) -> Evidence:
    evidence = healthy()
    return replace(evidence, quality={"intake": evidence.quality["intake"] | changed})


def with_regulars(evidence: Evidence, entity: Any) -> Evidence:
    return replace(evidence, prepared=evidence.prepared.assign(entity=entity))


def test_a_reason_that_took_many_rows_is_named_and_one_without_loss_is_not() -> None:
    lost = {"box out of range": {"rows": 9, "share": 0.2, "is_loss": True}}
    found = intake.check(with_intake(set_aside=lost | {"copies": {"rows": 9, "share": 0.5, "is_loss": False}}))
    assert found["status"] == "warning"
    assert found["summary"] == "20.0% of the rows are set aside for 'box out of range'."


def test_columns_that_look_meant_and_strange_books_are_named() -> None:
    found = intake.check(with_intake(look_meant={"market": "stat"}, hints=["1/price sums to 49"]))
    assert found["summary"] == "market is ignored, though it is a usual name of stat; 1/price sums to 49."


def test_the_intake_of_a_further_table_counts_too() -> None:
    evidence = healthy()
    lines = evidence.quality["intake"] | {"set_aside": {"unknown player": {"rows": 9, "share": 0.8, "is_loss": True}}}
    found = intake.check(replace(evidence, quality=evidence.quality | {"line_intake": lines}))
    assert found["summary"] == "80.0% of the rows are set aside for 'unknown player'."


def test_score_rows_without_a_past_are_named_only_where_others_have_one() -> None:
    evidence = healthy()
    rows = np.arange(len(evidence.prepared))
    assert intake.check(with_regulars(evidence, [f"e{row % 50}" for row in rows]))["status"] == "ok"
    found = intake.check(with_regulars(evidence, [f"e{max(row, 50)}" for row in rows]))
    assert found["status"] == "warning"
    assert "100% of the score rows are of entities without a past" in found["summary"]


def test_a_measured_column_at_a_default_is_named() -> None:
    evidence = healthy()
    rating = evidence.prepared["rating"].mask(evidence.prepared.index % 10 != 0, 5.0)
    found = intake.check(replace(evidence, prepared=evidence.prepared.assign(rating=rating)))
    assert found["details"]["at_default"] == {"rating": pytest.approx(0.9, abs=0.01)}


def test_without_a_report_of_the_intake_nothing_is_judged() -> None:
    assert intake.check(replace(healthy(), quality={}))["status"] == "declined"


@pytest.mark.parametrize(("share", "status"), [(0.1, "failed"), (0.002, "warning")])
def test_races_that_stand_in_the_data_twice_are_found_by_runners_and_result(share: float, status: str) -> None:
    rows = healthy().prepared
    groups = rows["group"].unique()
    copied = groups[: max(int(share * len(groups)), 1)]
    copies = rows[rows["group"].isin(copied)].sample(frac=1, random_state=1)
    copies = copies.assign(group="copy " + copies["group"], row_id="copy " + copies["row_id"], venue="Elsewhere")
    copies["time"] += pd.Timedelta(hours=11)
    found = doubled_outcomes.check(replace(healthy(), prepared=pd.concat([rows, copies], ignore_index=True)))
    assert found["status"] == status
    assert found["details"]["groups"] == len(copied)
    assert found["details"]["examples"][0][1].startswith("copy ")


def test_the_same_field_with_another_result_or_another_day_is_no_copy() -> None:
    rows = healthy().prepared
    again = rows.assign(group="again " + rows["group"], row_id="again " + rows["row_id"])
    for others in (
        again.assign(time=again["time"] + pd.Timedelta(days=3)),
        again.assign(target=again.groupby("group")["target"].shift(1, fill_value=0)),
    ):
        found = doubled_outcomes.check(replace(healthy(), prepared=pd.concat([rows, others], ignore_index=True)))
        assert found["status"] in ("ok", "warning")
        assert found["details"]["groups"] < 0.25 * rows["group"].nunique()


def test_a_player_under_two_names_is_found_by_all_figures_of_its_games() -> None:
    random = np.random.default_rng(3)
    names = [f"p{number}" for number in range(20)]
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(range(12), unit="D")
    rows = pd.DataFrame([(name, day) for day in days for name in names], columns=["entity", "time"])
    figures = ["target", "minutes", "rebounds", "assists"]
    rows = rows.assign(**{name: random.integers(0, 40, len(rows)).astype(float) for name in figures})
    rows = rows.assign(group=rows["time"].astype(str), row_id=[f"{row}" for row in rows.index])
    columns = [Column(name, "number", "after", "a figure") for name in figures]
    evidence = replace(healthy(), prepared=rows, columns=columns)
    assert doubled_outcomes.check(evidence)["status"] == "ok"
    twin = rows[rows["entity"] == "p3"].assign(entity="P. Three", row_id=lambda table: "twin " + table["row_id"])
    found = doubled_outcomes.check(replace(evidence, prepared=pd.concat([rows, twin], ignore_index=True)))
    assert found["status"] == "failed"
    assert found["details"]["examples"] == [["P. Three", "p3"]]
