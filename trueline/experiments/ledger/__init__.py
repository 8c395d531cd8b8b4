"""The append-only log of evaluations on test rows."""
