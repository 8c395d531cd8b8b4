"""The chaos suite: what can go wrong around a stage, how it is made to go wrong, and whether anything is lost by it."""
