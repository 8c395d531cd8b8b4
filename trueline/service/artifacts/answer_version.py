"""Answer version: a hash over everything that makes a task's answers, and the parts that it consists of."""

import hashlib
import json
from typing import Any

from trueline.core.runtime.params import expand_params
from trueline.service.artifacts.code_hash import hash_code
from trueline.service.artifacts.verified_files import VerifiedFiles

HASH_DIGITS = 8  # of the hash that are part of a version's name
OUTPUT_PARTS = {  # part: the output whose hash it is; the thresholds are in the calibrator's file
    "model": "models/{}/final",
    "calibrator": "models/{}/calibrator.json",
    "history": "data/prepared/{}.parquet",
}
SETTINGS_SECTIONS = ("tasks", "prepare", "features", "evaluate")  # of params.yaml, that answers depend on


def hash_parts(files: VerifiedFiles, task: str) -> dict[str, str]:
    """Return the MD5 of each part that makes a task's answers: model, calibrator, history, settings and code.

    An output that dvc.lock does not name is left out: a task without history has none.
    """
    params = expand_params(files.read_params())
    outputs = {name: path.format(task) for name, path in OUTPUT_PARTS.items()}
    output_hashes = {name: files.get_hash(path) for name, path in outputs.items() if files.has_output(path)}
    settings = {section: params.get(section, {}).get(task) for section in SETTINGS_SECTIONS}
    return output_hashes | {"settings": _hash_json(settings), "code": hash_code(_list_code_roots(params, task))}


def build_version(files: VerifiedFiles, task: str) -> str:
    """Return the version that answers carry: the tag's name and digits of the parts' hash, prod#3:4f9cfd95, say."""
    return f"{files.name}:{_hash_json(hash_parts(files, task))[:HASH_DIGITS]}"


def _list_code_roots(params: dict[str, Any], task: str) -> tuple[str, ...]:
    config = params.get("tasks", {}).get(task, {})
    plugins = (f"stages.{stage}.{config[key]}" for stage, key in (("train", "learner"), ("calibrate", "calibrator")))
    own_modules = (f"trueline.service.tasks.{task}", f"trueline.service.batches.{task}", f"stages.features.{task}")
    return (*own_modules, *plugins)


def _hash_json(content: Any) -> str:
    return hashlib.md5(json.dumps(content, sort_keys=True, default=str).encode(), usedforsecurity=False).hexdigest()
