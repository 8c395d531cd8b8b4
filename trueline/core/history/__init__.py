"""What was known before a row: past-only aggregates, ratings, and the audit of leaks."""
