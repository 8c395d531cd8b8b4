"""Seeded samples with planted truth: a file per task; `make` returns the raw tables, `write` puts them in a folder."""

from core.pins import pin_numerics

pin_numerics()
