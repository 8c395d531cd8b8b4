"""The eight stages of the pipeline, in order: prepare, features, resample, tune, train, calibrate, evaluate, diagnose.

Importing the package pins the numerics before a stage loads anything else.
"""

from trueline.core.runtime.numeric_pins import pin_numerics

pin_numerics()
