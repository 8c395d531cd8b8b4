"""Linear algebra and OpenMP keep to one thread, whenever their libraries were loaded."""

import subprocess
import sys

SEES = """
from trueline.core.compute.single_thread import limit_to_one_thread
from threadpoolctl import threadpool_info

def threads():
    return {(pool["user_api"], pool["num_threads"]) for pool in threadpool_info()}

import numpy
with limit_to_one_thread():
    assert threads() == {("blas", 1)}, threads()
from sklearn.ensemble import HistGradientBoostingClassifier
before = threads()
with limit_to_one_thread():
    assert threads() == {("blas", 1), ("openmp", 1)}, threads()
    with limit_to_one_thread():
        pass
    assert threads() == {("blas", 1), ("openmp", 1)}, threads()
assert threads() == before, (threads(), before)
"""


def test_a_library_imported_later_keeps_to_one_thread_too_and_gets_its_own_back() -> None:
    done = subprocess.run([sys.executable, "-c", SEES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
