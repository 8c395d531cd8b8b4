"""Pin numeric libraries to the same instructions on every processor, so that one commit gives the same bytes on all.

NumPy, OpenBLAS and oneDNN detect the processor when they are loaded and choose their kernels by it. Different kernels
round the last bits differently, and a tree that splits on such a bit is a different model. The libraries read the
environment only once, so `pin_numerics` must run before the first of them is imported; child processes inherit it.
"""

import os
import platform
import sys
import warnings

X86_MACHINES = ("x86_64", "AMD64")  # what Linux and macOS call the architecture, and what Windows calls it
STEERING_PREFIXES = (  # of variables that steer these libraries and that a user may have set for other work
    *("NPY_", "OPENBLAS_", "GOTO_", "ONEDNN_", "DNNL_", "XLA_"),
    *("TF_ENABLE_", "TF_ONEDNN_", "TF_SET_ONEDNN_", "TF_XLA_"),
)
COMMON_PINS = {"OPENBLAS_NUM_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
X86_PINS = {
    # NumPy's wheels are built for X86_V2 and look for these features beyond it; naming one that is absent is harmless
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",  # the oldest kernel with SSE4.2, which X86_V2 promises
    "ONEDNN_MAX_CPU_ISA": "SSE41",  # TensorFlow's matrix products use oneDNN even when TF_ENABLE_ONEDNN_OPTS is 0
}


def pin_numerics() -> None:
    """Set the environment variables under which numeric libraries compute the same on every x86-64 processor.

    Overrides what the user had set for these libraries. Warns if NumPy was already loaded under other settings.
    Limits: mathematical functions of the C library use fused multiply-add where the processor has it (all since 2013);
    on other architectures only the variables in COMMON_PINS are set, and last bits may differ from those of x86-64.
    """
    pins = COMMON_PINS | (X86_PINS if platform.machine() in X86_MACHINES else {})
    steering_variables = {name: value for name, value in os.environ.items() if name.startswith(STEERING_PREFIXES)}
    if steering_variables == pins:
        return
    if "numpy" in sys.modules:
        warnings.warn(
            "NumPy was imported before Trueline's packages, so last digits may differ from those of other machines; "
            "import Trueline first.",
            RuntimeWarning,
            stacklevel=2,
        )
    for name in steering_variables:
        del os.environ[name]
    os.environ.update(pins)
