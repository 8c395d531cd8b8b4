"""The dashboard: what a model is, how it stands, what was tried, and a form to ask it; HTML made on the server."""
