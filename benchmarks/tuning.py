"""Thirty trials on one history of races: the usual recipe against tune, train and calibrate as the corridor does it.

The usual recipe: SMOTE over all fit rows before any fold is cut (the defect: folds then score synthetic neighbours of
what they fitted), shuffled folds, a kind and its grid chosen per trial inside CalibratedClassifierCV, mean F1 as goal.
SMOTE puts what it makes last and CalibratedClassifierCV(cv=3) cuts in order of rows, so the first of its three models
knows no natural winner; how much of the loss is that accident's alone, a second calibration on shuffled folds tells.
Both see the same inputs of the same rows, those before the first test period, and forecast the races of that period.
CPU seconds of search, last fit, calibration and forecast, child processes too; making the features is not counted.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
import yaml
from imblearn.over_sampling import SMOTE
from optuna.trial import BaseTrial, FixedTrial
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from core import folds, intervals
from core.inputs import categories
from core.losses import LOSSES
from core.params import FILE, Knobs, knobs, seed
from core.races import losses, normalise, uniform_losses
from core.rows import Floats, Rows, Table, read
from core.threads import one_thread
from stages.calibrate import race_softmax
from stages.train import catboost_trees
from stages.tune.search import Answer, Point, Range, Search, search

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "data/sample/racing"  # small and in git, so that everybody measures the same
TASK, LEARNER, FOLD = "racing", "catboost_trees", "test_0"  # the only test fold that no tuning row lies behind
TRIALS = 30  # configurations tried by each, what such projects ask of Optuna
FOLDS = 3  # of the usual recipe's search, and of the calibration inside each
GOAL = 10  # times less CPU

Contender = Callable[[Table], "Forecast"]


@dataclass(frozen=True)
class Forecast:
    """Chances of the test rows as the contender gives them, its configuration, and by what figure it chose that."""

    p: Floats
    chosen: Point
    because: str


class Space(Knobs):
    """The ranges of one learner's knobs in params.yaml."""

    ranges: dict[str, Range]


def main() -> None:
    """Print CPU seconds and their ratio, and what the forecasts lose on the same later races; ten minutes or more."""
    with TemporaryDirectory() as folder:
        table = history(Path(folder))
    known, later = [table.rows(FOLD, role) for role in ("fit", "calibrate")], table.rows(FOLD, "score")
    agree(table, known)
    inputs, rows = len(later.x.columns), sum(len(part.y) for part in known)
    print(f"{TRIALS} trials each; {inputs} inputs; {rows} rows before, {len(later.y)} rows of {later.group.max() + 1} "
          f"races after", flush=True)  # fmt: skip
    theirs, recipe = alone(usual, table)
    _, mended = alone(partial(shuffled, chosen=recipe.chosen), table)
    spent, forecast = alone(ours, table)
    report({"usual recipe": recipe, "  shuffled": mended, "Trueline": forecast}, later)
    print(f"CPU of the usual recipe {theirs:.1f} s, of Trueline {spent:.1f} s")
    print(f"  ratio {theirs / spent:.1f}    goal ≥ {GOAL}")


