"""Pins: every processor computes with the same instructions, so that one commit gives the same bytes on all of them.

NumPy, OpenBLAS and oneDNN look at the processor when they are loaded and take other kernels on other models, which
round otherwise in the last bits; a tree that splits on such a bit is another model. The libraries read the environment
only once, so this must be called before the first of them is imported; processes that are started later inherit it.
"""

import os
import platform
import sys
import warnings

X86_MACHINES = ("x86_64", "AMD64")  # names of the architecture on Linux and macOS, and on Windows
STEERING_PREFIXES = (  # beginnings of names that a user may have set for other work, and that would steer these libraries here
    *("NPY_", "OPENBLAS_", "GOTO_", "ONEDNN_", "DNNL_", "XLA_"),
    *("TF_ENABLE_", "TF_ONEDNN_", "TF_SET_ONEDNN_", "TF_XLA_"),
)
COMMON_PINS = {"OPENBLAS_NUM_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
X86_PINS = {
    # NumPy's wheels are built for X86_V2 and look for these beyond it; names that a processor lacks do no harm
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",  # the oldest kernel with SSE4.2, which X86_V2 promises
    "ONEDNN_MAX_CPU_ISA": "SSE41",  # TensorFlow's matrix products go through oneDNN whatever its switch says
}


def pin_numerics() -> None:
    """Set the environment in which numeric libraries compute the same on every x86-64 processor.

    What the caller had set for these libraries is overridden. Warns where NumPy was loaded with other settings before.
    Limits: mathematical functions of the C library use fused multiply-add where the processor has it (all since 2013);
    on other architectures only the number of threads is set, and last bits may differ from those of x86-64.
    """
    pins = COMMON_PINS | (X86_PINS if platform.machine() in X86_MACHINES else {})
    steering_variables = {name: value for name, value in os.environ.items() if name.startswith(STEERING_PREFIXES)}
    if steering_variables == pins:
        return
    if "numpy" in sys.modules:
        warnings.warn(
            "NumPy was imported before Trueline's packages, so last digits may differ from those of other machines; "
            "import them first.",
            RuntimeWarning,
            stacklevel=2,
        )
    for name in steering_variables:
        del os.environ[name]
    os.environ.update(pins)
