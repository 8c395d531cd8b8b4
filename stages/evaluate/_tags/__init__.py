"""The parts of the tag scorer."""
