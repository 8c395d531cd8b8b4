"""Root causes: graded units in; the cause that explains a window of days, with its confidence, out."""
