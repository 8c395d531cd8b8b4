"""Texts and tags as they are read, before anything is learned from them: cleaning, words, tag labels and mentions."""
