"""Parts of the benchmark load: a repository with promoted models, clients that remember, and what they were owed."""