def history(folder: Path) -> Table:
    """Return the features and folds that the corridor's own doors make of the sample, in a folder of their own."""
    params = yaml.safe_load(FILE.read_text())
    params["tasks"][TASK]["source"] = str(SOURCE)
    (folder / FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    for stage in ("prepare", "features"):
        command = [sys.executable, "-m", f"stages.{stage}", TASK]
        subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return read(folder / f"data/features/{TASK}.parquet", folder / f"data/folds/{TASK}.parquet")


def agree(table: Table, known: list[Rows]) -> None:
    """Assert that our search sees no row that the usual recipe does not."""
    allowed = np.concatenate([rows.at for rows in known])
    for fold in folds.names(table.folds, "tune"):
        assert np.isin(np.flatnonzero(table.folds[fold].notna()), allowed).all(), fold


def alone(contender: Contender, table: Table) -> tuple[float, Forecast]:
    """Return CPU seconds and forecast of a contender in a fresh process; what was imported and read is not counted."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(timed, contender, table).result()


def timed(contender: Contender, table: Table) -> tuple[float, Forecast]:
    with one_thread():  # idle threads of linear algebra spin, and would count
        begin = cpu()
        forecast = contender(table)
        return cpu() - begin, forecast


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    usages = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def usual(table: Table) -> Forecast:
    """Thirty trials × three shuffled folds × three calibrated fits, every one on resampled rows."""
    x, y, later = resampled(table)
    cut = StratifiedKFold(FOLDS, shuffle=True, random_state=seed())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed()))
    for _ in tqdm(range(TRIALS), desc="usual recipe, trials"):
        trial = study.ask()
        model = CalibratedClassifierCV(estimator(trial), method="sigmoid", cv=FOLDS)
        study.tell(trial, float(cross_val_score(model, x, y, scoring="f1", cv=cut).mean()))
    best = estimator(FixedTrial(study.best_params))
    model = CalibratedClassifierCV(best, method="sigmoid", cv=FOLDS).fit(x, y)
    return Forecast(model.predict_proba(later)[:, 1], study.best_params, f"mean F1 {study.best_value:.3f}")


def shuffled(table: Table, chosen: Point) -> Forecast:
    """The usual recipe's choice once more, its calibration cut without regard to the order of rows."""
    x, y, later = resampled(table)
    cut = StratifiedKFold(FOLDS, shuffle=True, random_state=seed())
    model = CalibratedClassifierCV(estimator(FixedTrial(chosen)), method="sigmoid", cv=cut).fit(x, y)
    return Forecast(model.predict_proba(later)[:, 1], chosen, "the same")


def resampled(table: Table) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return imputed, resampled and scaled inputs, who won, and the inputs of the later rows."""
    known = [table.rows(FOLD, role) for role in ("fit", "calibrate")]
    numbers = label_encoded(pd.concat([rows.x for rows in known], ignore_index=True))
    won = np.concatenate([rows.y for rows in known]) > 0
    imputer, scaler = SimpleImputer(strategy="median"), StandardScaler()
    x, y = SMOTE(random_state=seed()).fit_resample(imputer.fit_transform(numbers), won)
    later = imputer.transform(label_encoded(table.rows(FOLD, "score").x))
    return scaler.fit_transform(x), y, scaler.transform(later)


def label_encoded(x: pd.DataFrame) -> pd.DataFrame:
    """Return categories as whole numbers, as such projects do."""
    return x.assign(**{name: x[name].cat.codes for name in categories(x)}).astype(float)


def estimator(trial: BaseTrial) -> Any:
    """Return the model of a trial; the grids are small, so that they speak for the recipe, not against it.

    Boosting draws √inputs a split as the forest does: with all of them, scikit-learn's default, a fit of 121 inputs
    takes eight to ten times the CPU, and the whole benchmark more than an hour.
    """
    kind = trial.suggest_categorical("kind", ["forest", "boosting", "logistic"])
    if kind == "logistic":
        return LogisticRegression(C=trial.suggest_categorical("logistic_c", [0.01, 0.1, 1.0, 10.0]), max_iter=1000)
    if kind == "forest":
        return RandomForestClassifier(
            n_estimators=trial.suggest_categorical("forest_trees", [100, 200]),
            max_depth=trial.suggest_categorical("forest_depth", [5, 10, 20]),
            min_samples_leaf=trial.suggest_categorical("forest_leaf", [1, 2, 5]),
            random_state=seed(),
        )
    return GradientBoostingClassifier(
        n_estimators=trial.suggest_categorical("boosting_trees", [100, 200]),
        max_depth=trial.suggest_categorical("boosting_depth", [3, 5]),
        learning_rate=trial.suggest_categorical("boosting_rate", [0.05, 0.1, 0.2]),
        max_features="sqrt",
        random_state=seed(),
    )


def ours(table: Table) -> Forecast:
    """The door's own search with more trials, then the best on the fit rows, calibrated on the ten days after them."""
    settings = knobs(Search, "tune", TASK, "search").model_copy(update={"trials": TRIALS})
    default = knobs(catboost_trees.Settings, "train", TASK, LEARNER).model_dump()
    space = knobs(Space, "tune", TASK, "space", LEARNER).ranges
    pairs = {name: (table.rows(name, "fit"), table.rows(name, "score")) for name in folds.names(table.folds, "tune")}
    with tqdm(total=TRIALS * len(pairs), desc="Trueline, fits (less what is pruned)") as bar:

        def ask(asked: list[tuple[Point, str]]) -> list[Answer]:
            answers = []
            for point, name in asked:
                answers.append(attempt(point, *pairs[name], settings))
                bar.update()
            return answers

        trials, _ = search(default, space, settings, list(pairs), seed(), ask)
    best = trials[trials["state"] == "complete"].sort_values(["loss", "trial"], kind="stable").iloc[0].to_dict()
    chosen = {str(name)[5:]: value for name, value in best.items() if str(name).startswith("knob_")}
    fit, calibrate, later = (table.rows(FOLD, role) for role in ("fit", "calibrate", "score"))
    model = catboost_trees.fit(fit, catboost_trees.Settings(**(default | chosen)), seed())
    score = catboost_trees.score(model, calibrate.x)
    state = race_softmax.fit(score, calibrate.y, calibrate.group, race_softmax.Settings())
    p = race_softmax.apply(state, catboost_trees.score(model, later.x), later.group)
    pruned = int((trials["state"] == "pruned").sum())
    return Forecast(p, chosen, f"{settings.loss} {best['loss']:.3f}, {pruned} trials pruned")


def attempt(point: Point, fit: Rows, later: Rows, settings: Search) -> Answer:
    model = catboost_trees.fit(fit, catboost_trees.Settings(**point), seed(), later=later, patience=settings.patience)
    return {"loss": LOSSES[settings.loss](catboost_trees.score(model, later.x), later).mean, "settled": model.settled}


def report(forecasts: dict[str, Forecast], later: Rows) -> None:
    """Print each forecast beside knowing nothing, and how far Trueline's lead over the others can be trusted."""
    uniform, won = uniform_losses(later.group), later.y > 0
    evenly = Forecast(normalise(np.ones(len(later.y)), later.group), {}, "nothing")
    loss = {}
    print(f"\n{'':<14}{'race log loss':>14}{'R²':>8}{'row log loss':>14}{'mean p':>8}{'F1':>7}")
    for name, forecast in {"uniform": evenly, **forecasts}.items():
        p = forecast.p
        loss[name] = losses(normalise(p, later.group), later.y, later.group)
        race = f"{loss[name].mean():14.4f}{1 - loss[name].sum() / uniform.sum():8.4f}"
        f1 = f1_score(won, p >= 0.5, zero_division=0)
        print(f"{name:<14}{race}{log_loss(won, p):14.4f}{p.mean():8.3f}{f1:7.3f}")
    print("race log loss (nats) of p normalised within the race; row log loss and F1 (at 0.5) of p as it came\n")
    *others, last = forecasts
    for name in others:
        ahead = intervals.mean(loss[last] - loss[name], seed())
        word = intervals.verdict(ahead, "better", "worse")
        span = f"{ahead['value']:+.4f} [{ahead['low']:+.4f}, {ahead['high']:+.4f}]"
        print(f"{last} − {name.strip()}, race log loss: {span} over {ahead['n']} races: {word}")
    for name, forecast in forecasts.items():
        print(f"{name.strip()} chose by {forecast.because}: {forecast.chosen}")
