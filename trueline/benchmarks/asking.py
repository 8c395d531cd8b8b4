"""Labels that asking saves: texts to tag chosen by `predict --ask` against random ones and against the most doubtful.

Many times over, a third of the clusters of near-duplicates is held out, some texts of the others are tagged by the
truth, and in every round each chooser gets the tags of as many more. After each round the default learner and the
calibrator of texts are fitted on what is tagged, as the fold `final` is, and give the held-out texts their tags.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from stages.calibrate import thresholds
from stages.evaluate.tags.multilabel_metrics import compute_precision_recall_f1
from stages.features import events as features
from stages.prepare import events, listings
from stages.train import tfidf_linear
from trueline.core.errors import UserError
from trueline.core.history.past import Past
from trueline.core.runtime.params import load_seed, load_settings
from trueline.core.splits.fold_data import FoldTables
from trueline.core.splits.iterative_stratification import assign_units_to_parts, count_cluster_labels
from trueline.core.splits.stratified import StratifiedSettings
from trueline.core.splits.walk_forward import list_key_columns, list_target_columns
from trueline.core.stats.block_bootstrap import bootstrap_mean, build_block_weights
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, MIN_BLOCKS
from trueline.core.texts_to_ask import build_text_vectors, choose_texts_to_ask, compute_doubt

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]  # of rows in the table of texts

SAMPLE = "data/sample/events"
TASK = "events"
HELD_OUT_SHARE = 1 / 3  # of the clusters of near-duplicates
ROUNDS = 7
MAX_PER_ROUND = 20  # texts, the number that the documentation asks for
ROUND_SHARE = 0.1  # of the texts that can be tagged, if that is less; two rounds' worth are tagged at the start
SHOWN_ROUNDS = (3, 5, 7)  # the scores that random choice has after these rounds are those to reach


@dataclass(frozen=True)
class ModelSettings:
    """What params.yaml says of the learner, of the calibrator and of the rows that calibrate, and the seed."""

    learner: tfidf_linear.Settings
    calibrator: thresholds.Settings
    calibrate_share: float
    seed: int


@dataclass(frozen=True)
class TaggedTexts:
    """The prepared texts of a source with their true tags, and the inputs that the learner gets of them."""

    settings: ModelSettings
    prepared: pd.DataFrame
    inputs: pd.DataFrame
    truth: Floats  # texts × tags
    cluster: Positions  # number of each text's near-duplicates


@dataclass(frozen=True)
class Answers:
    """The chance of every tag of every text by a model of the texts tagged so far, and the thresholds of the tags."""

    chances: Floats
    thresholds: Floats


@dataclass(frozen=True)
class Choice:
    """What a chooser knows: the candidates, the tagged texts, the answers of their model, and how many to choose."""

    texts: TaggedTexts
    candidates: Positions
    tagged: Positions
    answers: Answers
    count: int
    random: np.random.Generator


Chooser = Callable[[Choice], Positions]


def main(source: str = SAMPLE, drawings: str = "30") -> None:
    """Print micro-F1 by number of tagged texts, and the labels that each chooser needs for the score of random ones."""
    if not drawings.isdecimal() or int(drawings) < MIN_BLOCKS:
        raise UserError(f"{drawings!r} is not a number of drawings; give a whole number from {MIN_BLOCKS} on.")
    texts = read_texts(source)
    labels, scores, full_scores = simulate_drawings(texts, int(drawings))
    print(f"{len(texts.truth)} texts, {texts.truth.shape[1]} tags; {drawings} drawings; micro-F1 on held-out texts")
    print(f"with all other texts tagged: {full_scores.mean():.3f}\n")
    print(f"{'labels':<12}" + "".join(f"{count:>7}" for count in labels) + f"{'gain over random (95 %)':>30}")
    for name, chooser_scores in scores.items():
        figures = "".join(f"{score:7.3f}" for score in chooser_scores.mean(axis=0))
        print(f"{name:<12}{figures}{format_gain(chooser_scores, scores['random'])}")
    print(f"\n{'labels needed for':<22}{'random':>8}" + "".join(f"{name:>31}" for name in list(CHOOSERS)[1:]))
    for round_number in SHOWN_ROUNDS:
        print(format_needed_labels(labels, scores, round_number))


def read_texts(source: str) -> TaggedTexts:
    """Return the texts of a source as the stages prepare and features make them."""
    prepared, _ = events.prepare(listings.read(source), load_settings(events.Settings, "prepare", TASK))
    known_columns = [column.name for column in events.columns(prepared) if column.known == "before"]
    inputs = features.build(prepared[known_columns], Past(prepared), load_settings(features.Settings, "features", TASK))
    truth = prepared[list_target_columns(prepared)].to_numpy(float)
    cluster, _ = pd.factorize(prepared["group"], sort=True)
    settings = ModelSettings(
        load_settings(tfidf_linear.Settings, "train", TASK, "tfidf_linear"),
        load_settings(thresholds.Settings, "calibrate", TASK, "thresholds"),
        load_settings(StratifiedSettings, "folds", TASK).calibrate_share,
        load_seed(),
    )
    return TaggedTexts(settings, prepared, inputs.assign(row_id=prepared["row_id"]), truth, cluster)


def simulate_drawings(texts: TaggedTexts, drawings: int) -> tuple[Positions, dict[str, Floats], Floats]:
    """Return the numbers of labels, micro-F1 of each chooser by drawing and number, and of all labels by drawing."""
    pool_size = round(len(texts.truth) * (1 - HELD_OUT_SHARE))
    per_round = max(1, min(MAX_PER_ROUND, int(pool_size * ROUND_SHARE)))
    labels = per_round * np.arange(2, ROUNDS + 3)
    scores = {name: np.zeros((drawings, len(labels))) for name in CHOOSERS}
    full_scores = np.zeros(drawings)
    for drawing in tqdm(range(drawings), desc="drawings"):
        random = np.random.default_rng([texts.settings.seed, drawing])
        held_out, pool = split_clusters(texts.cluster, random)
        full_scores[drawing] = score_answers(answer_texts(texts, pool, drawing), texts, held_out)
        start = np.sort(random.permutation(pool)[: labels[0]])
        start_answers = answer_texts(texts, start, drawing)
        for name in CHOOSERS:
            curve = simulate_chooser(texts, name, (start, pool, held_out), start_answers, per_round, drawing)
            scores[name][drawing] = curve
    return labels, scores, full_scores


def split_clusters(cluster: Positions, random: np.random.Generator) -> tuple[Positions, Positions]:
    """Return the held-out texts, which are a third of the clusters, and the others."""
    order = random.permutation(cluster.max() + 1)
    is_held_out = np.isin(cluster, order[: round(len(order) * HELD_OUT_SHARE)])
    return np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)


def simulate_chooser(
    texts: TaggedTexts,
    name: str,
    rows: tuple[Positions, Positions, Positions],
    answers: Answers,
    per_round: int,
    drawing: int,
) -> list[float]:
    """Return micro-F1 at the start, of which `answers` are, and after each round; `rows` are tagged, pool, held out."""
    tagged, pool, held_out = rows
    curve = [score_answers(answers, texts, held_out)]
    random = np.random.default_rng([texts.settings.seed, drawing, 1])
    for _ in range(ROUNDS):
        candidates = np.setdiff1d(pool, tagged)
        choice = Choice(texts, candidates, tagged, answers, per_round, random)
        tagged = np.sort(np.append(tagged, CHOOSERS[name](choice)))
        answers = answer_texts(texts, tagged, drawing)
        curve.append(score_answers(answers, texts, held_out))
    return curve


def answer_texts(texts: TaggedTexts, tagged: Positions, seed: int) -> Answers:
    """Return the answers on all texts by the learner and calibrator, fitted on parts of the tagged texts."""
    settings, share = texts.settings, texts.settings.calibrate_share
    cluster = np.unique(texts.cluster[tagged], return_inverse=True)[1]
    cluster_labels = count_cluster_labels(texts.truth[tagged], cluster)
    cluster_role = assign_units_to_parts(cluster_labels, [1 - share, share], np.random.default_rng([seed, len(tagged)]))
    roles = np.full(len(texts.truth), None, dtype=object)
    roles[tagged] = np.array(["fit", "calibrate"], dtype=object)[cluster_role[cluster]]
    keys = texts.prepared[list_key_columns(texts.prepared)]
    tables = FoldTables(texts.inputs, keys.assign(final=roles))
    model = tfidf_linear.fit(tables.get_rows("final", "fit"), settings.learner, seed)
    calibrate_rows = tables.get_rows("final", "calibrate")
    calibrate_scores = tfidf_linear.score(model, calibrate_rows.x)
    state = thresholds.fit(calibrate_scores, calibrate_rows.y, calibrate_rows.group, settings.calibrator)
    chances = thresholds.apply(state, tfidf_linear.score(model, texts.inputs), texts.cluster)[""]
    return Answers(chances, np.array(state["threshold"]))


def score_answers(answers: Answers, texts: TaggedTexts, rows: Positions) -> float:
    """Return micro-F1 of the tags that some texts are given."""
    is_given, truth = answers.chances[rows] >= answers.thresholds, texts.truth[rows]
    counts = [np.array(count, dtype=float) for count in ((is_given * truth).sum(), is_given.sum(), truth.sum())]
    return float(compute_precision_recall_f1(*counts)["f1"])


def choose_random(choice: Choice) -> Positions:
    return choice.random.permutation(choice.candidates)[: choice.count]


def choose_doubtful(choice: Choice) -> Positions:
    doubt = compute_doubt(choice.answers.chances[choice.candidates], choice.answers.thresholds)
    return choice.candidates[np.argsort(-doubt, kind="stable")[: choice.count]]


def choose_as_predict(choice: Choice) -> Positions:
    """Return what `predict --ask` chooses, and then random texts if near-duplicates leave too few."""
    candidates, prepared = choice.candidates, choice.texts.prepared
    fields = prepared[["name", "description", "location"]].iloc[candidates]
    chosen = choose_texts_to_ask(
        choice.answers.chances[candidates],
        choice.answers.thresholds,
        build_text_vectors(fields.agg(" ".join, axis=1).tolist()),
        prepared["group"].iloc[candidates].tolist(),
        prepared["group"].iloc[choice.tagged].tolist(),
        choice.count,
    )
    positions = candidates[[text.position for text in chosen]]
    fillers = choice.random.permutation(np.setdiff1d(candidates, positions))
    return np.append(positions, fillers[: choice.count - len(positions)])


CHOOSERS: dict[str, Chooser] = {"random": choose_random, "doubtful": choose_doubtful, "asked": choose_as_predict}


def format_gain(scores: Floats, random_scores: Floats) -> str:
    """Return the mean gain in micro-F1 over random choice after all rounds but the start, with its interval."""
    gain = bootstrap_mean((scores - random_scores)[:, 1:].mean(axis=1), load_seed())
    if not gain["value"]:
        return ""
    return f"{gain['value']:+14.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"


def format_needed_labels(labels: Positions, scores: dict[str, Floats], round_number: int) -> str:
    """Return the labels that choosers need for the score of random choice after a round, and their ratios to random."""
    weights = build_block_weights(len(scores["random"]), load_seed())
    curves = {name: weights @ values / weights.sum(axis=1, keepdims=True) for name, values in scores.items()}
    targets = curves["random"][:, round_number]
    needed = {name: find_needed_labels(labels, curve, targets) for name, curve in curves.items()}
    cells = [f"micro-F1 {targets[0]:.3f}".ljust(22) + f"{needed['random'][0]:8.0f}"]
    for name in list(CHOOSERS)[1:]:
        ratios = needed[name] / needed["random"]
        low, high = compute_bounds(ratios[1:])
        cells.append(f"{needed[name][0]:10.0f} {ratios[0]:6.2f} ({low:.2f} to {high:.2f})".rjust(31))
    return "".join(cells)


def find_needed_labels(labels: Positions, curves: Floats, targets: Floats) -> Floats:
    """Return for each curve (rows) the number of labels at which it first reaches its target; infinite if never.

    Between two numbers of labels a curve is a straight line.

    >>> find_needed_labels(np.array([10, 20, 30]), np.array([[0.5, 0.7, 0.6]]), np.array([0.6])).tolist()
    [15.0]
    """
    needed = np.full(len(curves), np.inf)
    for row, (curve, target) in enumerate(zip(curves, targets, strict=True)):
        reached = np.flatnonzero(curve >= target)
        if len(reached):
            index = int(reached[0])
            around = slice(max(index - 1, 0), index + 1)
            needed[row] = np.interp(target, curve[around], labels[around])
    return needed


def compute_bounds(draws: Floats) -> tuple[float, float]:
    """Return the percentile interval of draws of which some may be infinite."""
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], method="nearest")
    return float(low), float(high)
