"""anchored: a forecast moves the line as far as it has earned on days that it had not seen."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest

from stages.train import anchored, forest, logistic
from tests.learner_cases import FOREST, LOGISTIC, SEED
from trueline.core.errors import UserError
from trueline.core.models.tabular import stacking
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

LINE: dict[str, Any] = LOGISTIC | {"target": "quantity"}
TREES: dict[str, Any] = FOREST | {"target": "quantity", "trees": 10}
SEEN = ["form", "news", "noise"]  # by the member
PARAMETERS: dict[str, Any] = {
    "anchor": "line",
    "beside": ["fair_over"],
    "hidden": ["line_less_usual"],
    "members": ["logistic"],
    "member_settings": {"logistic": LINE},
    "inner_folds": 3,
    "l2": 1.0,
}
APART: dict[str, Any] = {"beside": [], "hidden": ["fair_over", "line_less_usual"]}
DAYS, GAMES = 100, 20
JUDGED = 0.8 * 0.75 * DAYS * GAMES  # rows with a line in the last three of four blocks
SKILL, NEWS, LUCK = 5.0, 3.0, 5.0  # SD of what the line knows, of what only the inputs know, and of what nobody knows


def market(seed: int, news: float = NEWS, lean: float = 0.0, quoted: float = 0.8) -> FoldData:
    """Return rows of which the line knows the skill and the inputs the news and, less well, the skill.

    One unit of `fair_over` is worth `lean` points that the line lacks; a share of `quoted` of the rows has a line.
    """
    random, count = np.random.default_rng(seed), DAYS * GAMES
    skill, news_value, luck = (random.normal(0, sd, count) for sd in (SKILL, news, LUCK))
    fair_over, some = random.normal(0, 0.5, count), random.random(count) < quoted
    line = np.where(some, 15 + skill, np.nan)
    x = pd.DataFrame(
        {"form": skill + random.normal(0, 2, count), "news": news_value, "noise": random.normal(size=count)}
    )
    x = x.assign(line=line, fair_over=np.where(some, fair_over, np.nan), line_less_usual=line - 15)
    day = np.repeat(np.arange(DAYS), GAMES)
    time = np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D")
    y = 15 + skill + news_value + luck + lean * fair_over * some
    return FoldData(x, y, np.full(count, np.nan), day, time, np.ones(count), np.arange(count))


def fitted(rows: FoldData, **changed: Any) -> anchored.Model:
    return anchored.fit(rows, anchored.Settings(**PARAMETERS | changed), SEED)


def error(scores: Floats, rows: FoldData) -> float:
    """Mean absolute error on rows with a line."""
    known = rows.x["line"].notna().to_numpy()
    return float(np.abs(scores - rows.y)[known].mean())


def line_of(rows: FoldData) -> Floats:
    return rows.x["line"].to_numpy(float)


def forecast(model: anchored.Model, x: pd.DataFrame) -> Floats:
    """Return the forecast of the member alone, from the inputs that it may see."""
    return logistic.score(model.member, x[SEEN])


def test_a_forecast_that_knows_what_the_line_does_not_earns_a_weight_and_beats_both() -> None:
    rows, later = market(1), market(2)
    model = fitted(rows)
    # disagreement = news + error in skill of variance 2²·5²/(2² + 5²): the best weight is the news' share of it
    assert model.coefficients["disagreement"] == pytest.approx(NEWS**2 / (NEWS**2 + 100 / 29), abs=0.08)
    assert model.coefficients["fair_over"] == pytest.approx(0, abs=0.6)
    scores = anchored.score(model, later.x)
    assert error(scores, later) < error(line_of(later), later) - 0.3
    assert error(scores, later) < error(forecast(model, later.x), later) - 0.05


@pytest.mark.parametrize(("word", "parameters"), [("logistic", LINE), ("forest", TREES)])
def test_a_forecast_that_knows_nothing_of_its_own_leaves_the_line_untouched(
    word: str, parameters: dict[str, Any]
) -> None:
    rows, later = market(3, news=0.0), market(4, news=0.0)
    model = fitted(rows, members=[word], member_settings={word: parameters})
    assert abs(model.coefficients["disagreement"]) < 3 * LUCK / np.sqrt(JUDGED * 100 / 29), "three standard errors"
    assert error(anchored.score(model, later.x), later) / error(line_of(later), later) == pytest.approx(1, abs=0.01)
    assert model.importance["line"] > 0.8


def test_a_forecast_is_not_believed_for_remembering_its_own_rows() -> None:
    rows = market(5, news=0.0, quoted=1.0)
    parrot = TREES | {"depth": 30, "min_leaf": 1, "columns": 1.0, "draw": 1.0}
    remembered = forest.score(forest.fit(rows, forest.Settings(**parrot), SEED), rows.x) - line_of(rows)
    assert remembered @ (rows.y - line_of(rows)) / (remembered @ remembered) > 0.5, "on its own rows it seems to know"
    model = fitted(rows, members=["forest"], member_settings={"forest": parrot})
    assert abs(model.coefficients["disagreement"]) < 0.1


@dataclass
class Spy:
    """A learner that records the last day of each fit and the first day of the rows it then scores."""

    inputs: set[str] = field(default_factory=set)
    days: list[tuple[int, int]] = field(default_factory=list)
    importance: dict[str, float] = field(default_factory=dict)
    fitted_until: int = -1

    class Settings(StageSettings):
        """No parameters."""

    def fit(self, rows: FoldData, settings: StageSettings, seed: int) -> "Spy":
        self.inputs |= set(rows.x.columns)
        self.fitted_until = int(rows.x["day"].max())
        return self

    def score(self, model: "Spy", x: pd.DataFrame) -> Floats:
        self.inputs |= set(x.columns)
        self.days.append((self.fitted_until, int(x["day"].min())))
        return np.full(len(x), 15.0)


def test_what_is_weighed_was_forecast_from_earlier_rows_and_from_what_may_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy, rows = Spy(), market(6)
    monkeypatch.setattr(stacking, "load_plugin", lambda stage, name: spy)
    anchored.fit(
        replace(rows, x=rows.x.assign(day=rows.group)),
        anchored.Settings(**PARAMETERS | {"members": ["spy"], "member_settings": {"spy": {}}}),
        SEED,
    )
    assert spy.days == [(24, 25), (49, 50), (74, 75)]
    assert spy.inputs == {*SEEN, "day"}
    assert spy.fitted_until == DAYS - 1, "in the end it is fitted on all rows"


def test_poison_in_the_newest_block_reaches_no_forecast_that_is_weighed() -> None:
    rows = market(7)
    newest = rows.group >= 75
    lies = replace(rows, y=np.where(newest, line_of(rows), rows.y))  # where the line is right to the point
    poisoned = lies.select_rows(~newest | rows.x["line"].notna().to_numpy())
    twice = [fitted(table, l2=1e-9, **APART).coefficients["disagreement"] for table in (rows, poisoned)]
    disagreements, short = [], []
    for start in (25, 50, 75):
        member = logistic.fit(rows.select_rows(rows.group < start).select_inputs(SEEN), logistic.Settings(**LINE), SEED)
        block = (rows.group >= start) & (rows.group < start + 25) & rows.x["line"].notna().to_numpy()
        disagreements.append(logistic.score(member, rows.x.loc[block, SEEN]) - line_of(rows)[block])
        short.append((rows.y - line_of(rows))[block])
    square = sum(float(part @ part) for part in disagreements)
    earned = [float(part @ lack) for part, lack in zip(disagreements, short, strict=True)]
    assert twice == pytest.approx([sum(earned) / square, sum(earned[:2]) / square], rel=1e-9)


def test_the_member_sees_neither_the_anchor_nor_what_is_beside_it_nor_what_is_hidden() -> None:
    rows, later = market(8), market(9, quoted=0.0)
    tampered = replace(rows, x=rows.x.assign(line_less_usual=rows.y))  # the target itself, were it looked at
    model, honest = fitted(tampered), fitted(rows)
    assert model.coefficients == honest.coefficients
    assert model.member.encoding["numbers"] == SEEN
    np.testing.assert_array_equal(
        anchored.score(model, tampered.x), anchored.score(honest, rows.x.assign(line_less_usual=-1e6))
    )
    moved = later.x.assign(fair_over=1e6)
    np.testing.assert_array_equal(anchored.score(model, moved), forecast(model, later.x))
    assert model.importance["line_less_usual"] == 0


def test_what_is_beside_the_anchor_corrects_it_and_counts_for_nothing_where_missing() -> None:
    rows, later = market(10, lean=4.0), market(11, lean=4.0)
    model = fitted(rows)
    assert model.coefficients["fair_over"] == pytest.approx(4, abs=0.6)
    assert error(anchored.score(model, later.x), later) < error(anchored.score(fitted(rows, **APART), later.x), later)
    bare = anchored.score(model, later.x.assign(fair_over=np.nan))
    np.testing.assert_array_equal(bare, anchored.score(model, later.x.assign(fair_over=0.0)))


def test_an_input_beside_that_the_features_do_not_hold_changes_nothing() -> None:
    rows = market(12)
    model = fitted(rows, beside=["fair_over", "line_move"])
    assert model.coefficients["line_move"] == 0
    np.testing.assert_allclose(anchored.score(model, rows.x), anchored.score(fitted(rows), rows.x))


def test_rows_without_an_anchor_get_the_forecast_as_it_is() -> None:
    rows, later = market(13), market(14)
    model = fitted(rows)
    bare = later.x["line"].isna().to_numpy()
    assert 0 < bare.sum() < len(bare)
    np.testing.assert_array_equal(anchored.score(model, later.x)[bare], forecast(model, later.x)[bare])
    assert (anchored.score(model, later.x)[~bare] != forecast(model, later.x)[~bare]).all()


def test_without_any_anchored_row_the_forecast_is_all_there_is_until_lines_come() -> None:
    rows, later = market(15, quoted=0.0), market(16)
    model = fitted(rows)
    assert model.coefficients == {"disagreement": 0.0, "fair_over": 0.0}
    np.testing.assert_array_equal(anchored.score(model, rows.x), forecast(model, rows.x))
    quoted = later.x["line"].notna()
    np.testing.assert_array_equal(anchored.score(model, later.x)[quoted], line_of(later)[quoted])
    assert model.importance == model.member.importance | dict.fromkeys(("line", "fair_over", "line_less_usual"), 0.0)


def test_on_too_few_anchored_days_the_anchor_is_not_moved() -> None:
    rows = market(17)
    early = rows.x.assign(line=rows.x["line"].where(rows.group < 3))  # three days for four blocks
    model = fitted(replace(rows, x=early))
    assert model.coefficients == {"disagreement": 0.0, "fair_over": 0.0}


def test_heavier_rows_weigh_more_in_what_is_earned() -> None:
    rows = market(18)
    odd = rows.group % 2 == 1
    split = replace(rows, y=np.where(odd, rows.y, rows.y - rows.x["news"]))  # on even days the news is not true
    light, heavy = (fitted(replace(split, weight=np.where(odd, weight, 1.0))) for weight in (0.1, 10.0))
    assert light.coefficients["disagreement"] < heavy.coefficients["disagreement"] - 0.2


def test_more_pull_is_less_belief() -> None:
    rows = market(19)
    earned = [fitted(rows, l2=l2).coefficients["disagreement"] for l2 in (1.0, 1e4, 1e9)]
    assert earned[0] > earned[1] > earned[2] > 0
    assert earned[2] < 1e-3


def test_importance_is_that_of_the_parts_of_the_score() -> None:
    model = fitted(market(20))
    assert sum(model.importance.values()) == pytest.approx(1)
    assert model.importance["noise"] < 0.02
    assert min(model.importance["line"], model.importance["news"]) > 0.1
    ignorant = fitted(market(20, news=0.0), l2=1e9)
    assert ignorant.importance["line"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("word", "parameters"), [("logistic", LINE), ("forest", TREES)])
def test_a_model_on_disk_scores_the_same_bits(word: str, parameters: dict[str, Any], tmp_path: Path) -> None:
    rows, later = market(21), market(22)
    model = fitted(rows, members=[word], member_settings={word: parameters})
    anchored.save(model, tmp_path / "model")
    loaded = anchored.load(tmp_path / "model")
    np.testing.assert_array_equal(anchored.score(loaded, later.x), anchored.score(model, later.x))
    assert (loaded.coefficients, loaded.settings, loaded.importance) == (
        model.coefficients,
        model.settings,
        model.importance,
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": ["oracle"]}, r"^stages/train has no plugin 'oracle'; [^.]*\.$"),
        (
            {"members": ["forest"]},
            r"^the anchored learner's member forest has no settings; add member_settings\.forest\.$",
        ),
        (
            {"member_settings": {"logistic": LINE | {"l2": -1.0}}},
            r"^the anchored learner's member_settings\.logistic\.l2: .*\.$",
        ),
        ({"anchor": "price"}, r"^anchored needs the input 'price', which is not among the features; [^.]*\.$"),
    ],
)
def test_what_cannot_be_anchored_is_rejected_in_one_sentence(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        fitted(market(23), **changed)


def test_one_forecast_is_weighed_and_no_more() -> None:
    with pytest.raises(pydantic.ValidationError, match="members"):
        anchored.Settings(**PARAMETERS | {"members": ["logistic", "forest"]})
