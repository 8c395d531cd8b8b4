"""How work is spread over processes and threads, and whether this machine computes the committed bytes."""
