"""Row quality: unsound rows are marked in the column of their fault, and sound ones are not marked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.root_cause.low_quality_inputs import find_newly_unsound_inputs
from stages.diagnose.root_cause.row_quality import build_segments, score_row_quality
from stages.diagnose.units.evidence import Evidence
from tests.stages.diagnose.test_drift import scored
from tests.stages.diagnose.test_explain import SETTINGS


def _with_inputs() -> Evidence:
    """Return evidence whose inputs change with every row, one of which repeats a prepared column."""
    evidence = scored()
    random = np.random.default_rng(5)
    form = random.normal(10, 3, len(evidence.features))
    features = evidence.features.assign(form=form, **{f"x{n}": random.normal(size=len(form)) for n in range(5)})
    return replace(evidence, features=features, prepared=evidence.prepared.assign(last_5=form))


def _late(evidence: Evidence) -> np.ndarray:
    return np.arange(len(evidence.features)) >= 2000


def test_sound_rows_score_nothing() -> None:
    found = score_row_quality(_with_inputs()).drop(columns="day")
    assert (found.abs().max() < 0.01).all()


def test_missing_and_defaulted_inputs_are_shares_of_the_inputs() -> None:
    evidence = _with_inputs()
    late = _late(evidence)
    features = evidence.features.assign(
        x0=evidence.features["x0"].mask(late), x1=evidence.features["x1"].mask(late, 0.0)
    )
    found = score_row_quality(replace(evidence, features=features))
    inputs = evidence.features.shape[1] - 1
    np.testing.assert_allclose(found["missing"], late / inputs)
    assert (found["defaulted"][late] > 0.1).all()
    assert (found["defaulted"][~late] < 0.01).all()


def test_the_inputs_that_became_unsound_are_named_with_their_shares() -> None:
    evidence = _with_inputs()
    day = evidence.scored_rows["time"].dt.normalize()
    on = day.max()
    late = evidence.features["row_id"].isin(evidence.scored_rows["row_id"][day > on - pd.Timedelta(days=10)]).to_numpy()
    x = {name: evidence.features[name] for name in ("x0", "x1", "x2")}
    random = np.random.default_rng(1).random(len(late))
    features = evidence.features.assign(
        x0=x["x0"].mask(late), x1=x["x1"].mask(late & (random < 0.5), 7.0), x2=x["x2"].mask(late & (random < 0.05))
    )
    features["word"] = pd.Series("a", index=features.index).mask(late & (random < 0.2))
    settings = SETTINGS.model_copy(update={"window_days": 10})
    first, second, third = find_newly_unsound_inputs(replace(evidence, features=features), on, settings)
    assert first == {"input": "x0", "unsound": "missing", "share": 1.0, "before": 0.0}
    assert (second["input"], second["unsound"], second["before"]) == ("x1", "at 7", 0.0)
    assert second["share"] == pytest.approx(0.5, abs=0.15)
    assert (third["input"], third["unsound"]) == ("word", "missing")
    wholly = evidence.features.assign(x1=x["x1"].mask(late, 7.0))
    assert find_newly_unsound_inputs(replace(evidence, features=wholly), on, settings) == [
        {"input": "x1", "unsound": "at 7", "share": 1.0, "before": 0.0}
    ]
    assert find_newly_unsound_inputs(evidence, on, settings) == []
    assert find_newly_unsound_inputs(evidence, day.min(), settings) == []


def test_inputs_that_stand_still_are_stale_and_those_that_lag_contradict_what_was_prepared() -> None:
    evidence = _with_inputs()
    late = _late(evidence)
    names = evidence.features.columns.drop("row_id")
    frozen = evidence.features.copy()
    entity = evidence.prepared["entity"]
    for name in names:
        last = frozen[name].mask(late).groupby(entity).ffill()
        frozen[name] = frozen[name].where(~late, last)
    found = score_row_quality(replace(evidence, features=frozen))
    assert found["stale"][late].mean() > 0.95
    assert found["stale"][~late].max() == 0
    lagged = evidence.features.copy()
    lagged.loc[late, "form"] = lagged.groupby(entity)["form"].shift(3)[late]
    found = score_row_quality(replace(evidence, features=lagged.assign(form=lagged["form"])))
    assert found["contrary"][~late].max() == 0
    few = replace(
        evidence, features=evidence.features.assign(form=lagged["form"].where(_few(late), evidence.features["form"]))
    )
    assert score_row_quality(few)["contrary"][_few(late)].min() == 1


def _few(late: np.ndarray) -> np.ndarray:
    return np.asarray(late & (np.arange(len(late)) >= len(late) - 100))


def test_rows_predicted_twice_or_not_at_all_are_marked() -> None:
    evidence = scored()
    given = pd.concat([evidence.predictions.iloc[10:], evidence.predictions.iloc[50:53]])
    found = score_row_quality(replace(evidence, predictions=given))
    assert found["unpredicted"].tolist() == [1.0] * 10 + [0.0] * (len(found) - 10)
    assert np.flatnonzero(found["repeated"]).tolist() == [50, 51, 52]
    assert (found["day"].to_numpy() == evidence.folds["time"].dt.normalize().to_numpy()).all()


def test_segments_band_numbers_and_say_where_the_market_s_number_comes_from() -> None:
    evidence = scored()
    prepared = evidence.prepared.iloc[:5].assign(
        soft_label=[np.nan, 10.0, 10.5, 11.0, 12.0], estimated_line=[9.0, 10.0, 3.0, 4.0, 5.0],
        open_line=[9.0, 10.0, 10.5, 9.0, 9.0], line_type=["none", "actual", "actual", "actual", "estimated"],
        role=pd.Series(["star", None, "bench", "bench", "star"], dtype=object),
    )  # fmt: skip
    found = build_segments(replace(evidence, prepared=prepared), ["role", "line_origin", "absent", "target"])
    assert found["line_origin"].tolist() == ["none", "estimate", "open", "moved", "estimate"]
    assert found["role"].tolist() == ["star", "(missing)", "bench", "bench", "star"]
    assert list(found) == ["role", "target", "line_origin"]
    assert found["target"].nunique() == 5
    assert build_segments(evidence, ["target"])["target"].nunique() == 4
