"""Running experiments and showing their progress."""
