"""gap: why do backtest and production differ in their figure, and can the two be compared at all?"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap import side_metrics as figures
from stages.diagnose.backtest_gap.anomalous_periods import find_stretches
from stages.diagnose.backtest_gap.evidence_rows import join_evidence_rows
from stages.diagnose.backtest_gap.gap_sentences import format_sentences
from stages.diagnose.backtest_gap.gap_settings import Settings
from stages.diagnose.backtest_gap.line_audit import audit_lines
from stages.diagnose.backtest_gap.logged_rows import compare_with_log
from stages.diagnose.backtest_gap.main_cause import (
    build_waterfall,
    estimate_contributions,
    find_clear_causes,
    find_main_cause,
)
from stages.diagnose.backtest_gap.missing_dates import estimate_excluded_days, summarise_missing_days
from stages.diagnose.backtest_gap.paired_rows import PairedRows, select_newest_predictions
from stages.diagnose.backtest_gap.prediction_equality import compare_predictions
from stages.diagnose.backtest_gap.prediction_times import find_late_predictions, summarise_prediction_times
from stages.diagnose.backtest_gap.verdict import evaluate_comparability, format_headline
from stages.diagnose.backtest_gap.waterfall import GapChain, build_gap_chain
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.gap_measure import GapMeasure
from trueline.core.stats.block_bootstrap import BlockBootstrap

NAME = "Can the backtest be compared with production, and what makes the difference?"
ASKS = "health"

Report = dict[str, Any]

__all__ = [
    "NAME",
    "Settings",
    "build_gap_report",
    "check",
    "compare_as_graded",
    "drop_days",
    "format_sentences",
    "join_evidence_rows",
]


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Compare the tuned arm with the production log, and attribute the difference to its causes.

    The scorer's report says by which figure, and in which words; bets are on real lines.

    Fails if predictions were made after their events or are too good for a forecast; warns if the two sides are not
    comparable, or if one batch holds much of the log or of the gap. Declines without a production log, and if either
    side has no graded row.
    """
    if not evidence.report.get("gap_measure"):
        return decline("The scorer does not say by what backtest and production are compared.")
    measure = GapMeasure(**evidence.report["gap_measure"])
    if measure.has_lines:
        settings.require_line_settings(evidence.task)
    rows = join_evidence_rows(evidence, measure, settings.segments)
    if rows.empty:
        return decline("There is no production log to compare the backtest with.")
    paired = PairedRows.from_rows(rows, settings.pick_distance, measure)  # prepare gives every entity and day once
    for source, name in ((paired.backtest, "backtest"), (paired.production, "production log")):
        if not source.graded.any():
            needs = "a prediction, a line and an outcome" if measure.has_lines else "predictions and outcomes"
            return decline(f"The {name} has no row with {needs}.")
    with limit_to_one_thread():
        bootstrap = BlockBootstrap(paired.day_index, evidence.seed)
        report = _build_report(paired, build_gap_chain(paired, bootstrap, None), settings)
        if report["lines"]["estimated"]:
            report["as_graded"] = _build_as_graded_report(paired, bootstrap)
    reasons = report["verdict"]["reasons"]
    headline = f"{format_headline(report, measure)}{': ' if reasons else ''}{'; '.join(reasons[:3])}"
    summary = f"{headline}. {report['main_cause']['sentence']}"
    return make_finding(_choose_status(report), summary, **report)


def build_gap_report(rows: pd.DataFrame, settings: Settings, seed: int, measure: GapMeasure) -> Report:
    """Return the gap report of rows that carry both sides; hit rates and their differences are shares, not per cent.

    Required columns: entity, day, target; backtest, production (predictions, missing where a side has none); for bets
    backtest_line, production_line, for shares group. Optional: backtest_line_type, production_line_type (actual,
    estimated), production_model, production_hash (of that model), production_at, start_time (UTC), backtest_pick,
    production_pick (1 over, −1 under: the side that was bet, if it is logged rather than decided by the edge) and
    production_result (1 won, 0 lost, as logged). Of several rows of an entity and day the newest prediction counts; the
    effect of the others on the log's own rate is `grading`. Intervals resample days. The `contributions` add up to the
    gap, up to `residual`, and `log` says what differs from the log to the last bit, if it is one of ours. Lines from
    another time and lines from another book are not distinguished: both are `line_timing`.
    """
    with limit_to_one_thread():
        paired = PairedRows.from_rows(select_newest_predictions(rows, measure), settings.pick_distance, measure)
        recorded_bets = figures.sum_recorded_bets(rows, paired)
        chain = build_gap_chain(paired, BlockBootstrap(paired.day_index, seed), recorded_bets)
        report = _build_report(paired, chain, settings)
        report["rows"]["repeated"] = len(rows) - len(paired.rows)
        return report


