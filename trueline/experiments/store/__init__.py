"""What is kept of experiments: git, locks, outputs, tags and the queue."""
