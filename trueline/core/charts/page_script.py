"""The script of pages with charts, and the policy that lets it run and nothing else."""

import base64
import hashlib
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def hash_source(text: str) -> str:
    """Return a script or a style as a content security policy names it: by its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# nothing is fetched and no other script runs, whatever the names in the data contain
CONTENT_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src {hash_source(SCRIPT)}; img-src data:"
