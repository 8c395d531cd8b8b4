"""Money may follow a model only where its report proves more than the market knows."""

import json
import re
from typing import Any

import pytest

from trueline.core.errors import UserError
from trueline.predict.proven_lead import read_lead


class Files:
    """The outputs of a commit, as far as they are asked for."""

    def __init__(self, report: dict[str, Any] | None, believable: str = "yes") -> None:
        self.contents = {"report.json": report, "scores.json": {"racing": {"believable": believable}}}

    def read_json(self, relative: str) -> Any:
        content = self.contents[relative.rpartition("/")[2]]
        if content is None:
            raise UserError("there is no report")
        return json.loads(json.dumps(content))


def gain(low: float | None) -> dict[str, Any]:
    return {"gain_over_market": {"gain": {"value": 0.01, "low": low, "high": 0.02}}}


def bets(low: float | None, posted: float | None = None, **others: Any) -> dict[str, Any]:
    rate = {"hit_rate": {"value": 0.56, "low": low, "high": 0.6}, "posted": {"break_even": posted}}
    return {"picks": {"by_edge": [rate | {"edge": 1.0}]}} | others


@pytest.mark.parametrize(
    ("report", "believable", "is_proved", "sentence"),
    [
        (gain(0.001), "yes", True, r"gain over the market is \+0.0100 \(\+0.0010 to \+0.0200\)"),
        (gain(-0.001), "yes", False, "not proved"),
        (gain(0.001), "no", False, "not believable"),
        (gain(None), "yes", False, "compares with no market"),
        ({"gain_over_market": None, "picks": {"tuned": {}}}, "yes", False, "compares with no market"),
        (bets(0.53), "yes", True, "52.4% breaks even"),
        (bets(0.52), "yes", False, "not proved"),
        (bets(0.53, posted=0.54), "yes", False, "54.0% breaks even"),
        (bets(0.56, payout={"break_even": 0.577}), "yes", False, "57.7% breaks even"),
        (None, "yes", False, "no report"),
    ],
)
def test_a_lead_is_proved_by_the_low_end_of_its_interval(
    report: dict[str, Any] | None, believable: str, is_proved: bool, sentence: str
) -> None:
    lead = read_lead(Files(report, believable), "racing")  # type: ignore[arg-type]
    assert lead.is_proved is is_proved
    assert re.search(sentence, lead.sentence)
