"""Eight rooms, in order: prepare, features, resample, tune, train, calibrate, evaluate, diagnose."""

from trueline.core.runtime.numeric_pins import pin_numerics

pin_numerics()
