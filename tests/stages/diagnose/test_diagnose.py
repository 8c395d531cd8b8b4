"""Checks on simulated evidence: ok if nothing is wrong, a warning for every planted defect, a reason for declining."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.units.evidence import CheckLimits, Evidence, Finding
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.splits.walk_forward import WalkForwardSettings, walk_forward
from trueline.core.stats.group_ops import compute_group_softmax, encode_groups, normalize_by_group
from trueline.core.tables.table_schema import Column

CHECKS = [
    name for name in list_plugins("diagnose/checks") if not hasattr(load_plugin("diagnose/checks", name), "Settings")
]  # the other checks have test files of their own
OF_QUOTES = "information_clock"  # a check of quotes, of which these reports tell nothing
OF_LINES = ("market_bias", "over_calibration", "too_good_picks")  # checks of quantities with a market line
SEEDS = (0, 1, 2, 3)
DAYS, DAILY = 70, 14  # 70 days of 14 groups; the last 28 days are scored
LIMITS = CheckLimits(
    missing_share=0.5,
    shift=0.2,
    slope_low=0.9,
    slope_high=1.1,
    r2_too_good=0.6,
    r2_over_market=0.02,
    gain_doubtful=0.01,
    gain_too_good=0.02,
    segment_groups=40,
    equal_inputs_share=0.01,
    default_share=0.6,
    market_bias=1.5,
    hit_edge=1.0,
    hit_rate_too_good=0.58,
    hit_rate_picks=500,
    error_below_market=0.3,
    result_correlation=0.12,
)
SCORE_AUDITS: dict[str, dict[str, Any]] = {
    stage: {
        "folds": [
            {"fold": "test_0", "exchanged": 40, "compared": 50, "differing": 0, "error": None, "example": None},
        ]
    }
    for stage in ("resample", "tune", "train", "calibrate")
}
HASHES = {"features": "0a", "predictions": "0b"}
SCORE_AUDITS["calibrate"] = SCORE_AUDITS["calibrate"] | {"predictions": HASHES["predictions"]}
COLUMNS = [
    Column("row_id", "text", "before", "the row"),
    Column("entity", "text", "before", "who is predicted"),
    Column("group", "text", "before", "the race"),
    Column("time", "time", "before", "the start"),
    Column("target", "number", "after", "share of the win"),
    Column("soft_label", "number", "at_start", "the market's probability"),
    Column("venue", "text", "before", "where"),
    Column("distance", "number", "before", "length", "m"),
    Column("box", "whole", "before", "starting box"),
    Column("field_size", "whole", "before", "runners"),
    Column("rating", "number", "before", "a rating"),
    Column("margin", "number", "after", "an outcome"),
]


def ask(check: str, evidence: Evidence) -> Finding:
    found: Finding = load_plugin("diagnose/checks", check).check(evidence)
    return found


@cache
def healthy(seed: int = 0) -> Evidence:
    """Return evidence whose probabilities are exactly the chances by which the winners were drawn.

    The market knows more: it sees a signal of the winner, and weighs it by Bayes' rule.
    """
    random = np.random.default_rng(seed)
    rows = _field(random)
    code = encode_groups(rows["group"])
    strength = random.normal(0, 1.4, len(rows))
    p = compute_group_softmax(strength, code)
    rows["target"] = _won(p, code, random)
    rows["soft_label"] = normalize_by_group(p * np.exp(0.5 * random.normal(0.5 * rows["target"], 1)), code)
    rows["rating"] = strength + random.normal(0, 1, len(rows))
    rows["margin"] = random.normal(0, 1, len(rows))
    return _evidence(rows, p, strength, random, seed)


def _field(random: np.random.Generator) -> pd.DataFrame:
    sizes = random.integers(5, 9, DAYS * DAILY)
    race = np.repeat(np.arange(len(sizes)), sizes)
    box = np.concatenate([np.arange(1, size + 1) for size in sizes])
    table = {
        "row_id": [f"r{number}-{place}" for number, place in zip(race, box, strict=True)],
        "entity": [f"e{number}" for number in random.permutation(len(race))],
        "group": [f"g{number}" for number in race],
        "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(race // DAILY, unit="D"),
        "venue": np.array(["Ayr", "Bath", "Cork", None], dtype=object)[random.integers(0, 4, len(sizes))][race],
        "distance": random.normal(500, 80, len(sizes))[race],
        "box": box,
        "field_size": sizes[race],
    }
    return pd.DataFrame(table)


def _won(p: np.ndarray, code: np.ndarray, random: np.random.Generator) -> np.ndarray:
    drawn = np.log(p) + random.gumbel(size=len(p))
    best = pd.Series(drawn).groupby(code).transform("max").to_numpy()
    return np.asarray(drawn == best, dtype=float)


def _evidence(
    rows: pd.DataFrame, p: np.ndarray, strength: np.ndarray, random: np.random.Generator, seed: int
) -> Evidence:
    walk = WalkForwardSettings(
        first_day=None, first_test=0.6, last_test=None, test_days=14, calibrate_days=7, calibrate_rows=None,
        tune_folds=1, tune_days=7,
        window_days=None, embargo_days=0, label_delay_days=0, sealed_days=None, shorten=False, final="newest",
    )  # fmt: skip
    keys = rows[["row_id", "group", "time", "target", "soft_label"]]
    folds = pd.concat([keys, walk_forward(rows["time"], rows["group"], walk)], axis=1)
    features = pd.DataFrame(
        {
            "row_id": rows["row_id"],
            "strength": strength,
            "rating": rows["rating"].mask(random.random(len(rows)) < 0.2),
            "distance": rows["distance"],
            "starts": random.poisson(3, len(rows)),
            "venue": rows["venue"].astype("category"),
            "trainer": pd.Categorical([f"t{number}" for number in random.zipf(1.6, len(rows)) % 200]),
        }
    )
    even = normalize_by_group(np.ones(len(rows)), encode_groups(rows["group"]))
    scored = [
        rows.loc[folds[fold] == "score", ["row_id", "group", "time", "target"]].assign(
            fold=fold,
            tuned=p[folds[fold] == "score"],
            default=p[folds[fold] == "score"],
            baseline=even[folds[fold] == "score"],
        )
        for fold in ("test_0", "test_1")
    ]
    audit: dict[str, Any] = {"audited": 6, "moments": 2, "leaking": [], "features": HASHES["features"]}
    intake = {"rows": {"in": len(rows), "kept": len(rows)}, "set_aside": {}, "look_meant": {}, "hints": []}
    quality = {"intake": intake}
    evidence = Evidence("races", pd.concat(scored), rows, COLUMNS, features, folds, {}, audit, LIMITS, seed, quality)
    return replace(evidence, score_audits=SCORE_AUDITS, hashes=HASHES)


def with_predictions(evidence: Evidence, **columns: Any) -> Evidence:
    """Return evidence with some columns of the predictions replaced."""
    return replace(evidence, predictions=evidence.predictions.assign(**columns))


def reshaped(evidence: Evidence, change: Any) -> Evidence:
    """Return evidence whose tuned log probabilities are changed and normalised to shares again."""
    rows = evidence.predictions
    return with_predictions(
        evidence,
        tuned=compute_group_softmax(change(np.log(rows["tuned"].to_numpy()), rows), encode_groups(rows["group"])),
    )


def _late(evidence: Evidence) -> pd.Series:
    late: pd.Series = (evidence.folds[["test_0", "test_1"]] == "score").any(axis=1)
    return late


def marketless(evidence: Evidence) -> Evidence:
    return replace(
        evidence, prepared=evidence.prepared.assign(soft_label=np.nan), folds=evidence.folds.assign(soft_label=np.nan)
    )


def tiny(evidence: Evidence) -> Evidence:
    """Return the same evidence reduced to one scored group."""
    last = evidence.predictions["group"].iloc[-1]
    ids = evidence.predictions["row_id"][evidence.predictions["group"] == last]
    tables = {
        name: getattr(evidence, name)[lambda table: table["row_id"].isin(ids)]
        for name in ("predictions", "prepared", "features", "folds")
    }
    return replace(evidence, **tables)


def empty(evidence: Evidence) -> Evidence:
    return replace(evidence, predictions=evidence.predictions.iloc[:0], audit={}, score_audits={})


def chances(evidence: Evidence) -> Evidence:
    """Return evidence of independent rows, each with its own probability, grouped by day."""
    random = np.random.default_rng(evidence.seed)
    rows = evidence.prepared
    p = rows["row_id"].map(evidence.predictions.set_index("row_id")["tuned"]).fillna(0.5)
    group = evidence.prepared["group"].str[1:].astype(int).floordiv(4).astype(str)
    target = pd.Series(random.random(len(rows)) < p, index=p.index).astype(float)
    return _retold(evidence, group, target)


def quantities(evidence: Evidence) -> Evidence:
    """Return evidence of a quantity per row, the prediction plus noise, with a line that has larger errors."""
    random = np.random.default_rng(evidence.seed)
    p = evidence.prepared["row_id"].map(evidence.predictions.set_index("row_id")["tuned"]).fillna(0.5)
    target = pd.Series(random.normal(40 * p, 8), index=p.index)
    changed = _retold(evidence, evidence.prepared["group"], target)
    line = 40 * p + random.normal(0, 0.5, len(p))
    chance = 0.5 + (40 * p - line) / (8 * np.sqrt(2 * np.pi))  # that the normal target is over a line so near its mean
    curve = [
        {"n": int(part.sum()), "predicted": float(chance[part].mean()), "observed": float((target > line)[part].mean())}
        for part in (chance < 0.5, chance >= 0.5)
    ]
    changed = replace(
        changed,
        prepared=changed.prepared.assign(soft_label=line),
        report=changed.report | {"distribution": {"reliability": curve}},
    )
    return with_predictions(changed, **{arm: 40 * changed.predictions[arm] for arm in ("tuned", "default", "baseline")})


def _retold(evidence: Evidence, group: pd.Series, target: pd.Series) -> Evidence:
    prepared = evidence.prepared.assign(group=group, target=target, soft_label=np.nan)
    folds = evidence.folds.assign(group=group, target=target, soft_label=np.nan)
    by_row = prepared.set_index("row_id")
    predictions = evidence.predictions.assign(
        **{name: evidence.predictions["row_id"].map(by_row[name]) for name in ("group", "target")}
    )
    return replace(evidence, prepared=prepared, folds=folds, predictions=predictions)


KINDS: dict[str, Callable[[], Evidence]] = {
    "healthy": healthy,
    "tiny": lambda: tiny(healthy()),
    "marketless": lambda: marketless(healthy()),
    "empty": lambda: empty(healthy()),
    "chances": lambda: chances(healthy()),
    "quantities": lambda: quantities(healthy()),
    "without the tuned arm": lambda: replace(healthy(), predictions=healthy().predictions.drop(columns="tuned")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", CHECKS)
def test_every_check_gives_a_finding_on_evidence_of_every_kind_and_never_raises(
    check: str, kind: str, tmp_path: Path
) -> None:
    found = ask(check, KINDS[kind]())
    assert set(found) == {"status", "summary", "details"}
    assert found["status"] in ("ok", "warning", "failed", "declined")
    assert found["summary"].endswith(".")
    write_json(found, tmp_path / "finding.json")
    assert json.loads((tmp_path / "finding.json").read_text())["status"] == found["status"]


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_a_name_and_a_docstring_that_opens_with_its_word(check: str) -> None:
    module = load_plugin("diagnose/checks", check)
    assert module.NAME
    assert module.__doc__ is not None
    assert module.__doc__.startswith(f"{check}: ")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check", CHECKS)
def test_a_check_is_content_with_evidence_in_which_nothing_is_wrong(check: str, seed: int) -> None:
    found = ask(check, quantities(healthy(seed)) if check in OF_LINES else healthy(seed))
    assert found["status"] == ("declined" if check == OF_QUOTES else "ok"), found["summary"]


@pytest.mark.parametrize("seed", SEEDS[:2])
@pytest.mark.parametrize("check", CHECKS)
def test_no_check_complains_of_honest_evidence_that_has_no_market(check: str, seed: int) -> None:
    found = ask(check, marketless(healthy(seed)))
    assert found["status"] == ("declined" if check in ("too_good", OF_QUOTES, *OF_LINES) else "ok"), found["summary"]


@pytest.mark.parametrize("kind", [chances, quantities])
@pytest.mark.parametrize("check", CHECKS)
def test_no_check_complains_of_honest_chances_or_quantities(check: str, kind: Any) -> None:
    found = ask(check, kind(healthy(1)))
    assert found["status"] in ("ok", "declined"), found["summary"]


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_finds_the_same_twice_and_leaves_the_evidence_as_it_was(check: str) -> None:
    before = healthy().predictions.copy(), healthy().features.copy(), healthy().folds.copy()
    assert ask(check, healthy()) == ask(check, healthy())
    for left, right in zip(before, (healthy().predictions, healthy().features, healthy().folds), strict=True):
        assert left.equals(right)


def test_checks_that_need_many_groups_decline_on_one_group_and_say_how_many_they_need() -> None:
    for check in ("calibration_slope", "worst_segments", "too_good", "feature_shift", "constant_features"):
        found = ask(check, tiny(healthy()))
        assert found["status"] == "declined", check
        assert "30" in found["summary"], check


def test_leak_audit_fails_on_a_leaking_feature_and_names_it() -> None:
    found = ask("leak_audit", replace(healthy(), audit={"audited": 6, "moments": 2, "leaking": ["rating"]}))
    assert found["status"] == "failed"
    assert "rating" in found["summary"]


def test_score_audit_names_the_stage_the_fold_and_the_first_value_that_changed() -> None:
    fault = {"differing": 3, "example": {"row": "r7", "column": "tuned", "published": 0.1, "rebuilt": 0.2}}
    faulty = SCORE_AUDITS | {"train": {"folds": [SCORE_AUDITS["train"]["folds"][0] | fault]}}
    found = ask("score_audit", replace(healthy(), score_audits=faulty))
    assert found["status"] == "failed"
    assert found["summary"] == (
        "train uses outcomes that it is scored on: when 40 rows of test_0 got others, 3 of 50 values changed, such as "
        "tuned of r7."
    )
    error = SCORE_AUDITS["train"]["folds"][0] | {"differing": 50, "error": "FileNotFoundError: data/prepared"}
    found = ask("score_audit", replace(healthy(), score_audits=SCORE_AUDITS | {"train": {"folds": [error]}}))
    assert found["status"] == "failed"
    assert "train of test_0 did not run on its own inputs alone" in found["summary"]
    assert "FileNotFoundError: data/prepared" in found["summary"]


def test_score_audit_says_what_was_left_out_and_declines_where_a_stage_was_not_audited() -> None:
    left_out = SCORE_AUDITS | {"tune": {"folds": [{"fold": "test_0", "exchanged": 0}]}}
    found = ask("score_audit", replace(healthy(), score_audits=left_out))
    assert found["status"] == "ok"
    assert found["summary"].endswith(
        "train and calibrate gave the same 150 values, bit for bit; tune was left out, as it may see every row."
    )
    for audits in ({}, SCORE_AUDITS | {"calibrate": {"folds": []}}):
        assert ask("score_audit", replace(healthy(), score_audits=audits))["status"] == "declined"


@pytest.mark.parametrize("audit", [{}, {"audited": 0, "moments": 2, "leaking": []}, {"audited": 6, "moments": 0}])
def test_leak_audit_declines_where_nothing_was_audited(audit: dict[str, Any]) -> None:
    assert ask("leak_audit", replace(healthy(), audit=audit))["status"] == "declined"


def test_constant_features_names_inputs_that_are_constant_missing_or_mostly_missing() -> None:
    features = healthy().features
    sparse = features["rating"].where(np.arange(len(features)) % 3 == 0)
    planted = features.assign(flat=1.0, one="a", void=np.nan, sparse=sparse)
    found = ask("constant_features", replace(healthy(), features=planted))
    assert found["status"] == "warning"
    assert found["details"]["constant"] == ["flat", "one"]
    assert found["details"]["all_missing"] == ["void"]
    assert list(found["details"]["mostly_missing"]) == ["sparse"]


def test_an_input_that_is_dead_or_rare_in_fitting_as_well_is_listed_and_no_cause_for_a_warning() -> None:
    evidence = healthy()
    known = np.arange(len(evidence.features)) % 3 == 0
    planted = evidence.features.assign(flat=1.0, sparse=evidence.features["rating"].where(known))
    found = ask("constant_features", replace(evidence, features=planted))
    assert found["status"] == "ok"
    assert found["details"]["constant"] == ["flat"]
    assert list(found["details"]["mostly_missing"]) == ["sparse"]
    assert found["summary"].startswith("flat is constant in the fit rows as well")
    late = _late(evidence).astype(bool)
    stopped = evidence.features.assign(
        flat=np.where(late, 1.0, evidence.features["rating"]), sparse=evidence.features["rating"].where(known | ~late)
    )
    found = ask("constant_features", replace(evidence, features=stopped))
    assert found["status"] == "warning"
    assert "flat is constant; sparse is missing in over 50% of the score rows" in found["summary"]


def test_a_value_in_many_rows_is_no_default_if_it_is_the_least_that_there_is() -> None:
    evidence = healthy()
    seen = np.random.default_rng(1).random(len(evidence.features)) < 0.3
    absences = np.where(seen, evidence.features["strength"].abs() + 1, 0.0)
    found = ask("constant_features", replace(evidence, features=evidence.features.assign(absences=absences)))
    assert found["details"]["defaulted"] == {}


def test_constant_features_names_an_input_that_wakes_only_where_it_is_scored() -> None:
    evidence = healthy()
    planted = evidence.features.assign(woken=np.where(_late(evidence), evidence.features["strength"], 0.0))
    found = ask("constant_features", replace(evidence, features=planted))
    assert found["details"]["awakened"] == {"woken": ["test_0"]}
    assert "woken" in found["summary"]


def test_constant_features_names_a_measured_input_in_which_one_value_hides_what_is_missing() -> None:
    evidence = healthy()
    measured = evidence.features["strength"]
    hidden = measured.mask(np.random.default_rng(1).random(len(measured)) < 0.7, 0.0)
    found = ask("constant_features", replace(evidence, features=evidence.features.assign(strength=hidden)))
    assert found["status"] == "warning"
    assert list(found["details"]["defaulted"]) == ["strength"]
    assert found["details"]["defaulted"]["strength"] == pytest.approx(0.7, abs=0.02)
    honest = evidence.features.assign(strength=measured.mask(hidden == 0))
    assert ask("constant_features", replace(evidence, features=honest))["details"]["defaulted"] == {}


def test_an_input_that_is_one_value_or_missing_is_not_constant() -> None:
    features = healthy().features
    flag = pd.Series(1.0, index=features.index).mask(np.arange(len(features)) % 3 == 0)
    assert ask("constant_features", replace(healthy(), features=features.assign(flag=flag)))["status"] == "ok"


def test_feature_shift_names_a_number_that_moved_but_not_a_count_that_grows_as_before() -> None:
    evidence = healthy()
    features = evidence.features
    planted = features.assign(
        strength=features["strength"] + 0.8 * _late(evidence), starts=(evidence.folds["time"].rank() // 50)
    )
    found = ask("feature_shift", replace(evidence, features=planted))
    assert found["status"] == "warning"
    assert found["details"]["shifted"] == ["strength"]
    assert found["details"]["as_before"] == ["starts"]


def test_feature_shift_names_a_category_of_new_levels_and_a_number_that_goes_missing() -> None:
    evidence = healthy()
    features, late = evidence.features, _late(evidence)
    venue = features["venue"].astype(object).mask(late, "Dover").astype("category")
    planted = features.assign(venue=venue, strength=features["strength"].mask(late & (np.arange(len(late)) % 2 == 0)))
    assert ask("feature_shift", replace(evidence, features=planted))["details"]["shifted"] == ["venue", "strength"]


def test_feature_shift_is_not_fooled_by_the_noise_of_few_groups() -> None:
    evidence = healthy(2)
    few = evidence.folds["group"].isin(evidence.folds["group"].unique()[::13])
    ids = evidence.folds["row_id"][few]
    small = replace(
        evidence, folds=evidence.folds[few], features=evidence.features[evidence.features["row_id"].isin(ids)]
    )
    found = ask("feature_shift", replace(small, limits=LIMITS.model_copy(update={"shift": 0.0})))
    assert found["status"] == "declined" or not found["details"]["shifted"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("factor", "verdict"), [(1.5, "too bold"), (0.6, "too timid")])
def test_calibration_slope_warns_of_probabilities_too_bold_or_too_timid(factor: float, verdict: str, seed: int) -> None:
    found = ask("calibration_slope", reshaped(healthy(seed), lambda score, _: factor * score))
    assert found["status"] == "warning"
    assert verdict in found["summary"]


def test_the_calibration_slope_is_that_of_a_plain_logistic_regression_and_covers_one() -> None:
    found = ask("calibration_slope", healthy())["details"]
    assert found["slope"]["low"] < 1 < found["slope"]["high"]
    assert found["intercept"]["low"] < 0.1
    rows = healthy().predictions
    x = np.log(rows["tuned"]) - np.log1p(-rows["tuned"])
    p = 1 / (1 + np.exp(-found["intercept"]["value"] - found["slope"]["value"] * x))
    assert abs((rows["target"] - p).sum()) < 1e-6
    assert abs(((rows["target"] - p) * x).sum()) < 1e-6


def test_calibration_slope_declines_quantities_and_probabilities_that_are_all_equal() -> None:
    assert ask("calibration_slope", quantities(healthy()))["status"] == "declined"
    assert ask("calibration_slope", with_predictions(chances(healthy()), tuned=0.3))["status"] == "declined"


def _at(evidence: Evidence, column: str) -> pd.Series:
    return evidence.predictions["row_id"].map(evidence.prepared.set_index("row_id")[column])


@pytest.mark.parametrize("market", [True, False])
def test_worst_segments_names_the_venue_at_which_the_model_is_confused(market: bool) -> None:
    evidence = healthy() if market else marketless(healthy())
    bath = (_at(evidence, "venue") == "Bath").to_numpy()
    found = ask("worst_segments", reshaped(evidence, lambda score, _: np.where(bath, np.roll(score, 1), score)))
    assert found["status"] == "warning"
    worst = found["details"]["worst"][0]
    assert (worst["column"], worst["level"]) == ("venue", "Bath")
    assert worst["low"] > 0


def test_worst_segments_cries_wolf_on_honest_evidence_about_as_rarely_as_its_interval_says() -> None:
    alarms = [ask("worst_segments", healthy(seed))["status"] == "warning" for seed in range(20)]
    assert sum(alarms) <= 3  # the rate is 1 in 20; four or more occur in one such run of 60


def test_worst_segments_names_a_venue_of_which_the_model_knows_nothing_if_the_market_does() -> None:
    evidence = healthy()
    cork = (_at(evidence, "venue") == "Cork").to_numpy()
    found = ask("worst_segments", reshaped(evidence, lambda score, _: np.where(cork, 0.0, score)))
    assert [(one["column"], one["level"]) for one in found["details"]["worst"]] == [("venue", "Cork")]


def test_worst_segments_names_a_box_whose_runners_are_underrated_by_its_mean_residual() -> None:
    evidence = healthy()
    inner = (_at(evidence, "box") == 1).to_numpy()
    found = ask("worst_segments", reshaped(evidence, lambda score, _: score - 1.0 * inner))
    worst = found["details"]["worst"][0]
    assert (worst["column"], worst["level"], worst["measure"]) == ("box", "1", "target − p")
    assert worst["mean"] > 0


def test_worst_segments_skips_segments_of_too_few_groups_and_columns_known_only_later() -> None:
    few = replace(healthy(), limits=LIMITS.model_copy(update={"segment_groups": 400}))
    assert ask("worst_segments", few)["status"] == "declined"
    evidence = healthy()
    planted = replace(evidence, prepared=evidence.prepared.assign(margin=evidence.prepared["target"]))
    assert ask("worst_segments", planted)["status"] == "ok"


def test_worst_segments_sees_a_part_in_which_chances_or_quantities_are_wrong() -> None:
    for evidence, wrong in ((chances(healthy()), 0.3), (quantities(healthy()), 8.0)):
        bath = _at(evidence, "venue") == "Bath"
        planted = with_predictions(
            evidence, tuned=evidence.predictions["tuned"].mask(bath, evidence.predictions["tuned"] / 3 + wrong)
        )
        found = ask("worst_segments", planted)
        assert found["details"]["worst"][0]["level"] == "Bath"


def _leaked(evidence: Evidence, strength: float) -> Evidence:
    target = evidence.predictions["target"].to_numpy()
    return reshaped(evidence, lambda score, _: score + strength * target)


def test_too_good_fails_a_model_that_beats_a_market_it_cannot_know() -> None:
    found = ask("too_good", _leaked(healthy(), 0.8))
    assert found["status"] == "failed"
    assert found["details"]["over_market"]["low"] > LIMITS.r2_over_market


def test_too_good_fails_an_r2_beyond_belief_even_without_a_market() -> None:
    assert ask("too_good", _leaked(marketless(healthy()), 5.0))["status"] == "failed"


def test_a_lead_over_a_market_that_is_known_at_the_decision_is_no_proof_of_a_leak_but_doubtful() -> None:
    audit = {"audited": 6, "moments": 2, "decision": "at_start"}
    found = ask("too_good", replace(_leaked(healthy(), 0.8), audit=audit))
    assert found["status"] == "warning"
    assert "a market that is none" in found["summary"]
    assert ask("too_good", replace(healthy(), audit=audit))["status"] == "ok"


@pytest.mark.parametrize("kind", [healthy, lambda: quantities(healthy())])
def test_too_good_finds_an_outcome_in_predictions_that_stay_below_the_market(kind: Callable[[], Evidence]) -> None:
    evidence = kind()
    predictions = evidence.predictions
    timid = 0.6 * predictions["tuned"] + 0.4 * predictions.groupby("group")["tuned"].transform("mean")
    found = ask("too_good", with_predictions(evidence, tuned=timid))
    assert found["status"] == "ok", found["summary"]
    found = ask("too_good", with_predictions(evidence, tuned=timid + 0.06 * (predictions["target"] - timid)))
    assert found["status"] == "failed", found["summary"]
    assert found["details"]["over_market"]["low"] < LIMITS.r2_over_market, "the difference of R² shows nothing"
    assert found["details"]["gain"]["low"] > LIMITS.gain_too_good


def test_too_good_doubts_a_small_leak_whose_interval_is_wide() -> None:
    evidence = healthy()
    leaked = 0.985 * evidence.predictions["tuned"] + 0.015 * evidence.predictions["target"]
    found = ask("too_good", with_predictions(evidence, tuned=leaked))
    assert found["status"] == "warning", found["summary"]
    gain = found["details"]["gain"]
    assert 0 < gain["low"] < LIMITS.gain_doubtful < gain["value"]


def test_too_good_fails_a_market_that_explains_less_than_nothing() -> None:
    evidence = healthy()
    price = evidence.prepared["soft_label"].to_numpy()
    swapped = replace(evidence, prepared=evidence.prepared.assign(soft_label=1 / price / (1 / price).sum()))
    found = ask("too_good", swapped)
    assert found["status"] == "failed"
    assert "prices or lines of other rows" in found["summary"]


def test_too_good_judges_quantities_by_their_squared_error_beside_the_line() -> None:
    evidence = quantities(healthy())
    assert ask("too_good", evidence)["status"] == "ok"
    leaked = evidence.predictions["tuned"] + 0.1 * (evidence.predictions["target"] - evidence.predictions["tuned"])
    found = ask("too_good", with_predictions(evidence, tuned=leaked))
    assert found["status"] == "failed"
    assert found["details"]["over_market"]["low"] > LIMITS.r2_over_market


def _in_play(evidence: Evidence, share: float) -> Evidence:
    """Return the evidence with lines that know a share of the result, as those of a running game do."""
    line, target = evidence.prepared["soft_label"], evidence.prepared["target"]
    return replace(evidence, prepared=evidence.prepared.assign(soft_label=line + share * (target - line)))


def test_too_good_fails_a_market_that_explains_more_than_any_forecast_could() -> None:
    found = ask("too_good", _in_play(quantities(healthy()), 0.8))
    assert found["status"] == "failed"
    assert "market" in found["summary"]
    assert found["details"]["market_r2"]["low"] > LIMITS.r2_too_good


def test_too_good_picks_fails_picks_that_lose_because_the_lines_know_the_result() -> None:
    evidence = _in_play(quantities(healthy()), 0.5)
    found = ask("too_good_picks", evidence)
    assert found["status"] == "failed"
    assert "running game" in found["summary"]
    assert found["details"]["hit_rate"]["high"] < 0.42


@pytest.mark.parametrize(("shift", "status"), [(0.0, "ok"), (1.0, "ok"), (-2.0, "failed"), (2.0, "failed")])
def test_market_bias_fails_predictions_that_stand_on_one_side_of_the_line(shift: float, status: str) -> None:
    evidence = quantities(healthy())
    found = ask("market_bias", with_predictions(evidence, tuned=evidence.predictions["tuned"] + shift))
    assert found["status"] == status
    assert found["details"]["distance"]["value"] == pytest.approx(shift, abs=0.05)
    assert found["details"]["rows"] == len(evidence.predictions)


def test_market_bias_looks_only_at_rows_that_have_a_line_and_declines_without_a_limit() -> None:
    evidence = quantities(healthy())
    line = evidence.prepared["soft_label"].mask(evidence.prepared["box"] > 2)
    some = replace(evidence, prepared=evidence.prepared.assign(soft_label=line))
    unlined = with_predictions(some, tuned=some.predictions["tuned"] + np.where(_boxes(some) > 2, 100.0, 0.0))
    assert ask("market_bias", unlined)["status"] == "ok"
    limitless = replace(evidence, limits=LIMITS.model_copy(update={"market_bias": None}))
    assert ask("market_bias", limitless)["status"] == "declined"


def test_too_good_picks_fails_hit_rates_that_only_a_leak_reaches() -> None:
    evidence = quantities(healthy())
    predictions = evidence.predictions
    leaked = predictions["tuned"] + 0.3 * (predictions["target"] - predictions["tuned"])
    found = ask("too_good_picks", with_predictions(evidence, tuned=leaked))
    assert found["status"] == "failed"
    assert found["details"]["hit_rate"]["low"] > 0.58
    line = predictions["row_id"].map(evidence.prepared.set_index("row_id")["soft_label"])
    picked = (leaked - line).abs() >= 1
    won = np.sign(leaked - line) == np.sign(predictions["target"] - line)
    assert found["details"]["hit_rate"]["value"] == pytest.approx(won[picked].mean())
    few = LIMITS.model_copy(update={"hit_rate_picks": 10**6, "error_below_market": 100.0, "result_correlation": 0.99})
    assert ask("too_good_picks", replace(with_predictions(evidence, tuned=leaked), limits=few))["status"] == "ok"


def test_too_good_picks_doubts_predictions_that_deviate_from_the_line_as_the_results_do() -> None:
    only_correlation = LIMITS.model_copy(update={"hit_rate_picks": 10**6, "error_below_market": 100.0})
    evidence = replace(quantities(healthy()), limits=only_correlation)
    predictions = evidence.predictions
    clean = ask("too_good_picks", evidence)
    assert (clean["status"], clean["details"]["result_correlation"] < 0.1) == ("ok", True)
    leaked = predictions["tuned"] + 0.05 * (predictions["target"] - predictions["tuned"])
    found = ask("too_good_picks", with_predictions(evidence, tuned=leaked))
    assert found["status"] == "warning"
    assert "look for the result in the predictions" in found["summary"]
    few_rows = predictions.assign(tuned=leaked).iloc[:12]  # in which it may be chance
    assert ask("too_good_picks", replace(evidence, predictions=few_rows))["status"] == "ok"


def test_too_good_picks_fails_an_error_far_below_the_line_s_even_where_it_hardly_picks() -> None:
    evidence = quantities(healthy())
    line = evidence.prepared["soft_label"] + np.random.default_rng(2).normal(0, 12, len(evidence.prepared))
    found = ask("too_good_picks", replace(evidence, prepared=evidence.prepared.assign(soft_label=line)))
    assert found["status"] == "failed"
    assert found["details"]["error_below_market"] > 0.3
    assert ask("too_good_picks", marketless(evidence))["status"] == "declined"


def _boxes(evidence: Evidence) -> np.ndarray:
    return evidence.predictions["row_id"].map(evidence.prepared.set_index("row_id")["box"]).to_numpy()


def test_duplicates_fails_a_row_predicted_twice_and_a_row_scored_by_two_folds() -> None:
    rows = healthy().predictions
    again = replace(healthy(), predictions=pd.concat([rows, rows.iloc[:3]]))
    found = ask("duplicates", again)
    assert (found["status"], found["details"]["repeated"]) == ("failed", 3)
    twice = replace(healthy(), predictions=pd.concat([rows, rows.iloc[:2].assign(fold="test_1")]))
    found = ask("duplicates", twice)
    assert (found["status"], found["details"]["several_folds"]) == ("failed", 2)


def test_duplicates_fails_a_row_that_one_fold_both_fits_and_scores() -> None:
    evidence = healthy()
    seen = evidence.predictions["row_id"].iloc[0]
    fit = evidence.folds[evidence.folds["row_id"] == seen].assign(test_0="fit")
    found = ask("duplicates", replace(evidence, folds=pd.concat([evidence.folds, fit])))
    assert (found["status"], found["details"]["learned"]) == ("failed", 1)


def test_duplicates_warns_of_entities_twice_at_one_time_unless_they_are_rare_and_of_duplicated_inputs() -> None:
    evidence = healthy()
    rows, predicted = evidence.prepared, evidence.predictions["row_id"]
    race = rows.loc[rows["row_id"] == predicted.iloc[0], "group"].iloc[0]
    for is_same, status, count in (
        (rows["row_id"].isin(predicted[:2]), "ok", 1),
        (rows["group"] == race, "warning", int((rows["group"] == race).sum()) - 1),
    ):
        same = rows.assign(entity=rows["entity"].mask(is_same, "same"))
        found = ask("duplicates", replace(evidence, prepared=same))
        assert (found["status"], found["details"]["same_moment"]) == (status, count)
    frozen = evidence.features.copy()
    late = frozen.index[_late(evidence)][:100]
    for name in frozen.columns.drop("row_id"):
        frozen.loc[late, name] = frozen.loc[late[0], name]
    found = ask("duplicates", replace(evidence, features=frozen))
    assert found["status"] == "warning"
    assert found["details"]["equal_inputs_share"] > LIMITS.equal_inputs_share


def test_coverage_fails_rows_without_a_prediction_and_predictions_nobody_asked_for() -> None:
    rows = healthy().predictions
    found = ask("coverage", replace(healthy(), predictions=rows.iloc[7:]))
    assert (found["status"], found["details"]["unpredicted"]) == ("failed", 7)
    found = ask("coverage", replace(healthy(), predictions=pd.concat([rows, rows.iloc[:1].assign(row_id="nobody")])))
    assert (found["status"], found["details"]["unasked"]) == ("failed", 1)


def test_coverage_fails_missing_predictions_and_shares_that_do_not_sum_to_one() -> None:
    rows = healthy().predictions
    found = ask("coverage", with_predictions(healthy(), tuned=rows["tuned"].where(np.arange(len(rows)) >= 2)))
    assert (found["status"], found["details"]["missing"]["tuned"]) == ("failed", 2)
    first = rows["group"] == rows["group"].iloc[0]
    found = ask("coverage", with_predictions(healthy(), baseline=rows["baseline"].where(~first, 0.9)))
    assert (found["status"], found["details"]["torn"]) == ("failed", {"tuned": 0, "default": 0, "baseline": 1})


def test_coverage_asks_no_sums_of_chances_and_declines_where_nothing_is_scored() -> None:
    assert ask("coverage", chances(healthy()))["status"] == "ok"
    unscored = healthy().folds.drop(columns=["test_0", "test_1"])
    assert ask("coverage", replace(healthy(), folds=unscored))["status"] == "declined"


# --- information_clock ---


def clocked(known_at_start: list[str], **changed: Any) -> Evidence:
    """Return evidence whose report and audit say when inputs were known."""
    moment = "at_start" if known_at_start else "before"
    clock = {
        "inputs_known": moment,
        "lines": 9,
        "graded": 9,
        "not_graded": 0,
        "unknown_age": 0,
        "sentence": "All stood.",
    }
    audit = healthy().audit | {"known_at_start": known_at_start}
    return replace(healthy(), report=healthy().report | {"clock": clock | changed}, audit=audit)


def test_bets_on_quotes_of_unknown_age_are_doubtful_and_others_are_not() -> None:
    assert ask("information_clock", clocked([]))["status"] == "ok"
    assert ask("information_clock", clocked(["side_usual"]))["status"] == "ok"
    doubtful = ask("information_clock", clocked(["side_usual"], unknown_age=9, sentence="Nobody knows."))
    assert (doubtful["status"], doubtful["summary"]) == ("warning", "Nobody knows.")


def test_a_report_that_takes_line_ups_as_known_before_fails_and_one_without_lines_declines() -> None:
    found = ask("information_clock", clocked(["side_usual"], inputs_known="before"))
    assert found["status"] == "failed"
    assert "side_usual" in found["summary"]
    assert ask("information_clock", clocked([], lines=0))["status"] == "declined"
    assert ask("information_clock", healthy())["status"] == "declined"


@pytest.mark.parametrize("table", ["features", "predictions"])
def test_inputs_and_predictions_that_were_changed_after_their_stage_are_named(table: str) -> None:
    evidence = healthy()
    finding = ask("altered_tables", replace(evidence, hashes=evidence.hashes | {table: "0c"}))
    assert (finding["status"], finding["details"]["altered"]) == ("failed", [table])
    assert f"changed the {table} after" in finding["summary"]


def test_without_hashes_of_the_stages_nothing_is_said_of_changes() -> None:
    assert ask("altered_tables", replace(healthy(), score_audits={}))["status"] == "declined"
