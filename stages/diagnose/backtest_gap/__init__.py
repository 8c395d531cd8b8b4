"""The parts of the gap report: rows of both sides in; who graded what, where the gap comes from, and a verdict out."""
