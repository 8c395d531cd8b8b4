"""Content security policy: nothing loads from elsewhere and only the page's script runs, whatever a name contains."""

from pathlib import Path

from trueline.core.charts import page_script
from trueline.core.charts.html import Html, html_tag, join_html
from trueline.core.charts.page_script import hash_source
from trueline.core.charts.stylesheet import STYLE

PAGE_FOLDER = Path(__file__).parent
STYLESHEET = STYLE + (PAGE_FOLDER / "style.css").read_text(encoding="utf-8")
SCRIPT = page_script.SCRIPT + (PAGE_FOLDER / "script.js").read_text(encoding="utf-8")


CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src {hash_source(STYLESHEET)}",
        f"script-src {hash_source(SCRIPT)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # a page that needs a token is not left on a disk
}


def render_page(title: str, description: str, *body: Html) -> str:
    """Return a complete page with its style and script."""
    head = html_tag(
        "head",
        html_tag("meta", charset="utf-8"),
        html_tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        html_tag("meta", name="description", content=description),
        html_tag("title", title),
        html_tag("link", rel="icon", href="data:,"),  # else browsers request one from the server
        Html(f"<style>{STYLESHEET}</style>"),
    )
    script = Html(f"<script>{SCRIPT}</script>")
    return f"<!doctype html>\n{html_tag('html', head, html_tag('body', join_html([*body, script])), lang='en')}\n"
