"""How commands print: tables and JSON."""
