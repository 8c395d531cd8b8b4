"""Benchmarks as commands: claims that are measured, most as ratios to a named alternative in the same run."""
