"""Models: what they have in common on disk; below, what learners share that read a table of inputs, or texts."""
