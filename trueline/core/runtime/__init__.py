"""How a stage runs: parameters, plugins, outputs, processes and threads."""
