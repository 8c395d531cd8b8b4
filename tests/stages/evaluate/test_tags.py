"""The tag scorer: against scikit-learn, by brute force over resampled rows, and with planted faults."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    coverage_error,
    f1_score,
    label_ranking_average_precision_score,
    log_loss,
    multilabel_confusion_matrix,
    precision_score,
    recall_score,
)

from stages.evaluate.tags import Settings, compare, evaluate
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.stats.block_bootstrap import draw_block_weights
from trueline.core.stats.group_ops import Floats
from trueline.core.text.tag_mentions import build_mention_columns

TAGS = ["art", "drum: bass", "hip hop", "jazz", "on all", "rare"]
SHARES: Floats = np.array([0.5, 0.4, 0.3, 0.2, 1.0, 0.02])
SETTINGS = Settings(
    top=[1, 3, 9], bins=5, least_examples=5, same_share=0.9, least_tags=0.25, least_named=3, samples=4, pairs=200
)
SCORES = [
    "rows", "micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1", "lrap", "baseline_micro_f1", "prior_micro_f1",
]  # fmt: skip
Tables = tuple[pd.DataFrame, pd.DataFrame]


def answers(random: np.random.Generator, truth: Floats, skill: float) -> Floats:
    """Return probabilities that are better informed the higher the skill."""
    odds = skill * (2 * truth - 1) + random.normal(0, 1, truth.shape) + np.log(SHARES.clip(0.01, 0.99))
    return np.asarray(1 / (1 + np.exp(-odds)))


def columns(arm: str, chance: Floats, threshold: float | None = 0.4) -> dict[str, Floats]:
    """Return an arm's probabilities and, with a threshold, which tags it gives."""
    found: dict[str, Floats] = {f"{arm}:{tag}": chance[:, number] for number, tag in enumerate(TAGS)}
    if threshold is not None:
        found |= {f"{arm}:{tag}:given": (chance[:, n] >= threshold).astype(float) for n, tag in enumerate(TAGS)}
    return found


@cache
def planted(seed: int = 0, count: int = 120, repeats: int = 3, folds: int = 4, skill: float = 1.5) -> Tables:
    """Return predictions of three arms of decreasing skill for clustered rows, and the prepared rows."""
    random = np.random.default_rng(seed)
    truth = (random.random((count, len(TAGS))) < SHARES).astype(float)
    truth[:, -1] = np.arange(count) % 40 == 5  # three rows
    ids = [f"e{number:04d}" for number in range(count)]
    keys = {"row_id": ids, "group": [f"c{number // 2}" for number in range(count)], "time": NO_CLOCK}
    targets = {f"target:{tag}": truth[:, number] for number, tag in enumerate(TAGS)}
    runs = []
    for repeat in range(repeats):
        fold = [f"test_{repeat * folds + number // 2 % folds}" for number in range(count)]
        arms = {"tuned": skill, "default": skill / 2, "baseline": 0.3}
        arm_columns = [columns(arm, answers(random, truth, own)) for arm, own in arms.items()]
        runs.append(pd.DataFrame(keys | targets | {"fold": fold} | arm_columns[0] | arm_columns[1] | arm_columns[2]))
    texts = [" and ".join(tag for tag, own in zip(TAGS, row, strict=True) if own) for row in truth[::-1]]
    words = {"name": [f"Event {number} " + "x" * 90 for number in range(count)], "description": texts, "location": ""}
    prepared = pd.concat(
        [pd.DataFrame(keys | words), pd.DataFrame(build_mention_columns(texts, TAGS)), pd.DataFrame(targets)], axis=1
    )
    return pd.concat(runs, ignore_index=True), prepared.sample(frac=1.0, random_state=0)


