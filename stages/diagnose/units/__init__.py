"""The rows that checks judge: evidence, scored and graded units, time bins."""
