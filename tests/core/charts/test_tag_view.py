"""The view of tags shows every tag's figures, which tags were confused, and example answers; without tags nothing."""

from tests import page_fixtures
from trueline.core.charts.html import join_html
from trueline.core.charts.tag_view import render_tag_view

PAIRS = [("tea", "tea"), ("chess", "tea"), ("chess", "tea"), ("(none)", "film")]


def test_every_tag_is_in_the_table_the_most_frequent_first() -> None:
    html = join_html(render_tag_view(page_fixtures.tags(), PAIRS))
    assert html.index('<th scope="row">tea</th>') < html.index('<th scope="row">chess</th>')
    assert "0.90 (0.85 to 0.95)" in html


def test_confusions_are_counted_in_words_too() -> None:
    html = join_html(render_tag_view(page_fixtures.tags(), PAIRS))
    assert "3 of 4 pairs differ, most often chess as tea 2×; (none) as film 1×." in html


def test_an_example_tells_right_missed_and_wrong_tags_apart() -> None:
    html = join_html(render_tag_view(page_fixtures.tags(), []))
    cells = [f'data-label="{head}">{tag}<' for head, tag in (("Missed", "chess"), ("Given and wrong", "film"))]
    assert all(cell in html for cell in [*cells, 'data-label="Given and right">tea<'])
    assert "tea 93.0\u00a0%, film 51.0\u00a0%" in html
    assert "Which tags are given" not in html


def test_a_report_without_tags_has_no_view() -> None:
    assert render_tag_view({"baselines": {}}, PAIRS) == []
    assert render_tag_view({"tags": [{"tag": "tea", "f1": None}, 3]}, PAIRS) == []
