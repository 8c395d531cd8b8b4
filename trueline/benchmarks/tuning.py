"""Thirty trials on one history of races: the usual recipe against tune, train and calibrate as the pipeline does them.

The usual recipe: SMOTE over all fit rows before any fold is cut (the defect: folds then score synthetic neighbours of
what they fitted), shuffled folds, a kind and its grid chosen per trial inside CalibratedClassifierCV, mean F1 as goal.
SMOTE appends its rows at the end and CalibratedClassifierCV(cv=3) cuts folds in row order, so the first of its three
models sees no natural winner; a second calibration on shuffled folds shows how much of the loss comes from that alone.
Both see the same inputs of the same rows, those before the first test period, and forecast the races of that period.
Counted are the CPU seconds of search, final fit, calibration and forecast, with child processes; features are not.
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

from stages.calibrate import race_softmax
from stages.train import catboost_trees
from stages.tune.search import FoldResult, ParamRange, Point, SearchSettings, search_params
from stages.tune.tuning_losses import TUNING_LOSSES
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.model_json import Monitor
from trueline.core.models.tabular.input_encoding import list_categorical_inputs
from trueline.core.racing.race_losses import compute_race_losses, compute_uniform_losses
from trueline.core.runtime.params import PARAMS_FILE, StageSettings, load_seed, load_settings
from trueline.core.splits.fold_data import Floats, FoldData, FoldTables, read_fold_tables
from trueline.core.splits.walk_forward import list_folds
from trueline.core.stats import confidence_intervals
from trueline.core.stats.block_bootstrap import bootstrap_mean
from trueline.core.stats.group_ops import normalize_by_group

ROOT = Path(__file__).parents[2]
SAMPLE_FOLDER = ROOT / "data/sample/racing"  # small and in git, so that everybody measures the same data
TASK, LEARNER, FOLD = "racing", "catboost_trees", "test_0"  # the only test fold without tuning rows after its start
TRIALS = 30  # configurations that each tries, as many as such projects usually run in Optuna
FOLDS = 3  # folds of the usual recipe's search, and of the calibration inside each
GOAL_RATIO = 10  # how many times less CPU Trueline is to use

Contender = Callable[[FoldTables], "Forecast"]


@dataclass(frozen=True)
class Forecast:
    """A contender's probabilities for the test rows, its configuration, and the metric that selected it."""

    probabilities: Floats
    configuration: Point
    selected_by: str


class Space(StageSettings):
    """The ranges of one learner's parameters in params.yaml."""

    ranges: dict[str, ParamRange]


def main() -> None:
    """Print CPU seconds, their ratio, and the forecasts' losses on the same later races; takes ten minutes or more."""
    with TemporaryDirectory() as folder:
        table = build_table(Path(folder))
    training_rows = [table.get_rows(FOLD, role) for role in ("fit", "calibrate")]
    test_rows = table.get_rows(FOLD, "score")
    assert_same_rows(table, training_rows)
    inputs, rows = len(test_rows.x.columns), sum(len(fold_rows.y) for fold_rows in training_rows)
    races = test_rows.group.max() + 1
    print(f"{TRIALS} trials each; {inputs} inputs; {rows} rows before, {len(test_rows.y)} rows of {races} races after",
          flush=True)  # fmt: skip
    recipe_cpu, recipe = run_in_fresh_process(run_usual_recipe, table)
    _, shuffled_recipe = run_in_fresh_process(partial(run_shuffled_recipe, chosen=recipe.configuration), table)
    trueline_cpu, forecast = run_in_fresh_process(run_trueline, table)
    print_report({"usual recipe": recipe, "  shuffled": shuffled_recipe, "Trueline": forecast}, test_rows)
    print(f"CPU of the usual recipe {recipe_cpu:.1f} s, of Trueline {trueline_cpu:.1f} s")
    print(f"  ratio {recipe_cpu / trueline_cpu:.1f}    goal ≥ {GOAL_RATIO}")


def build_table(folder: Path) -> FoldTables:
    """Return the features and folds that the pipeline's own stages make from the sample, run in `folder`."""
    params = yaml.safe_load(PARAMS_FILE.read_text())
    params["tasks"][TASK]["source"] = str(SAMPLE_FOLDER)
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    for stage in ("prepare", "features"):
        command = [sys.executable, "-m", f"stages.{stage}", TASK]
        subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return read_fold_tables(folder / f"data/features/{TASK}.parquet", folder / f"data/folds/{TASK}.parquet")


