"""The gap report in sentences, for the command line."""

from collections.abc import Iterator
from typing import Any

from stages.diagnose.backtest_gap.gap_phrases import format_stretch
from stages.diagnose.backtest_gap.verdict import format_headline
from trueline.core.gap_measure import GapMeasure

Report = dict[str, Any]


def format_sentences(report: Report) -> list[str]:
    """Return the report as self-contained sentences, the verdict first."""
    measure = GapMeasure(**report["measure"])
    describers = (
        _describe_verdict, _describe_log, _describe_causes, _describe_like_for_like, _describe_prediction_times,
        _describe_lines, _describe_missing_days, _describe_equality, _describe_repeats,
    )  # fmt: skip
    return [sentence for describe in describers for sentence in describe(report, measure)]


def _describe_verdict(report: Report, measure: GapMeasure) -> Iterator[str]:
    yield f"{format_headline(report, measure)}."
    yield from (f"{reason[0].upper()}{reason[1:]}." for reason in report["verdict"]["reasons"])
    yield report["main_cause"]["sentence"]


def _describe_log(report: Report, measure: GapMeasure) -> Iterator[str]:
    if log := report["log"]:
        difference = "; ".join(log["differences"]) or "the log is the backtest, bit for bit"
        yield (
            f"{log['equal']:,} of {log['rows']:,} logged predictions of {log['days']} days equal the backtest's: "
            f"{difference}."
        )


def _describe_causes(report: Report, measure: GapMeasure) -> Iterator[str]:
    contributions = report["contributions"].items()
    causes = ", ".join(
        f"{name.replace('_', ' ')} {measure.format_difference(points)}" for name, points in contributions
    )
    if report["common"]:
        yield f"Of the gap come from {causes}; left over: {measure.scale * report['residual']:.4f}."


def _describe_like_for_like(report: Report, measure: GapMeasure) -> Iterator[str]:
    like_for_like, served = report["like_for_like"], report["production_only"]["served"]
    backtest = report["sides"]["backtest"]
    rates = {name: measure.format_rate(like_for_like[name][measure.name]) for name in ("backtest", "production")}
    lines = " on real lines" if measure.has_lines else ""
    yield (
        f"Like for like ({like_for_like['backtest']['rows']} rows that both grade{lines}, predicted before "
        f"the {measure.events}) the backtest {measure.verbs[0]} {rates['backtest']}, production {rates['production']}: "
        f"{measure.format_difference(like_for_like['gap'])}."
    )
    yield (
        f"On the {served['rows']} rows that production served the backtest {measure.verbs[0]} "
        f"{measure.format_rate(served[measure.name])}, "
        f"on all its {backtest['rows']} {measure.format_rate(backtest[measure.name])}."
    )


def _describe_prediction_times(report: Report, measure: GapMeasure) -> Iterator[str]:
    times = report["creation"]
    if late := times["late"]:
        yield (
            f"{late['rows']} predictions of {late['days']} days "
            f"({format_stretch(late['first_day'], late['last_day'])}) were made after their {measure.events}, "
            f"from {late['made_from']} to {late['made_to']}: they {measure.verbs[1]} "
            f"{measure.format_rate(late[measure.name])}, the others {measure.format_rate(late['without'])}."
        )
    if times["perhaps_late"]:
        yield f"{times['perhaps_late']} more may have been made after their {measure.events} began: no start is known."
    for batch in times["batches"]:
        yield (
            f"A batch from {batch['made_from']} holds {batch['rows']} predictions ({batch['share']:.0%} of the log) "
            f"of {batch['days']} days: it {measure.verbs[0]} {measure.format_rate(batch[measure.name])}, "
            f"a lift of {measure.format_difference(batch['lift'])}."
        )


def _describe_lines(report: Report, measure: GapMeasure) -> Iterator[str]:
    lines = report["lines"]
    if not lines["rows"] or not lines["estimated"]:
        return
    periods = ", ".join(format_stretch(period["first"], period["last"]) for period in lines["stretches"][:3])
    yield (
        f"{lines['estimated']:.1%} of production's lines are estimated{f' ({periods})' if periods else ''}: on them it "
        f"{measure.verbs[0]} {measure.format_rate(lines[measure.name]['estimated'])}, "
        f"on real ones {measure.format_rate(lines[measure.name]['actual'])}."
    )
    if as_graded := report.get("as_graded"):
        yield f"The log as graded against the same log on real lines: {as_graded['main_cause']['sentence']}"


def _describe_missing_days(report: Report, measure: GapMeasure) -> Iterator[str]:
    dates = report["dates"]
    if not dates["missing"]:
        return
    runs = ", ".join(format_stretch(run["first"], run["last"]) for run in dates["runs"][:5])
    effect = dates["effect"]
    significance = "it matters" if effect["matters"] else "within noise"
    yield (
        f"Production lacks {dates['missing']} of {dates['days']} days with {measure.events}"
        f"{f' ({runs})' if runs else ''}: they "
        f"lift the backtest by {measure.format_difference(effect['lift'])}, {significance}."
    )


def _describe_repeats(report: Report, measure: GapMeasure) -> Iterator[str]:
    if repeated_rows := report["rows"]["repeated"]:
        entity = f"a {measure.entities.removesuffix('s')}"
        yield (
            f"{repeated_rows} rows of the log repeat {entity} and day; counted as the log has them, they move its "
            f"{measure.title} by {measure.format_difference(report['contributions']['grading'])}."
        )


def _describe_equality(report: Report, measure: GapMeasure) -> Iterator[str]:
    equality = report["equality"]
    if equality["rows"]:
        digits = max(measure.decimals, 2)
        subject = "The same model" if equality["same_model"] else "Another model"
        yield (
            f"{subject} spoke in production: {equality['equal']:.1%} of {equality['rows']} predictions are equal, "
            f"half are within {equality['distance']['q50']:.{digits}f}, "
            f"99 in 100 within {equality['distance']['q99']:.{digits}f}."
        )