@cache
def judged() -> tuple[dict[str, Any], dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the scores, report and tables of the planted rows."""
    return evaluate(*planted(), SETTINGS, 0)


def table(run: pd.DataFrame, opening: str, closing: str = "") -> Floats:
    """Return one column per tag."""
    return run[[f"{opening}:{tag}{closing}" for tag in TAGS]].to_numpy(float)


def runs(predictions: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the predictions of each repeat."""
    return [predictions.iloc[start : start + 120] for start in range(0, len(predictions), 120)]


def oracle(predictions: pd.DataFrame, arm: str) -> dict[str, float]:
    """Return scikit-learn's metrics, averaged over the repeats."""
    found = []
    for run in runs(predictions):
        truth, chance, given = table(run, "target"), table(run, arm), table(run, arm, ":given")
        shares = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
        own = {
            f"{average}_{name}": figure(truth, given, average=average, zero_division=0)
            for name, figure in shares.items()
            for average in ("micro", "macro")
        }
        own["lrap"] = label_ranking_average_precision_score(truth, chance)
        own["coverage_error"] = coverage_error(truth, chance)
        own["subset_accuracy"] = accuracy_score(truth, given)
        own["accuracy"] = (truth == given).mean()
        own["log_loss"] = log_loss(truth.ravel(), chance.ravel())
        own["tags_given"] = given.sum(axis=1).mean()
        own["precision_at_1"] = truth[np.arange(len(truth)), chance.argmax(axis=1)].mean()
        found.append(own)
    return {str(name): float(value) for name, value in pd.DataFrame(found).mean().items()}


@pytest.mark.parametrize("arm", ["tuned", "default", "baseline"])
def test_figures_are_those_of_scikit_learn_on_each_repeat_in_the_mean(arm: str) -> None:
    metrics = judged()[1]["baselines"][arm]
    assert {name: metrics[name]["value"] for name in oracle(planted()[0], arm)} == pytest.approx(
        oracle(planted()[0], arm)
    )
    assert set(metrics) == {*oracle(planted()[0], arm), "precision_at_3", "sd_over_repeats"}, "9 is more than the tags"
    each = [oracle(run, arm)["micro_f1"] for run in runs(planted()[0])]
    assert metrics["sd_over_repeats"]["micro_f1"] == pytest.approx(np.std(each, ddof=1))
    assert list(judged()[2]["repeats"][arm]) == pytest.approx(each)


def test_headline_scores_are_those_of_the_tuned_arm_and_no_others() -> None:
    scores, report, _ = judged()
    assert list(scores) == SCORES
    assert scores["rows"] == 120
    expected = oracle(planted()[0], "tuned")
    assert [scores[name] for name in ("micro_f1", "macro_f1", "lrap")] == pytest.approx(
        [expected[name] for name in ("micro_f1", "macro_f1", "lrap")]
    )
    assert scores["micro_f1_low"] < scores["micro_f1"] < scores["micro_f1_high"]
    assert scores["baseline_micro_f1"] == report["baselines"]["baseline"]["micro_f1"]["value"]
    assert scores["prior_micro_f1"] == report["baselines"]["prior"]["micro_f1"]["value"]


def resampled(figure: str) -> tuple[Floats, Floats]:
    """Return F1 of tuned and of floor on rows that are physically repeated as often as their clusters are drawn."""
    parts = [
        [(table(run, "target"), table(run, arm, ":given")) for run in runs(planted()[0])]
        for arm in ("tuned", "baseline")
    ]
    found = []
    for times in np.vstack(list(draw_block_weights(60, 7))):
        rows = np.repeat(np.arange(120), np.repeat(times, 2).astype(int))
        drawn = [[plain_f1(truth[rows], given[rows], figure) for truth, given in repeats] for repeats in parts]
        found.append(np.mean(drawn, axis=1))
    tuned, floor = np.array(found).T
    return tuned, floor


def plain_f1(truth: Floats, given: Floats, figure: str) -> float:
    """Return F1 by its definition, pooled or averaged over tags."""
    axis = None if figure == "micro_f1" else 0
    right, all_of_them = (truth * given).sum(axis=axis), truth.sum(axis=axis) + given.sum(axis=axis)
    return float(np.mean(2 * right / np.maximum(all_of_them, 1)))


@pytest.mark.parametrize("figure", ["micro_f1", "macro_f1"])
def test_intervals_are_those_of_figures_computed_anew_on_resampled_clusters(figure: str) -> None:
    _, report, _ = evaluate(*planted(), SETTINGS, 7)
    tuned, floor = resampled(figure)
    own, ahead = report["baselines"]["tuned"][figure], report["tuned_against"]["baseline"][figure]["difference"]
    assert [own["low"], own["high"]] == pytest.approx(np.quantile(tuned, [0.025, 0.975]))
    assert [ahead["low"], ahead["high"]] == pytest.approx(np.quantile(tuned - floor, [0.025, 0.975]))
    assert own["n"] == ahead["n"] == 60


def test_the_interval_of_a_mean_over_rows_is_resampled_by_cluster_too() -> None:
    _, report, _ = evaluate(*planted(), SETTINGS, 7)
    run_means = np.mean([[row_lrap(row) for row in zip(table(run, "target"), table(run, "tuned"), strict=True)]
                         for run in runs(planted()[0])], axis=0)  # fmt: skip
    drawn = [np.average(run_means, weights=np.repeat(times, 2)) for times in np.vstack(list(draw_block_weights(60, 7)))]
    own = report["baselines"]["tuned"]["lrap"]
    assert [own["low"], own["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def row_lrap(row: tuple[Floats, Floats]) -> float:
    """Return scikit-learn's LRAP of one row."""
    return float(label_ranking_average_precision_score(row[0][None], row[1][None]))


def test_skill_is_found_better_and_the_report_names_every_baseline() -> None:
    _, report, plots = judged()
    assert list(report["baselines"]) == ["prior", "tag_name", "baseline", "default", "tuned"]
    assert list(plots["baselines"]["model"]) == list(report["baselines"])
    assert {found["micro_f1"]["verdict"] for found in report["tuned_against"].values()} == {"better"}
    assert report["against_baseline"]["default"]["micro_f1"]["verdict"] == "better"
    assert report["sentences"][0].startswith("tuned reaches a micro-F1 of ")
    assert "better than prior (" in report["sentences"][0]
    assert "log_loss" not in report["baselines"]["tag_name"], "a rule has no chances"


@pytest.mark.parametrize(("skill", "verdict"), [(0.2, "helped"), (1.5, "undecided"), (4.0, "hurt")])
def test_resampling_is_judged_against_the_natural_arm(skill: float, verdict: str) -> None:
    predictions, prepared = planted()
    chance = answers(np.random.default_rng(9), table(predictions, "target"), skill)
    natural = pd.DataFrame(columns("unresampled", chance))
    report = evaluate(pd.concat([predictions, natural], axis=1), prepared, SETTINGS, 0)[1]
    assert report["resampling"]["verdict"] == verdict
    assert report["resampling"]["difference"] == report["tuned_against"]["unresampled"]["micro_f1"]["difference"]
    assert judged()[1]["resampling"] == {"verdict": "none", "difference": None}


def test_the_prior_gives_the_frequent_tags_of_the_rows_that_its_fold_does_not_score() -> None:
    predictions, _ = planted()
    expected = []
    for run in runs(predictions):
        given, truth = np.zeros((120, len(TAGS))), table(run, "target")
        for fold in sorted(set(run["fold"])):
            scored = (run["fold"] == fold).to_numpy()
            rest = truth[~scored]
            order = np.argsort(-rest.sum(axis=0), kind="stable")
            sets = [np.isin(np.arange(len(TAGS)), order[:size]) * 1.0 for size in range(1, len(TAGS) + 1)]
            given[scored] = max(sets, key=lambda tags: plain_f1(rest, np.tile(tags, (len(rest), 1)), "micro_f1"))
        expected.append(plain_f1(truth, given, "micro_f1"))
    assert judged()[0]["prior_micro_f1"] == pytest.approx(np.mean(expected))


def test_with_a_clock_the_prior_knows_only_what_came_before() -> None:
    predictions, prepared = planted(repeats=1)
    first = predictions["row_id"] < "e0060"
    days = {row: pd.Timestamp("2024-01-01") + pd.Timedelta(int(row[1:]), "D") for row in predictions["row_id"]}
    rows = predictions[~first].assign(fold="test_0")
    dated = {"rows": rows, "prepared": prepared}
    dated = {name: each.assign(time=each["row_id"].map(days)) for name, each in dated.items()}
    altered = dated["prepared"].copy()
    altered.loc[altered["row_id"] >= "e0060", "target:rare"] = 1.0
    found, same = (evaluate(dated["rows"], each, SETTINGS, 0) for each in (dated["prepared"], altered))
    assert found[1]["rows"]["clock"]
    assert found[1]["baselines"]["prior"] == same[1]["baselines"]["prior"]
    before = table(predictions[first], "target").mean(axis=0)
    assert found[1]["baselines"]["prior"]["tags_given"]["value"] == (before >= before_threshold(before)).sum()
    assert found[1]["honest"] is None, "tune folds lie before the rows that are scored"


def before_threshold(share: Floats) -> float:
    """Return half the best F1 of a constant answer."""
    falling = np.sort(share)[::-1]
    return float(max(falling[:size].sum() / (size + share.sum()) for size in range(1, len(share) + 1)))


def test_a_tags_name_in_the_text_is_a_rule_and_other_tags_rank_by_frequency() -> None:
    predictions, prepared = planted()
    mentions = prepared.set_index("row_id").loc[predictions["row_id"][:120], [f"says:{tag}" for tag in TAGS]].to_numpy()
    truth = table(predictions[:120], "target")
    metrics = judged()[1]["baselines"]["tag_name"]
    assert metrics["micro_f1"]["value"] == pytest.approx(f1_score(truth, mentions, average="micro"))
    assert metrics["sd_over_repeats"]["micro_f1"] == 0
    assert metrics["lrap"]["value"] > label_ranking_average_precision_score(truth, mentions), "plain flags tie"


def test_each_tag_has_its_counts_support_and_figures() -> None:
    predictions, _ = planted()
    found = {row["tag"]: row for row in judged()[1]["tags"]}
    truth = table(predictions[:120], "target")
    counts = np.mean(
        [multilabel_confusion_matrix(table(run, "target"), table(run, "tuned", ":given")) for run in runs(predictions)],
        axis=0,
    )
    single = np.mean(
        [f1_score(table(r, "target"), table(r, "tuned", ":given"), average=None) for r in runs(predictions)], axis=0
    )
    for number, tag in enumerate(TAGS):
        row, (tn, fp, fn, tp) = found[tag], counts[number].ravel()
        assert [row[name] for name in ("tn", "fp", "fn", "tp")] == pytest.approx([tn, fp, fn, tp])
        assert row["f1"]["value"] == pytest.approx(single[number])
        assert row["rows"] == truth[:, number].sum()
        assert row["clusters"] == truth[:, number].reshape(60, 2).max(axis=1).sum()
    assert [row["rows"] for row in judged()[1]["tags"]] == sorted(truth.sum(axis=0), reverse=True)
    assert found["on all"]["not_learnable"] == "on every row"
    assert found["rare"]["not_learnable"] == "in fewer than 5 clusters"
    assert found["art"]["not_learnable"] == ""
    assert found["art"]["f1"]["low"] < found["art"]["f1"]["value"] < found["art"]["f1"]["high"]
    assert found["art"]["tuned_is"] == "better"


def test_a_tag_that_no_text_has_and_none_is_given_counts_as_zero_and_has_no_interval() -> None:
    predictions, prepared = planted()
    none = dict.fromkeys(["target:rare", *(f"{arm}:rare:given" for arm in ("tuned", "default", "baseline"))], 0.0)
    scores, report, _ = evaluate(predictions.assign(**none), prepared.assign(**{"target:rare": 0.0}), SETTINGS, 0)
    row = report["tags"][-1]
    assert (row["tag"], row["rows"], row["not_learnable"]) == ("rare", 0, "on no row")
    assert row["f1"] == {"value": 0.0, "low": None, "high": None, "n": 0}
    assert row["tuned_is"] == "undecided"
    assert scores["macro_f1"] == pytest.approx(oracle(predictions.assign(**none), "tuned")["macro_f1"])


@pytest.mark.parametrize("share", [0.98, 0.8])
def test_an_arm_that_answers_alike_is_named_and_one_that_does_so_less_often_is_not(share: float) -> None:
    predictions, prepared = planted()
    alike = np.random.default_rng(0).random(len(predictions)) < share
    fixed = np.array([0.9, 0.1, 0.6, 0.1, 0.9, 0.0])
    chance = np.where(alike[:, None], fixed, table(predictions, "tuned"))
    report = evaluate(predictions.assign(**columns("tuned", chance)), prepared, SETTINGS, 0)[1]
    found = report["constant"]["arms"]["tuned"]
    assert found["most_common"] == ["art", "hip hop", "on all"]
    assert found["same_set"] >= alike.mean()
    opening = (
        f"tuned answers {{art, hip hop, on all}} for {100 * found['same_set']:.0f} % of the events: it has learned"
    )
    assert (found["why"] == "one tag set") == (share > 0.9)
    assert any(each.startswith(opening) for each in report["sentences"]) == (share > 0.9)
    assert judged()[1]["constant"]["sentences"] == []


def test_folds_with_constants_of_their_own_are_constant_and_so_is_one_ranking() -> None:
    predictions, prepared = planted()
    even = np.array([int(fold[5:]) % 2 for fold in predictions["fold"]])[:, None]
    chance = np.where(even, [0.9, 0.1, 0.1, 0.1, 0.1, 0.1], [0.1, 0.9, 0.1, 0.1, 0.1, 0.1])
    noise = np.random.default_rng(0).random((len(predictions), 1))
    ranked = columns("baseline", noise * np.linspace(1, 0.3, len(TAGS)))
    changed = predictions.assign(**columns("tuned", chance), **ranked)
    few = SETTINGS.model_copy(update={"top": [3]})
    constant = evaluate(changed, prepared, few, 0)[1]["constant"]
    assert [constant["arms"][arm]["why"] for arm in ("tuned", "baseline", "default")] == [
        "one tag set",
        "one ranking",
        "",
    ]
    assert constant["sentences"][1].startswith("tuned answers alike for 100 % of the events of a fold, most often {")
    assert constant["sentences"][0] == "baseline ranks the tags alike for 100 % of the events: it has learned nothing."
    whole = evaluate(changed, prepared, SETTINGS, 0)[1]["constant"]["arms"]["baseline"]
    assert (whole["same_ranking"], whole["why"]) == (None, ""), "there are fewer tags than are ranked"


def test_an_arm_that_knows_few_tags_is_named_and_a_truth_that_is_constant_excuses_a_constant_arm() -> None:
    predictions, prepared = planted()
    silent = {f"tuned:{tag}:given": 0.0 for tag in TAGS[1:]}
    few = evaluate(predictions.assign(**silent), prepared, SETTINGS, 0)[1]["constant"]
    assert few["arms"]["tuned"]["why"] == "few tags"
    most = few["arms"]["tuned"]["most_common"]
    assert few["sentences"] == [f"tuned gives only 1 of 6 tags, most often {{{', '.join(most)}}}."]
    same = {f"{kind}:{tag}{end}": float(tag == "art") for kind, end in (("target", ""), ("tuned", ":given"))
            for tag in TAGS}  # fmt: skip
    excused = evaluate(predictions.assign(**same), prepared, SETTINGS, 0)[1]["constant"]
    assert (excused["arms"]["tuned"]["same_set"], excused["arms"]["tuned"]["why"]) == (1.0, "")


def with_labels(follow: float) -> dict[str, Any]:
    """Return the finding on labels that follow the name in the text at the given rate and are random otherwise."""
    random = np.random.default_rng(0)
    predictions, prepared = planted()
    texts = random.choice(["a party", "fine art", "jazz hip-hop night", "drum: bass", "on all days"], len(prepared))
    mentions = pd.DataFrame(build_mention_columns(list(texts), TAGS), prepared.index)
    obeyed = (mentions.to_numpy() > 0) & (random.random(mentions.shape) < follow)
    truth = obeyed | ((mentions.to_numpy() == 0) & (random.random(mentions.shape) < 0.2))
    truth[:, TAGS.index("on all")] = True  # always given, so its name in the text is no evidence of a rule
    labelled = prepared.assign(description=texts, name="", **{str(name): mentions[name] for name in mentions})
    targets = {f"target:{tag}": truth[:, number] * 1.0 for number, tag in enumerate(TAGS)}
    found: dict[str, Any] = evaluate(predictions, labelled.assign(**targets), SETTINGS, 0)[1]["labels"]
    return found


def test_labels_that_follow_the_name_of_their_tag_look_rule_made() -> None:
    found = with_labels(1.0)
    assert found["look_rule_made"]
    assert found["always"] == ["art", "drum: bass", "hip hop", "jazz"]
    rows = {row["tag"]: row for row in found["tags"]}
    named = sum(rows[tag]["named"] for tag in found["always"])
    assert rows["art"]["inside"] == rows["art"]["inside_tagged"] > 0, "party"
    assert [rows[tag]["inside"] for tag in ("drum: bass", "hip hop", "jazz")] == [0, 0, 0]
    assert rows["rare"]["rate"] is None
    assert found["sentence"] == (
        f"4 of 6 tags are given whenever their name stands in the text ({named} of {named}, {rows['art']['inside']} of "
        "them only within another word): the labels look rule-made, and scores measure how well rules are recovered."
    )


def test_labels_that_often_disregard_the_name_do_not() -> None:
    found = with_labels(0.8)
    assert (found["always"], found["look_rule_made"]) == ([], False)
    assert found["sentence"].endswith("nothing says that rules made the labels.")


def test_the_report_says_that_settings_chosen_without_a_clock_have_seen_the_scored_rows() -> None:
    predictions, prepared = planted()
    honest = judged()[1]["honest"]
    assert f"default, with a micro-F1 of {oracle(predictions, 'default')['micro_f1']:.3f} against" in honest
    assert honest in judged()[1]["sentences"]
    same = predictions.assign(**columns("default", table(predictions, "tuned")))
    assert evaluate(same, prepared, SETTINGS, 0)[1]["honest"] is None


def test_samples_show_truth_what_was_given_and_the_likeliest_tags() -> None:
    predictions, _ = planted()
    samples = judged()[1]["samples"]
    assert len(samples) == 4
    assert [each["row_id"] for each in samples] == sorted({each["row_id"] for each in samples})
    for each in samples:
        row = predictions[predictions["row_id"] == each["row_id"]].iloc[0]
        truth, given = ({tag for tag in TAGS if row[name.format(tag)]} for name in ("target:{}", "tuned:{}:given"))
        assert (set(each["truth"]), set(each["given"])) == (truth, given)
        assert (set(each["missed"]), set(each["wrong"])) == (truth - given, given - truth)
        assert [top["chance"] for top in each["top"]] == sorted((row[f"tuned:{tag}"] for tag in TAGS), reverse=True)
        assert len(each["name"]) == 80


def test_plots_hold_frequencies_outcomes_and_confusions() -> None:
    predictions, _ = planted()
    plots = evaluate(*planted(), SETTINGS.model_copy(update={"pairs": 10**6}), 0)[2]
    truth, given = table(predictions[:120], "target"), table(predictions[:120], "tuned", ":given")
    assert list(plots["tags"]["events"]) == sorted(truth.sum(axis=0), reverse=True)
    assert plots["outcomes"].groupby("tag")["share"].sum().to_numpy() == pytest.approx(np.ones(len(TAGS)))
    assert list(plots["tag_f1"]["tag"]) == list(plots["tags"]["tag"])
    pairs = plots["confusion"]
    assert (pairs["actual"] == pairs["predicted"]).sum() == (truth * given).sum()
    art, jazz = TAGS.index("art"), TAGS.index("jazz")
    swapped = ((truth - given)[:, art] > 0) & ((truth - given)[:, jazz] < 0)
    assert ((pairs["actual"] == "art") & (pairs["predicted"] == "jazz")).sum() == swapped.sum()
    unmet = ((truth > given).any(axis=1)) & ~(given > truth).any(axis=1)
    assert (pairs["predicted"] == "(none)").sum() == ((truth > given)[unmet]).sum()
    assert len(judged()[2]["confusion"]) <= SETTINGS.pairs


def test_reliability_pools_all_tags_and_counts_clusters() -> None:
    predictions, _ = planted()
    cells = judged()[2]["reliability"]
    assert list(cells) == ["predicted", "observed", "low", "high", "n"]
    chance, truth = table(predictions, "tuned"), table(predictions, "target")
    assert cells["n"].sum() == chance.size
    assert (cells["predicted"] * cells["n"]).sum() == pytest.approx(chance.sum())
    assert (cells["observed"] * cells["n"]).sum() == pytest.approx(truth.sum())
    top = np.sort(chance.ravel())[-int(cells["n"].iloc[-1])]
    assert cells["observed"].iloc[-1] == pytest.approx(truth[chance >= top].mean())
    assert (cells["low"] <= cells["observed"]).all()
    assert (cells["observed"] <= cells["high"]).all()


def test_repeated_rows_do_not_narrow_an_interval_and_clusters_widen_it() -> None:
    predictions, prepared = planted(repeats=1)
    again = pd.concat([predictions, predictions.assign(fold=[f"test_{int(f[5:]) + 4}" for f in predictions["fold"]])])
    alone = predictions.assign(group=predictions["row_id"])
    tripled = pd.concat([alone.assign(row_id=alone["row_id"] + end) for end in "abc"])
    thrice = pd.concat([prepared.assign(row_id=prepared["row_id"] + end) for end in "abc"])
    once, twice = (evaluate(each, prepared, SETTINGS, 0)[0] for each in (predictions, again))
    assert twice == pytest.approx(once)
    assert width(tripled, thrice) == pytest.approx(width(alone, prepared))


def width(predictions: pd.DataFrame, prepared: pd.DataFrame) -> float:
    """Return the width of the headline interval."""
    scores = evaluate(predictions, prepared, SETTINGS, 0)[0]
    return float(scores["micro_f1_high"] - scores["micro_f1_low"])


def test_without_given_columns_even_odds_decide() -> None:
    predictions, prepared = planted()
    bare = predictions[[name for name in map(str, predictions) if not name.endswith(":given")]]
    with_given = predictions.assign(
        **{
            k: v
            for arm in ("tuned", "default", "baseline")
            for k, v in columns(arm, table(predictions, arm), 0.5).items()
        }
    )
    assert str(evaluate(bare, prepared, SETTINGS, 0)) == str(evaluate(with_given, prepared, SETTINGS, 0))


def test_an_arm_without_answers_in_some_fold_is_left_out_and_the_tuned_one_must_not_be() -> None:
    predictions, prepared = planted()
    gone = predictions["fold"] == "test_3"
    lacking = predictions.assign(
        **{name: predictions[name].mask(gone) for name in map(str, predictions) if name.startswith("baseline")}
    )
    scores, report, _ = evaluate(lacking, prepared, SETTINGS, 0)
    assert report["rows"]["arms_left_out"] == ["baseline"]
    assert "baseline" not in report["baselines"]
    assert scores["baseline_micro_f1"] is None
    assert report["against_baseline"] == {}
    with pytest.raises(UserError, match="the tuned arm lacks a probability"):
        evaluate(predictions.assign(**{"tuned:art": predictions["tuned:art"].mask(gone)}), prepared, SETTINGS, 0)


def test_predictions_of_no_tags_uneven_repeats_or_unknown_rows_are_rejected() -> None:
    predictions, prepared = planted()
    with pytest.raises(UserError, match="no column target:<tag>"):
        evaluate(predictions[["row_id", "fold"]], prepared, SETTINGS, 0)
    with pytest.raises(UserError, match="score a row 2 to 3 times"):
        evaluate(predictions[1:], prepared, SETTINGS, 0)
    with pytest.raises(UserError, match="a row 3 to 3 times"):
        evaluate(predictions.assign(fold="test_0"), prepared, SETTINGS, 0)
    with pytest.raises(UserError, match="1 predicted rows are not in the prepared table"):
        evaluate(predictions, prepared[prepared["row_id"] != "e0000"], SETTINGS, 0)


def test_one_row_without_tags_and_none_given_has_figures_but_no_interval() -> None:
    predictions, prepared = planted()
    empty = {f"{kind}:{tag}{end}": 0.0 for kind, end in (("target", ""), ("tuned", ":given")) for tag in TAGS}
    scores, report, plots = evaluate(predictions[:1].assign(**empty), prepared, SETTINGS, 0)
    assert (scores["rows"], scores["micro_f1"], scores["micro_f1_low"], scores["lrap"]) == (1, 0.0, None, 1.0)
    assert report["rows"]["without_tags"] == 1
    assert report["baselines"]["tuned"]["sd_over_repeats"]["micro_f1"] is None
    assert report["tuned_against"]["baseline"]["micro_f1"]["verdict"] == "undecided"
    assert not report["constant"]["judged"]
    assert plots["confusion"].empty
    assert report["samples"][0]["given"] == []


def test_every_table_and_the_report_can_be_written_and_any_order_of_rows_gives_the_same(tmp_path: Any) -> None:
    predictions, prepared = planted()
    shuffled = predictions.sample(frac=1.0, random_state=1), prepared.sort_values("row_id")
    found = []
    for number, tables in enumerate([(predictions, prepared), shuffled]):
        _, report, plots = evaluate(*tables, SETTINGS, 0)
        write_json(report, tmp_path / f"{number}.json")
        found.append((tmp_path / f"{number}.json").read_text())
        found.append("".join(plots[name].round(6).to_csv(index=False) for name in plots))
    assert found[:2] == found[2:]


def test_a_better_run_is_called_better_and_one_of_equal_skill_noise() -> None:
    predictions, prepared = planted()
    worse = predictions.assign(**columns("tuned", answers(np.random.default_rng(1), table(predictions, "target"), 0.2)))
    found = compare(predictions, worse, prepared, ("new", "old"), SETTINGS, 0)
    assert found["micro_f1"]["verdict"] == "new is better"
    ahead = oracle(predictions, "tuned")["micro_f1"] - oracle(worse, "tuned")["micro_f1"]
    assert found["micro_f1"]["difference"]["value"] == pytest.approx(ahead)
    assert found["sentences"][0].startswith(f"The micro_f1 of new less that of old is {ahead:+.4f} (")
    assert found["sentences"][0].endswith("): new is better.")
    turned = compare(worse, predictions, prepared, ("old", "new"), SETTINGS, 0)
    assert turned["macro_f1"]["verdict"] == "new is better"


def test_of_runs_of_equal_skill_hardly_one_is_called_better() -> None:
    predictions, prepared = planted()
    truth, sentences = table(predictions, "target"), []
    for seed in range(10):
        equal = columns("tuned", answers(np.random.default_rng([1, seed]), truth, 1.5))
        sentences += compare(predictions, predictions.assign(**equal), prepared, ("a", "b"), SETTINGS, 0)["sentences"][
            :1
        ]
    assert sum(each.endswith("): the difference is noise.") for each in sentences) >= 8


def test_runs_with_other_repeats_folds_and_tags_are_compared_on_what_they_share() -> None:
    predictions, prepared = planted()
    fewer = predictions.iloc[:120].drop(columns=[name for name in map(str, predictions) if ":rare" in name])
    shared = [tag for tag in TAGS if tag != "rare"]
    found = compare(predictions, fewer.assign(group="old"), prepared, ("a", "b"), SETTINGS, 0)
    assert (found["tags"], found["clusters"]) == (5, 60), "clusters are those prepared now"
    names = [f"tuned:{tag}:given" for tag in shared]
    whole, part = (
        np.mean([f1_score(run[[f"target:{tag}" for tag in shared]], run[names], average="micro") for run in each])
        for each in (runs(predictions), [fewer])
    )
    assert found["micro_f1"]["difference"]["value"] == pytest.approx(whole - part)
    few = [each[each["row_id"] < "e0020"] for each in (predictions, fewer)]
    small = compare(few[0], few[1], prepared, ("a", "b"), SETTINGS, 0)
    assert small["sentences"][0].endswith(": too few clusters to compare them.")


def test_runs_without_a_common_tag_or_of_rows_that_are_no_longer_prepared_are_rejected() -> None:
    predictions, prepared = planted()
    other = predictions.rename(columns={f"target:{tag}": f"target:no {tag}" for tag in TAGS})
    with pytest.raises(UserError, match="a and b have no tag in common"):
        compare(predictions, other, prepared, ("a", "b"), SETTINGS, 0)
    with pytest.raises(UserError, match="120 predictions are for rows that are not prepared"):
        compare(predictions, predictions, prepared.iloc[:80], ("a", "b"), SETTINGS, 0)
