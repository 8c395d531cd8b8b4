"""Processes: the parent that starts, replaces and stops workers, and the workers that load models and answer."""
