"""Imports the test client that the fixtures of the service use once, without the warning about its future."""

import warnings

with warnings.catch_warnings():  # the client asks for httpx2, which is not locked
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    import fastapi.testclient  # noqa: F401
