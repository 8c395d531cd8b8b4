"""Column hashes: what a table says, as one hash, so that results made of equal tables can be recalled."""

import hashlib

import numpy as np
import pandas as pd


def hash_columns(table: pd.DataFrame) -> str:
    """Return a hash of the names, types, order and values of a table's columns, whatever its index is.

    >>> table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    >>> hash_columns(table) == hash_columns(table.set_axis([5, 6])) != hash_columns(table[::-1])
    True
    """
    digest = hashlib.sha256()
    for name, values in table.items():
        digest.update(f"{name}\n{values.dtype}\n{len(values)}\n".encode())
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufmM":
            digest.update(values.to_numpy().tobytes())
        else:
            codes, distinct_values = pd.factorize(values)
            digest.update(codes.tobytes() + repr([repr(value) for value in distinct_values]).encode())
    return digest.hexdigest()
