"""The parts of the market scorer."""
