"""The parts of the search for a cause: graded units in; what explains a window of days, and how surely, out."""
