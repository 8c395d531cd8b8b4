"""Peers: they see what Trueline's learners see and no more, and losses are compared as they are defined."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from trueline.benchmarks import peers
from trueline.benchmarks.peer_lab.peer_folds import GROUP, write_peer_folds
from trueline.benchmarks.peer_lab.run_peer import forecast_fold, main
from trueline.core.errors import UserError
from trueline.core.splits.fold_data import FoldTables

FOLD_ROLES = {
    "test_0": ["fit", "fit", "fit", "fit", "calibrate", "calibrate", "score", "score", None, None],
    "test_1": ["fit"] * 6 + ["calibrate", "calibrate", "score", "score"],
    "final": ["fit"] * 8 + ["calibrate", "calibrate"],
}


def make_tables(targets: list[str]) -> FoldTables:
    """Five groups of two rows, a day each."""
    row_id = [f"row {number}" for number in range(10)]
    group = [f"race {number // 2}" for number in range(10)]
    keys = {
        "row_id": row_id,
        "group": group,
        "time": pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(10) // 2, "D"),
    }
    outcomes = {name: np.arange(10.0) % 2 + number * 10 for number, name in enumerate(targets)}
    roles = {name: pd.Series(values, dtype=object) for name, values in FOLD_ROLES.items()}
    features = pd.DataFrame({"row_id": row_id, "speed": np.arange(10.0), "venue": pd.Categorical(list("ABABABABAB"))})
    return FoldTables(features, pd.DataFrame({**keys, **outcomes, **roles}))


def test_a_peer_gets_the_rows_to_fit_and_to_calibrate_on_with_outcomes_and_the_score_rows_without(
    tmp_path: Path,
) -> None:
    first, second = write_peer_folds(make_tables(["target"]), tmp_path)
    assert [fold.folder.name for fold in (first, second)] == ["test_0", "test_1"]
    fit, score = (pd.read_parquet(first.folder / f"{name}.parquet") for name in ("fit", "score"))
    assert list(fit) == ["speed", "venue", GROUP, "peer target"]
    assert fit["speed"].tolist() == [0, 1, 2, 3, 4, 5]
    assert fit["peer target"].tolist() == [0, 1, 0, 1, 0, 1]
    assert fit[GROUP].tolist() == [0, 0, 1, 1, 2, 2]
    assert list(score) == ["speed", "venue"]
    assert score["speed"].tolist() == [6, 7]
    assert first.table_position.tolist() == [6, 7]
    assert isinstance(score["venue"].dtype, pd.CategoricalDtype)


def test_every_target_of_every_fold_is_forecast_and_one_that_never_varies_as_it_is(tmp_path: Path) -> None:
    write_peer_folds(make_tables(["target:art", "target:jazz"]), tmp_path)
    asked = []

    def forecast(
        inputs: pd.DataFrame, y: pd.Series, group: np.ndarray, score: pd.DataFrame, *limits: object
    ) -> np.ndarray:
        asked.append((list(inputs), y.tolist(), limits))
        return np.full(len(score), y.mean())

    forecasts = forecast_fold(SimpleNamespace(forecast=forecast), tmp_path / "test_0", "chance", 4.0)
    assert forecasts.tolist() == [[0.5, 1.0], [0.5, 1.0]]  # all values of the second are positive
    assert asked == [(["speed", "venue"], [0, 1, 0, 1, 0, 1], ("chance", 2.0))]


def test_a_peer_writes_its_forecasts_and_its_seconds_into_every_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_peer_folds(make_tables(["target"]), tmp_path / "folds")
    (tmp_path / "fit_median.py").write_text(
        "import numpy as np\n\n"
        "def forecast(inputs, y, group, score, kind, seconds):\n"
        "    return np.full(len(score), y.median())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    main("median", str(tmp_path / "folds"), "quantity", "1")
    for fold in ("test_0", "test_1"):
        assert np.load(tmp_path / f"folds/{fold}/peer.npy").tolist() == [[0.5], [0.5]]
        assert set(pd.read_json(tmp_path / f"folds/{fold}/spent.json", typ="series").index) == {"cpu", "wall"}


def make_predictions(groups: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Races of three runners with our forecasts, and a peer's of the same rows in another order."""
    random, rows = np.random.default_rng(3), groups * 3
    group = np.repeat([f"race {number:03d}" for number in range(groups)], 3)
    ours = random.dirichlet([4, 2, 1], groups).ravel()
    winner = np.zeros((groups, 3))
    winner[np.arange(groups), random.integers(0, 3, groups)] = 1
    predictions = pd.DataFrame(
        {
            "row_id": [f"row {number}" for number in range(rows)],
            "group": group,
            "fold": np.where(np.arange(rows) < rows // 2, "test_0", "test_1"),
            "target": winner.ravel(),
            "tuned": ours,
        }
    )
    peer = predictions[["fold", "row_id"]].assign(peer=random.uniform(0.1, 0.9, rows))
    return predictions, peer.sample(frac=1, random_state=1)


def test_the_ratio_of_races_is_that_of_log_losses_after_the_peer_s_chances_are_divided_by_their_sum() -> None:
    predictions, peer = make_predictions()
    line = peers.compare_forecasts("racing", predictions, peer)
    chance = predictions.merge(peer)["peer"].to_numpy().reshape(-1, 3)
    won = predictions["target"].to_numpy().reshape(-1, 3).astype(bool)
    peer_loss = -np.log((chance / chance.sum(axis=1, keepdims=True))[won]).mean()
    our_loss = -np.log(predictions["tuned"].to_numpy().reshape(-1, 3)[won]).mean()
    assert line.split()[:4] == [f"{our_loss:.4f}", f"{peer_loss:.4f}", "ratio", f"{our_loss / peer_loss:.3f}"]


def test_the_ratio_of_quantities_is_that_of_mean_absolute_errors() -> None:
    predictions, peer = make_predictions()
    line = peers.compare_forecasts("props", predictions, peer)
    y, theirs = predictions["target"], predictions.merge(peer)["peer"]
    errors = (predictions["tuned"] - y).abs().mean(), (theirs - y).abs().mean()
    assert line.split()[:4] == [f"{errors[0]:.4f}", f"{errors[1]:.4f}", "ratio", f"{errors[0] / errors[1]:.3f}"]


def test_a_peer_that_leaves_rows_out_is_refused() -> None:
    predictions, peer = make_predictions()
    with pytest.raises(UserError, match="forecasts 119 of 120 rows"):
        peers.compare_forecasts("racing", predictions, peer.iloc[1:])


def test_a_task_without_a_comparison_is_refused_before_anything_is_installed() -> None:
    with pytest.raises(UserError, match="not on 'chess'"):
        peers.main("chess", "--peers", "flaml")
