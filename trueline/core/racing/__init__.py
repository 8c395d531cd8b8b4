"""Racing: losses of win probabilities within each race."""
