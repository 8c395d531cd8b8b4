"""Seeded samples with planted truth, a file per task: `make_sample` returns the raw data, `write` writes them."""
