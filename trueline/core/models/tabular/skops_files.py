"""scikit-learn estimators on disk: without pickle, and equal estimators give equal bytes."""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import skops.io

SCHEMA_FILE = "schema.json"


def save_estimator(estimator: Any, path: Path) -> None:
    """Write an estimator in skops format.

    skops names the parts by their memory address and stamps them with the current time; here they are numbered in
    order and carry no time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(io.BytesIO(skops.io.dumps(estimator))) as dumped, ZipFile(path, "w") as saved:
        member_names = [name for name in dumped.namelist() if name != SCHEMA_FILE]
        new_names = {name: f"{index}{Path(name).suffix}" for index, name in enumerate(member_names)}
        schema = _rename_references(json.loads(dumped.read(SCHEMA_FILE)), new_names, {})
        for name in member_names:
            _write_member(saved, new_names[name], dumped.read(name))
        _write_member(saved, SCHEMA_FILE, json.dumps(schema).encode())


def load_estimator(path: Path, trusted: list[str]) -> Any:
    """Return the estimator in a file; skops rejects types that it does not know unless `trusted` names them."""
    return skops.io.load(path, trusted=trusted)


def _rename_references(node: Any, new_names: dict[str, str], ids: dict[int, int]) -> Any:
    if isinstance(node, list):
        return [_rename_references(item, new_names, ids) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _rename_references(value, new_names, ids) for key, value in node.items()}
    if "__id__" in node:
        renamed["__id__"] = ids.setdefault(node["__id__"], len(ids))
    if "file" in node and node["file"] in new_names:
        renamed["file"] = new_names[node["file"]]
    return renamed


def _write_member(saved: ZipFile, name: str, content: bytes) -> None:
    saved.writestr(ZipInfo(name), content, ZIP_DEFLATED)  # a plain ZipInfo is dated 1980-01-01
