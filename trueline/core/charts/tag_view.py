"""Tag view: what a report of several tags per row says of each tag, which were confused, and example answers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trueline.core.charts.confusion_chart import draw_confusion
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import (
    Html,
    html_tag,
    render_collapsible,
    render_figure,
    render_figure_grid,
    render_table,
)
from trueline.core.charts.number_format import (
    DASH,
    close_sentence,
    count_interval_decimals,
    format_interval,
    format_number,
    get_interval_values,
    is_interval,
    parse_number,
)

MAX_DRAWN_TAGS = 16  # tags with the most rows that are drawn; the table has up to MAX_LISTED_TAGS
MAX_LISTED_TAGS = 200
NO_TAG = "(none)"  # the name of nothing given, or nothing true, in the pairs
TAG_HEADS = (
    "Tag",
    "Rows",
    "F1",
    "Baseline's F1",
    "Beside the baseline",
    "Precision",
    "Recall",
    "Missed",
    "Wrong",
    "Note",
)
SAMPLE_HEADS = ("Row", "Given and right", "Missed", "Given and wrong", "Highest chances")

Pairs = Sequence[tuple[str, str]]  # what was true and what was given


def render_tag_view(report: Mapping[str, Any], pairs: Pairs) -> list[Html]:
    """Return the charts and tables of a report's tags and samples, as far as it has them; empty without tags.

    `pairs` are those of plots/confusion.csv.
    """
    tags = [row for row in report.get("tags") or () if isinstance(row, Mapping) and is_interval(row.get("f1"))]
    if not tags:
        return []
    tags.sort(key=lambda row: (-(parse_number(row.get("rows")) or 0.0), str(row.get("tag"))))
    figures = [_draw_tags(tags[:MAX_DRAWN_TAGS]), *_draw_confusions(tags[:MAX_DRAWN_TAGS], pairs)]
    table = render_table(
        "Every tag, the most frequent first", TAG_HEADS, map(_format_tag, tags[:MAX_LISTED_TAGS]), True
    )
    table_title = f"All figures of {min(len(tags), MAX_LISTED_TAGS)} tags"
    return [render_figure_grid(figures), render_collapsible(table_title, table), *_render_samples(report)]


def _draw_tags(tags: Sequence[Mapping[str, Any]]) -> Html:
    dots = [dot for row in tags for dot in _make_dot(row)]
    description = "; ".join(f"{dot.name} {dot.text}" for dot in dots)
    title = "F1 of each tag"
    caption = "The bar is the step from the baseline's F1; whiskers are 95 % intervals. The most frequent tags first."
    return render_figure(title, draw_dot_whiskers(title, f"{description}.", dots), caption)


def _make_dot(row: Mapping[str, Any]) -> Iterator[DotEstimate]:
    value, low, high = get_interval_values(row["f1"])
    decimals = count_interval_decimals(low, high)
    text = format_interval(value, low, high, decimals=decimals)
    yield DotEstimate(str(row["tag"]), text, value, low, high, parse_number(row.get("baseline_f1")), strong=True)


def _draw_confusions(tags: Sequence[Mapping[str, Any]], pairs: Pairs) -> Iterator[Html]:
    counts = Counter(pairs)
    if not counts:
        return
    names = [*(str(row["tag"]) for row in tags), NO_TAG]
    mixed_up = Counter({pair: count for pair, count in counts.items() if pair[0] != pair[1]})
    frequent = "; ".join(f"{actual} as {answered} {count}×" for (actual, answered), count in mixed_up.most_common(3))
    description = (
        f"{sum(mixed_up.values()):,} of {len(pairs):,} pairs differ{f', most often {frequent}' if frequent else ''}."
    )
    caption = (
        "Rows are what was true, columns what was given; (none) is a tag without a counterpart. A missed tag is paired "
        "with every wrong tag of its row, since which of them took its place is not known."
    )
    title = "Which tags are given in place of which"
    yield render_figure(title, draw_confusion(title, description, names, counts), description, caption)


def _format_tag(row: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = {name: parse_number(row.get(name)) for name in ("rows", "baseline_f1", "precision", "recall", "fn", "fp")}
    missed, wrong = (format_number(numbers[name], 1) for name in ("fn", "fp"))
    return (
        str(row["tag"]),
        format_number(numbers["rows"]),
        format_interval(*get_interval_values(row["f1"])),
        format_number(numbers["baseline_f1"], 3),
        str(row.get("tuned_is") or DASH),
        format_number(numbers["precision"], 3),
        format_number(numbers["recall"], 3),
        missed,
        wrong,
        close_sentence(str(row.get("not_learnable") or "")) or DASH,
    )


def _render_samples(report: Mapping[str, Any]) -> list[Html]:
    samples = [row for row in report.get("samples") or () if isinstance(row, Mapping)]
    if not samples:
        return []
    table = render_table(
        "Rows chosen by chance, with the model's answers", SAMPLE_HEADS, map(_format_sample, samples), True
    )
    return [html_tag("h3", "Example answers"), table]


def _format_percent(chance: float) -> str:
    return "over 99.9\u00a0%" if 0.9995 < chance < 1 else f"{100 * chance:.1f}\u00a0%"


def _format_sample(sample: Mapping[str, Any]) -> tuple[str, ...]:
    truth = set(sample.get("truth") or ())
    right = [tag for tag in sample.get("given") or () if tag in truth]
    chances = (
        f"{top.get('tag')} {_format_percent(chance)}"
        for top in sample.get("top") or ()
        if (chance := parse_number(top.get("chance"))) is not None
    )
    names = (
        ", ".join(map(str, tags)) or DASH for tags in (right, sample.get("missed") or (), sample.get("wrong") or ())
    )
    return str(sample.get("name") or sample.get("row_id") or DASH), *names, ", ".join(chances) or DASH
