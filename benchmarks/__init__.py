"""Claims of speed, as commands: ratios against a named alternative in the same run."""

from core.pins import pin_numerics

pin_numerics()
