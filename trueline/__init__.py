"""Trueline: the packages that the stages share, experiments, the service, samples and benchmarks."""

from trueline.core.runtime.numeric_pins import pin_numerics

pin_numerics()
