"""The commands that README.md, CONTRIBUTING.md and the pages of docs show, in the order in which they stand there."""

import re

from tests.pipeline_copy import ROOT

PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
COMMENT = re.compile(r"\s+#\s.*$")


def list_blocks(page: str) -> list[list[str]]:
    """Return the blocks of commands on a page, without comments; a command of several lines is one."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    return [[COMMENT.sub("", line) for line in block.replace("\\\n", " ").splitlines() if line] for block in blocks]