def assert_same_rows(table: FoldTables, training_rows: list[FoldData]) -> None:
    """Assert that Trueline's search sees no row that the usual recipe does not see."""
    allowed = np.concatenate([rows.table_position for rows in training_rows])
    for fold in list_folds(table.folds, "tune"):
        assert np.isin(np.flatnonzero(table.folds[fold].notna()), allowed).all(), fold


def run_in_fresh_process(contender: Contender, table: FoldTables) -> tuple[float, Forecast]:
    """Return CPU seconds and forecast of a contender in a fresh process, without its imports and reading."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(time_contender, contender, table).result()


def time_contender(contender: Contender, table: FoldTables) -> tuple[float, Forecast]:
    with limit_to_one_thread():  # idle threads of linear algebra spin and would be counted
        start = measure_own_cpu()
        forecast = contender(table)
        return measure_own_cpu() - start, forecast


def measure_own_cpu() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    usages = [getrusage(scope) for scope in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_usual_recipe(table: FoldTables) -> Forecast:
    """Run TRIALS trials × FOLDS shuffled folds × FOLDS calibrated fits, every one on resampled rows."""
    x, y, test_inputs = resample_rows(table)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=load_seed())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=load_seed()))
    for _ in tqdm(range(TRIALS), desc="usual recipe, trials"):
        trial = study.ask()
        model = CalibratedClassifierCV(build_estimator(trial), method="sigmoid", cv=FOLDS)
        study.tell(trial, float(cross_val_score(model, x, y, scoring="f1", cv=splitter).mean()))
    best_estimator = build_estimator(FixedTrial(study.best_params))
    model = CalibratedClassifierCV(best_estimator, method="sigmoid", cv=FOLDS).fit(x, y)
    return Forecast(model.predict_proba(test_inputs)[:, 1], study.best_params, f"mean F1 {study.best_value:.3f}")


def run_shuffled_recipe(table: FoldTables, chosen: Point) -> Forecast:
    """Fit the usual recipe's choice once more, with calibration folds that ignore the order of rows."""
    x, y, test_inputs = resample_rows(table)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=load_seed())
    model = CalibratedClassifierCV(build_estimator(FixedTrial(chosen)), method="sigmoid", cv=splitter).fit(x, y)
    return Forecast(model.predict_proba(test_inputs)[:, 1], chosen, "the same")


def resample_rows(table: FoldTables) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return imputed, resampled and scaled inputs, who won, and the inputs of the test rows."""
    training_rows = [table.get_rows(FOLD, role) for role in ("fit", "calibrate")]
    numbers = encode_labels(pd.concat([rows.x for rows in training_rows], ignore_index=True))
    won = np.concatenate([rows.y for rows in training_rows]) > 0
    imputer, scaler = SimpleImputer(strategy="median"), StandardScaler()
    x, y = SMOTE(random_state=load_seed()).fit_resample(imputer.fit_transform(numbers), won)
    test_inputs = imputer.transform(encode_labels(table.get_rows(FOLD, "score").x))
    return scaler.fit_transform(x), y, scaler.transform(test_inputs)


def encode_labels(x: pd.DataFrame) -> pd.DataFrame:
    """Return categories as whole numbers, as such projects do."""
    return x.assign(**{name: x[name].cat.codes for name in list_categorical_inputs(x)}).astype(float)


def build_estimator(trial: BaseTrial) -> Any:
    """Return the model of a trial; the grids are small, which favours the recipe.

    Boosting samples √inputs per split as the forest does: with all of them, scikit-learn's default, a fit of 121 inputs
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
            random_state=load_seed(),
        )
    return GradientBoostingClassifier(
        n_estimators=trial.suggest_categorical("boosting_trees", [100, 200]),
        max_depth=trial.suggest_categorical("boosting_depth", [3, 5]),
        learning_rate=trial.suggest_categorical("boosting_rate", [0.05, 0.1, 0.2]),
        max_features="sqrt",
        random_state=load_seed(),
    )


