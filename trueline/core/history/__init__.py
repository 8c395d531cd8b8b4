"""What was known before each row: past-only aggregates, opponent ratings and the leak audit."""
