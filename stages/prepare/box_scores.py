"""box_scores: a table `games`, and where there are any, `lines` of books and a log of `production`."""

from pathlib import Path

import pandas as pd

from core import sources
from core.refusals import Refusal

NEEDED = "games"
OPTIONAL = ("lines", "production")


def read(source: str) -> dict[str, pd.DataFrame]:
    """Return the raw tables of a folder (.parquet, .csv, .json, .jsonl) or a SQLite database, by name.

    Refuses a source without `games`, and a folder that holds a table only in a form that cannot be read.
    """
    held = sources.tables(source)
    for name in (NEEDED, *OPTIONAL):
        if name not in held:
            _refuse_other_forms(Path(source), name)
    return {name: sources.read(source, name) for name in (NEEDED, *OPTIONAL) if name in held or name == NEEDED}


def _refuse_other_forms(folder: Path, name: str) -> None:
    others = sorted(file.name for file in folder.glob(f"{name}.*"))  # a database has none
    if others:
        forms = ", ".join(sources.ENDINGS)
        raise Refusal(
            f"{folder} holds {others[0]}, which is none of {forms}; convert it, or take it out of the folder."
        )
