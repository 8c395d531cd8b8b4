"""Tables: schemas, raw sources, coercion and filters."""
