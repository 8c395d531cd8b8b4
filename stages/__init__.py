"""Eight rooms, in order: prepare, features, resample, tune, train, calibrate, evaluate, diagnose."""

from core.pins import pin_numerics

pin_numerics()
