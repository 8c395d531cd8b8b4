"""What learners share that read a table of inputs: encodings, objectives, losses, stacking, and estimators on disk."""
