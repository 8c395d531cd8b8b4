"""The gap report in sentences, for the command line."""

from collections.abc import Iterator
from typing import Any

from stages.diagnose.backtest_gap.gap_phrases import format_percent, format_points, format_stretch
from stages.diagnose.backtest_gap.verdict import format_headline

Report = dict[str, Any]


def format_sentences(report: Report) -> list[str]:
    """Return the report as self-contained sentences, the verdict first."""
    describers = (
        _describe_verdict, _describe_causes, _describe_like_for_like, _describe_prediction_times, _describe_lines,
        _describe_missing_days, _describe_equality, _describe_repeats,
    )  # fmt: skip
    return [sentence for describe in describers for sentence in describe(report)]


def _describe_verdict(report: Report) -> Iterator[str]:
    yield f"{format_headline(report)}."
    yield from (f"{reason[0].upper()}{reason[1:]}." for reason in report["verdict"]["reasons"])
    yield report["main_cause"]["sentence"]


def _describe_causes(report: Report) -> Iterator[str]:
    contributions = report["contributions"].items()
    causes = ", ".join(f"{name.replace('_', ' ')} {format_points(points)}" for name, points in contributions)
    if report["common"]:
        yield f"Of the gap come from {causes}; left over: {100 * report['residual']:.4f}."


def _describe_like_for_like(report: Report) -> Iterator[str]:
    like_for_like, served = report["like_for_like"], report["production_only"]["served"]
    backtest = report["sides"]["backtest"]
    rates = {name: format_percent(like_for_like[name]["hit_rate"]) for name in ("backtest", "production")}
    yield (
        f"Like for like ({like_for_like['backtest']['rows']} rows that both grade on real lines, predicted before "
        f"the games) the backtest hits {rates['backtest']}, production {rates['production']}: "
        f"{format_points(like_for_like['gap'])}."
    )
    yield (
        f"On the {served['rows']} rows that production served the backtest hits {format_percent(served['hit_rate'])}, "
        f"on all its {backtest['rows']} {format_percent(backtest['hit_rate'])}."
    )


def _describe_prediction_times(report: Report) -> Iterator[str]:
    times = report["creation"]
    if late := times["late"]:
        yield (
            f"{late['rows']} predictions of {late['days']} days "
            f"({format_stretch(late['first_day'], late['last_day'])}) were made after their games, "
            f"from {late['made_from']} to {late['made_to']}: they hit "
            f"{format_percent(late['hit_rate'])}, the others {format_percent(late['without'])}."
        )
    if times["perhaps_late"]:
        yield f"{times['perhaps_late']} more may have been made after their games began: no start is known."
    for batch in times["batches"]:
        yield (
            f"A batch from {batch['made_from']} holds {batch['rows']} predictions ({batch['share']:.0%} of the log) "
            f"of {batch['days']} days: it hits {format_percent(batch['hit_rate'])}, "
            f"a lift of {format_points(batch['lift'])}."
        )


def _describe_lines(report: Report) -> Iterator[str]:
    lines = report["lines"]
    if not lines["rows"] or not lines["estimated"]:
        return
    periods = ", ".join(format_stretch(period["first"], period["last"]) for period in lines["stretches"][:3])
    yield (
        f"{lines['estimated']:.1%} of production's lines are estimated{f' ({periods})' if periods else ''}: on them it "
        f"hits {format_percent(lines['hit_rate']['estimated'])}, "
        f"on real ones {format_percent(lines['hit_rate']['actual'])}."
    )
    if as_graded := report.get("as_graded"):
        yield f"The log as graded against the same log on real lines: {as_graded['main_cause']['sentence']}"


def _describe_missing_days(report: Report) -> Iterator[str]:
    dates = report["dates"]
    if not dates["missing"]:
        return
    runs = ", ".join(format_stretch(run["first"], run["last"]) for run in dates["runs"][:5])
    effect = dates["effect"]
    significance = "it matters" if effect["matters"] else "within noise"
    yield (
        f"Production lacks {dates['missing']} of {dates['days']} days with games{f' ({runs})' if runs else ''}: they "
        f"lift the backtest by {format_points(effect['lift'])}, {significance}."
    )


def _describe_repeats(report: Report) -> Iterator[str]:
    if repeated_rows := report["rows"]["repeated"]:
        yield (
            f"{repeated_rows} rows of the log repeat a player and day; counted as the log has them, they move its "
            f"hit rate by {format_points(report['contributions']['grading'])}."
        )


def _describe_equality(report: Report) -> Iterator[str]:
    equality = report["equality"]
    if equality["rows"]:
        subject = "The same model" if equality["same_model"] else "Another model"
        yield (
            f"{subject} spoke in production: {equality['equal']:.1%} of {equality['rows']} predictions are equal, "
            f"half are within {equality['distance']['q50']:.2f}, 99 in 100 within {equality['distance']['q99']:.2f}."
        )
