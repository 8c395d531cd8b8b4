"""Numeric pins: whatever the processor and the environment, numeric libraries use the same kernels."""

import json
import os
import platform
import subprocess
import sys
from typing import Any

import pytest

from tests.hostile import HOSTILE
from tests.pipeline_copy import ROOT
from trueline.core.runtime.numeric_pins import STEERING_PREFIXES, X86_MACHINES, X86_PINS

on_x86 = pytest.mark.skipif(platform.machine() not in X86_MACHINES, reason="kernels are pinned on x86-64 alone")
PINNED = """
import json, os, sys
import {package}
assert "numpy" not in sys.modules, "the pins come too late"
print(json.dumps(dict(os.environ)))
"""
LOADED = """
import json
import stages
import numpy, scipy.linalg
from numpy.lib import introspect
from threadpoolctl import threadpool_info
current = {kernel["current"] for kinds in introspect.opt_func_info().values() for kernel in kinds.values()}
blas = [[one["internal_api"], one["architecture"], one["num_threads"]] for one in threadpool_info()
        if one["user_api"] == "blas"]
print(json.dumps({"numpy": sorted(current), "blas": blas}))
"""
PACKAGES = (
    "stages",
    "trueline.service",
    "trueline.experiments",
    "trueline.samples",
    "trueline.benchmarks",
    "trueline.core",
    "tests.conftest",
)


def run_script(script: str, environment: dict[str, str]) -> Any:
    """Return the JSON that a script prints in an environment."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cleared(**added: str) -> dict[str, str]:
    """Return this environment without the pins that the tests themselves run under."""
    return {name: value for name, value in os.environ.items() if not name.startswith(STEERING_PREFIXES)} | added


@on_x86
@pytest.mark.parametrize("environment", [cleared(), cleared(**HOSTILE)], ids=["plain", "hostile"])
def test_every_dispatch_is_at_baseline_and_every_blas_is_pinned(environment: dict[str, str]) -> None:
    found = run_script(LOADED, environment)
    assert all(kernel.startswith("baseline") for kernel in found["numpy"]), found["numpy"]
    assert len(found["blas"]) == 2, "NumPy and SciPy bring an OpenBLAS each"
    assert all(library == ["openblas", "Nehalem", 1] for library in found["blas"]), found["blas"]


@on_x86
@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_pins_before_numpy_is_loaded(package: str) -> None:
    environment = run_script(PINNED.format(package=package), cleared(**HOSTILE))
    steering = {name: value for name, value in environment.items() if name.startswith(STEERING_PREFIXES)}
    assert steering == {"OPENBLAS_NUM_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0", **X86_PINS}


def test_numpy_loaded_first_gives_a_warning() -> None:
    command = [sys.executable, "-W", "error", "-c", "import numpy; import stages"]
    done = subprocess.run(command, cwd=ROOT, env=cleared(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "NumPy was imported before Trueline's packages" in done.stderr
