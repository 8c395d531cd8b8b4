"""The gap report in sentences, for a command line."""

from collections.abc import Iterator
from typing import Any

from stages.diagnose._gap.verdict import headline
from stages.diagnose._gap.words import percent, points, stretch

Report = dict[str, Any]


def sentences(report: Report) -> list[str]:
    """Return the report as sentences, the verdict first, each true by itself."""
    parts = (_verdict, _causes, _alike, _creation, _lines, _dates, _equality, _repeated)
    return [said for part in parts for said in part(report)]


def _verdict(report: Report) -> Iterator[str]:
    yield f"{headline(report)}."
    yield from (f"{reason[0].upper()}{reason[1:]}." for reason in report["verdict"]["reasons"])
    yield report["main_cause"]["sentence"]


def _causes(report: Report) -> Iterator[str]:
    said = ", ".join(f"{name.replace('_', ' ')} {points(part)}" for name, part in report["contributions"].items())
    if report["common"]:
        yield f"Of the gap come from {said}; left over: {100 * report['residual']:.4f}."


def _alike(report: Report) -> Iterator[str]:
    like, only, whole = report["like_for_like"], report["production_only"], report["sides"]["backtest"]
    rates = {name: percent(like[name]["hit_rate"]) for name in ("backtest", "production")}
    yield (
        f"Like for like ({like['backtest']['rows']} rows that both grade on real lines, predicted before the games) "
        f"the backtest hits {rates['backtest']}, production {rates['production']}: {points(like['gap'])}."
    )
    yield (
        f"On the {only['served']['rows']} rows that production served the backtest hits "
        f"{percent(only['served']['hit_rate'])}, on all its {whole['rows']} {percent(whole['hit_rate'])}."
    )


def _creation(report: Report) -> Iterator[str]:
    found = report["creation"]
    if late := found["late"]:
        yield (
            f"{late['rows']} predictions of {late['days']} days ({stretch(late['first_day'], late['last_day'])}) were "
            f"made after their games, from {late['made_from']} to {late['made_to']}: they hit "
            f"{percent(late['hit_rate'])}, the others {percent(late['without'])}."
        )
    if found["perhaps_late"]:
        yield f"{found['perhaps_late']} more may have been made after their games began: no start is known."
    for batch in found["batches"]:
        yield (
            f"A batch from {batch['made_from']} holds {batch['rows']} predictions ({batch['share']:.0%} of the log) "
            f"of {batch['days']} days: it hits {percent(batch['hit_rate'])}, a lift of {points(batch['lift'])}."
        )


def _lines(report: Report) -> Iterator[str]:
    lines = report["lines"]
    if not lines["rows"] or not lines["estimated"]:
        return
    days = ", ".join(stretch(one["first"], one["last"]) for one in lines["stretches"][:3])
    yield (
        f"{lines['estimated']:.1%} of production's lines are estimated{f' ({days})' if days else ''}: on them it hits "
        f"{percent(lines['hit_rate']['estimated'])}, on real ones {percent(lines['hit_rate']['actual'])}."
    )
    if seen := report.get("as_graded"):
        yield f"The log as graded against the same log on real lines: {seen['main_cause']['sentence']}"


def _dates(report: Report) -> Iterator[str]:
    dates = report["dates"]
    if not dates["missing"]:
        return
    said = ", ".join(stretch(one["first"], one["last"]) for one in dates["runs"][:5])
    effect = dates["effect"]
    weight = "it matters" if effect["matters"] else "within noise"
    yield (
        f"Production lacks {dates['missing']} of {dates['days']} days with games{f' ({said})' if said else ''}: they "
        f"lift the backtest by {points(effect['lift'])}, {weight}."
    )


def _repeated(report: Report) -> Iterator[str]:
    if again := report["rows"]["repeated"]:
        yield (
            f"{again} rows of the log repeat a player and day; counted as the log has them, they move its hit rate by "
            f"{points(report['contributions']['grading'])}."
        )


def _equality(report: Report) -> Iterator[str]:
    same = report["equality"]
    if same["rows"]:
        who = "The same model" if same["same_model"] else "Another model"
        yield (
            f"{who} spoke in production: {same['equal']:.1%} of {same['rows']} predictions are equal, half are within "
            f"{same['distance']['q50']:.2f}, 99 in 100 within {same['distance']['q99']:.2f}."
        )