def compare_as_graded(rows: pd.DataFrame, settings: Settings, seed: int, measure: GapMeasure) -> Report:
    """Return how the production log as it was graded differs from the same log on real lines only.

    Real lines are the log's own, or `backtest_line` where the log has an estimated one; the backtest's predictions are
    not used. The report has both sides, contributions and main cause: the effect of mixing types of line on one model.
    """
    with limit_to_one_thread():
        paired = PairedRows.from_rows(select_newest_predictions(rows, measure), settings.pick_distance, measure)
        return _build_as_graded_report(paired, BlockBootstrap(paired.day_index, seed))


def drop_days(rows: pd.DataFrame, days: list[str], settings: Settings, seed: int, measure: GapMeasure) -> Report:
    """Return the effect of some days on production's figure: with and without them, the lift, and if it matters."""
    with limit_to_one_thread():
        paired = PairedRows.from_rows(select_newest_predictions(rows, measure), settings.pick_distance, measure)
        return estimate_excluded_days(paired, BlockBootstrap(paired.day_index, seed), np.array(days, "datetime64[D]"))


def _build_report(paired: PairedRows, chain: GapChain, settings: Settings) -> Report:
    is_late = find_late_predictions(paired, settings)[0]
    report = _build_core_report(paired, chain) | {
        "log": compare_with_log(paired, is_late),
        "equality": compare_predictions(paired, settings.same_models, settings.segments, settings.tolerance),
        "stretches": find_stretches(paired, settings.shift_size, settings.shift_errors),
        "lines": audit_lines(paired, chain),
        "dates": summarise_missing_days(paired, chain),
        "production_only": figures.compare_served_rows(paired, chain),
        "like_for_like": figures.compare_like_for_like(paired, chain, is_late),
    }
    report["creation"] = summarise_prediction_times(paired, chain, report["gap"][paired.measure.name], settings)
    return report | {"verdict": evaluate_comparability(report, find_clear_causes(chain), settings, paired.measure)}


def _build_core_report(paired: PairedRows, chain: GapChain) -> Report:
    """Return both sides, the gap between them, and its decomposition."""
    differences, measure = figures.compute_gaps(paired, chain), paired.measure
    sources = {"backtest": paired.backtest, "production": paired.production}
    return {
        "measure": asdict(measure),
        "rows": _count_rows(paired, chain),
        "common": bool(chain.common_tables[0][:, 1].any() and chain.common_tables[1][:, 1].any()),
        "sides": {
            name: figures.compute_metrics(paired, chain.bootstrap, source, source.graded)
            for name, source in sources.items()
        },
        "gap": differences,
        "chain": _list_steps(chain, measure.name),
        "contributions": estimate_contributions(chain),
        "residual": chain.residual,
        "main_cause": find_main_cause(chain, differences[measure.name], measure),
        "waterfall": build_waterfall(chain),
    }


def _build_as_graded_report(paired: PairedRows, bootstrap: BlockBootstrap) -> Report:
    on_real_lines = paired.replace_estimated_lines()
    return _build_core_report(on_real_lines, build_gap_chain(on_real_lines, bootstrap, None))


def _count_rows(paired: PairedRows, chain: GapChain) -> dict[str, int]:
    on_real_lines = paired.production.graded & ~paired.production.estimated
    masks = {"backtest": paired.backtest.graded, "production": paired.production.graded}
    masks |= {"production_on_real_lines": on_real_lines}
    masks |= {"common": chain.is_common, "common_on_real_lines": chain.is_common & on_real_lines}
    return {name: int(rows.sum()) for name, rows in masks.items()} | {"repeated": 0}


def _list_steps(chain: GapChain, name: str) -> list[dict[str, Any]]:
    """Return the steps of the chain with the figure at each."""
    return [
        {"step": step.step, "decided": int(step.table[:, 1].sum()), name: chain.estimate_rate(step)}
        for step in chain.steps
    ]


def _choose_status(report: Report) -> Any:
    if report["creation"]["late"] or report["verdict"]["too_good"]:
        return "failed"
    has_concentrated_batch = any(batch["concentrated"] for batch in report["creation"]["batches"])
    return "warning" if has_concentrated_batch or report["verdict"]["verdict"] == "not comparable" else "ok"
