"""The choice of days is offered where there are more of them, and is hidden until the script shows it."""

from trueline.core.charts.time_range import render_timed_grid


def test_only_ranges_shorter_than_the_days_are_offered_and_all_are_chosen() -> None:
    html = render_timed_grid("props", 60, ["<figure></figure>"])
    assert " 30 days" in html
    assert " 90 days" not in html
    assert '<input type="radio" name="days-props" value="0" checked> all 60 days' in html
    assert '<fieldset class="range" hidden>' in html


def test_a_month_has_no_choice() -> None:
    assert "<fieldset" not in render_timed_grid("props", 30, [])