def run_trueline(table: FoldTables) -> Forecast:
    """Run the tune stage's own search with TRIALS trials, fit the best, calibrate it on the ten days after."""
    settings = load_settings(SearchSettings, "tune", TASK, "search").model_copy(update={"trials": TRIALS})
    default = load_settings(catboost_trees.Settings, "train", TASK, LEARNER).model_dump()
    space = load_settings(Space, "tune", TASK, "space", LEARNER).ranges
    folds = list_folds(table.folds, "tune")
    pairs = {name: (table.get_rows(name, "fit"), table.get_rows(name, "score")) for name in folds}
    with tqdm(total=TRIALS * len(pairs), desc="Trueline, fits (less what is pruned)") as bar:

        def answer_points(requests: list[tuple[Point, str]]) -> list[FoldResult]:
            answers = []
            for point, name in requests:
                answers.append(run_trial(point, *pairs[name], settings))
                bar.update()
            return answers

        trials, _ = search_params(default, space, settings, list(pairs), load_seed(), answer_points)
    best = trials[trials["state"] == "complete"].sort_values(["loss", "trial"], kind="stable").iloc[0].to_dict()
    chosen = {str(name)[6:]: value for name, value in best.items() if str(name).startswith("param_")}
    fit, calibrate, test_rows = (table.get_rows(FOLD, role) for role in ("fit", "calibrate", "score"))
    model = catboost_trees.fit(fit, catboost_trees.Settings(**(default | chosen)), load_seed())
    score = catboost_trees.score(model, calibrate.x)
    state = race_softmax.fit(score, calibrate.y, calibrate.group, race_softmax.Settings(paid_places={}))
    p = race_softmax.apply(state, catboost_trees.score(model, test_rows.x), test_rows.group)
    assert isinstance(p, np.ndarray)  # without the outcome `placed` there are no place chances
    pruned = int((trials["state"] == "pruned").sum())
    return Forecast(p, chosen, f"{settings.loss} {best['loss']:.3f}, {pruned} trials pruned")


def run_trial(point: Point, fit: FoldData, validation_rows: FoldData, settings: SearchSettings) -> FoldResult:
    model = catboost_trees.fit(
        fit, catboost_trees.Settings(**point), load_seed(), Monitor(validation_rows, settings.patience)
    )
    score = catboost_trees.score(model, validation_rows.x)
    return {"loss": TUNING_LOSSES[settings.loss](score, validation_rows).mean, "settled": model.settled}


def print_report(forecasts: dict[str, Forecast], test_rows: FoldData) -> None:
    """Print each forecast beside a uniform one, and how far Trueline's lead over the others can be trusted."""
    uniform, won = compute_uniform_losses(test_rows.group), test_rows.y > 0
    uniform_forecast = Forecast(normalize_by_group(np.ones(len(test_rows.y)), test_rows.group), {}, "nothing")
    loss = {}
    print(f"\n{'':<14}{'race log loss':>14}{'R²':>8}{'row log loss':>14}{'mean p':>8}{'F1':>7}")
    for name, forecast in {"uniform": uniform_forecast, **forecasts}.items():
        p = forecast.probabilities
        loss[name] = compute_race_losses(normalize_by_group(p, test_rows.group), test_rows.y, test_rows.group)
        race = f"{loss[name].mean():14.4f}{1 - loss[name].sum() / uniform.sum():8.4f}"
        f1 = f1_score(won, p >= 0.5, zero_division=0)
        print(f"{name:<14}{race}{log_loss(won, p):14.4f}{p.mean():8.3f}{f1:7.3f}")
    print("race log loss (nats) of p normalised within the race; row log loss and F1 (at 0.5) of p as it came\n")
    *recipes, trueline = forecasts
    for name in recipes:
        difference = bootstrap_mean(loss[trueline] - loss[name], load_seed())
        verdict = confidence_intervals.describe_difference(difference, "better", "worse")
        interval_text = f"{difference['value']:+.4f} [{difference['low']:+.4f}, {difference['high']:+.4f}]"
        print(f"{trueline} − {name.strip()}, race log loss: {interval_text} over {difference['n']} races: {verdict}")
    for name, forecast in forecasts.items():
        print(f"{name.strip()} chose by {forecast.selected_by}: {forecast.configuration}")
