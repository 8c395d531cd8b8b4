"""The tags section: each tag's figures, which tags were confused, and example answers."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trueline.core.charts.html import Html, render_section
from trueline.core.charts.tag_view import render_tag_view


def render_tags(report: Mapping[str, Any], confusions: pd.DataFrame | None) -> Html | None:
    """Return the section for a report that has tags, or None; `confusions` are the pairs of plots/confusion.csv."""
    pairs = [] if confusions is None else list(zip(confusions["actual"], confusions["predicted"], strict=True))
    content = render_tag_view(report, pairs)
    return render_section("Tags", *content, name="tags") if content else None
