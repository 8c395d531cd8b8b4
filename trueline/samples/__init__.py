"""Seeded samples with planted truth: a file per task; `make` returns the raw tables, `write` puts them in a folder."""
