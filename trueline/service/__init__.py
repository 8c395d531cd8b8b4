"""The service: the promoted model answers over HTTP, and says what it is."""
