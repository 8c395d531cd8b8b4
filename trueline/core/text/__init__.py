"""Texts and tags: cleaning, vocabularies, near duplicates and multilabel metrics."""
