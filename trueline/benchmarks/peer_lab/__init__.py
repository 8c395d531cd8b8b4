"""Peers: other tools that learn by themselves, each in an environment of its own, on the folds of a task."""
