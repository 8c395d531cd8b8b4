"""Tables: schemas, raw sources, coercion, filters, lookups and lazy columns."""
