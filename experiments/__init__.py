"""The registry: what was tried, read from `dvc exp`, and compared as it may be."""
