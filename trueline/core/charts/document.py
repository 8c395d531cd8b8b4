"""Document: a complete HTML file that needs nothing else: style and script are in it, and nothing is fetched."""

from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.page_script import CONTENT_POLICY, SCRIPT
from trueline.core.charts.stylesheet import STYLE


def render_document(title: str, description: str, *content: str) -> str:
    """Return a page around its content. It opens offline; its script shows exact figures and the time range only."""
    head = html_tag(
        "head",
        html_tag("meta", charset="utf-8"),
        html_tag("meta", http_equiv="Content-Security-Policy", content=CONTENT_POLICY),
        html_tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        html_tag("meta", name="description", content=description),
        html_tag("title", title),
        html_tag("link", rel="icon", href="data:,"),  # or a browser would request one from the server
        Html(f"<style>{STYLE}</style>"),
    )
    body = html_tag("body", *content, Html(f"<script>{SCRIPT}</script>"))
    return f"<!doctype html>\n{html_tag('html', head, body, lang='en')}\n"
