"""Policy: nothing is fetched but from here, and nothing runs but the page's own script, whatever a name may hold."""

import base64
import hashlib
from pathlib import Path

from service.page.drawing import STYLE, Html, join, tag

HERE = Path(__file__).parent
SHEET = STYLE + (HERE / "style.css").read_text(encoding="utf-8")
SCRIPT = (HERE / "script.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src {_hash(SHEET)}",
        f"script-src {_hash(SCRIPT)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # what needs a token is not left on a disk
}


def whole(title: str, said: str, *body: Html) -> str:
    """Return a page with its style and its script."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="description", content=said),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),  # else a browser asks the server for one
        Html(f"<style>{SHEET}</style>"),
    )
    script = Html(f"<script>{SCRIPT}</script>")
    return f"<!doctype html>\n{tag('html', head, tag('body', join([*body, script])), lang='en')}\n"
