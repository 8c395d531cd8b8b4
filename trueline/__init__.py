"""Trueline: the core that the stages share, experiments, the HTTP service, sample data and benchmarks."""

from trueline.core.runtime.numeric_pins import pin_numerics

pin_numerics()
