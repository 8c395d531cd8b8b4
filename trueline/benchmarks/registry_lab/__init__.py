"""A registry of many made-up experiments, to measure what its commands cost."""
