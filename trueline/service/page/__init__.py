"""The dashboard: the models and their state, the experiments, and a form to query a model; HTML made on the server."""
