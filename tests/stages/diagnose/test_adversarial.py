"""Adversarial validation: a shift is reported with its inputs; rows that only cluster in time raise no false alarm."""

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import adversarial
from stages.diagnose.checks.adversarial import Settings, discriminate_recent
from tests.stages.diagnose.test_drift import scored
from trueline.core.splits.walk_forward import NO_CLOCK

DAYS, DAILY = 100, 30
SETTINGS = Settings(recent_share=0.1, rows=3000, blocks=60, mild=0.55, moderate=0.65, strong=0.75)


def _table(seed: int, moved: float = 0.0, clustered: float = 0.0) -> tuple[pd.DataFrame, pd.Series]:
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), DAILY)
    walk = np.convolve(random.normal(size=DAYS + 20), np.ones(20) / np.sqrt(20), "valid")[:DAYS]
    table = pd.DataFrame(random.normal(size=(len(day), 5)), columns=list("abcde"))
    table["a"] += clustered * walk[day]
    table["c"] += moved * (day >= 90)
    table["kind"] = pd.Categorical(random.choice(["x", "y", "z"], len(day), p=[0.6, 0.3, 0.1]))
    return table.mask(random.random(table.shape) < 0.05), pd.Series(day)


@pytest.mark.parametrize(("moved", "strength"), [(0.45, "mild"), (0.8, "moderate"), (1.6, "strong")])
def test_a_shift_of_the_newest_rows_is_reported_with_its_strength_and_its_input(moved: float, strength: str) -> None:
    for seed in range(2):
        found = discriminate_recent(*_table(seed, moved), SETTINGS)
        assert found["strength"] == strength
        assert found["top"][0]["feature"] == "c"


def test_rows_that_are_alike_are_not_told_apart() -> None:
    found = [discriminate_recent(*_table(seed), SETTINGS) for seed in range(6)]
    assert [one["strength"] for one in found] == ["none"] * 6
    assert abs(np.mean([one["auc"] for one in found]) - 0.5) < 0.03


def test_inputs_that_wander_slowly_separate_any_stretch_and_are_no_shift() -> None:
    found = [discriminate_recent(*_table(seed, clustered=1.0), SETTINGS) for seed in range(10)]
    assert np.mean([one["auc"] for one in found]) > SETTINGS.mild  # separable, but no more than other stretches
    assert sum(one["strength"] != "none" for one in found) <= 2


def test_missing_values_or_a_change_of_spread_can_reveal_a_shift() -> None:
    table, day = _table(0)
    late = (day >= 90).to_numpy()
    missing = table.assign(b=table["b"].mask(late & (np.random.default_rng(0).random(len(day)) < 0.7)))
    assert discriminate_recent(missing, day, SETTINGS)["strength"] != "none"
    spread = table.assign(b=table["b"].where(~late, 4 * table["b"]))
    assert discriminate_recent(spread, day, SETTINGS)["strength"] != "none"


def test_counts_are_left_out() -> None:
    table, day = _table(0)
    found = discriminate_recent(table.assign(games=day + 0.0), day, SETTINGS)
    assert (found["growing"], found["strength"]) == (["games"], "none")


def test_the_check_warns_of_new_rows_and_declines_without_a_clock_or_days() -> None:
    evidence = scored()
    assert adversarial.check(evidence, SETTINGS)["status"] == "ok"
    late = np.arange(len(evidence.features)) >= 0.9 * len(evidence.features)
    evidence.features.loc[late, "other"] += 2.0
    found = adversarial.check(evidence, SETTINGS)
    assert found["status"] == "warning"
    assert "strong" in found["summary"]
    assert found["details"]["top"][0]["feature"] == "other"
    few = SETTINGS.model_copy(update={"recent_share": 0.3})
    assert adversarial.check(evidence, few)["status"] == "declined"
    evidence.folds["time"] = NO_CLOCK
    assert adversarial.check(evidence, SETTINGS)["status"] == "declined"
