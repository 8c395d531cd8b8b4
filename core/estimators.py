"""scikit-learn estimators on disk: no pickle, and equal estimators are equal bytes."""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import skops.io

SCHEMA = "schema.json"


def save(estimator: Any, path: Path) -> None:
    """Write an estimator in skops format.

    skops names the parts by their address in memory and stamps them with the time of day; here they are numbered in
    order and carry no time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(io.BytesIO(skops.io.dumps(estimator))) as dumped, ZipFile(path, "w") as saved:
        parts = [name for name in dumped.namelist() if name != SCHEMA]
        names = {name: f"{place}{Path(name).suffix}" for place, name in enumerate(parts)}
        schema = _numbered(json.loads(dumped.read(SCHEMA)), names, {})
        for name in parts:
            _put(saved, names[name], dumped.read(name))
        _put(saved, SCHEMA, json.dumps(schema).encode())


def load(path: Path, trusted: list[str]) -> Any:
    """Return the estimator of a file; a type that skops does not know is refused unless it is trusted by name."""
    return skops.io.load(path, trusted=trusted)


def _numbered(node: Any, names: dict[str, str], ids: dict[int, int]) -> Any:
    if isinstance(node, list):
        return [_numbered(item, names, ids) for item in node]
    if not isinstance(node, dict):
        return node
    fresh = {key: _numbered(value, names, ids) for key, value in node.items()}
    if "__id__" in node:
        fresh["__id__"] = ids.setdefault(node["__id__"], len(ids))
    if "file" in node and node["file"] in names:
        fresh["file"] = names[node["file"]]
    return fresh


def _put(saved: ZipFile, name: str, content: bytes) -> None:
    saved.writestr(ZipInfo(name), content, ZIP_DEFLATED)  # ZipInfo alone dates the part 1980-01-01
