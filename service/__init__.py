"""The service: the promoted model answers over HTTP, and says what it is."""

from core.pins import pin_numerics

pin_numerics()
