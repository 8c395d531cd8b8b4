"""The lie laboratory: ways in which a project fools itself, planted in simulated worlds and run through all stages."""
