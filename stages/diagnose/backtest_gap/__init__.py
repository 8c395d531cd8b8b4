"""The parts of the gap report: rows of both sides in; their metrics, the causes of the gap, and a verdict out."""
