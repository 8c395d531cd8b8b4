"""What the checks work on: the evidence tables, scored predictions, graded units and time bins."""
