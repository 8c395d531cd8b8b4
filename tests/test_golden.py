"""Prepare and features of the samples are, on whatever processor this runs, the bytes that dvc.lock names."""

import hashlib
import platform
import sys
from pathlib import Path

import pytest
import yaml

from tests import pipeline_copy
from trueline.core.compute.reproducible import CPU_INFO_FILE, explain_difference

PROCESSOR = CPU_INFO_FILE.read_text() if CPU_INFO_FILE.exists() else ""
OTHERWISE = explain_difference(platform.system(), platform.machine(), sys.version_info[:2], PROCESSOR)


@pytest.mark.skipif(bool(OTHERWISE), reason=OTHERWISE)
@pytest.mark.parametrize("task", pipeline_copy.tasks())
def test_prepare_and_features_give_the_bytes_of_the_lock(task: str, tmp_path: Path) -> None:
    folder = pipeline_copy.run_pipeline(pipeline_copy.copy(tmp_path), task, until="features")
    locked = yaml.safe_load((pipeline_copy.ROOT / "dvc.lock").read_text())["stages"]
    outs = [out for stage in ("prepare", "features") for out in locked[f"{stage}@{task}"]["outs"]]
    made = {out["path"]: hashlib.md5((folder / out["path"]).read_bytes()).hexdigest() for out in outs}
    assert made == {out["path"]: out["md5"] for out in outs}
