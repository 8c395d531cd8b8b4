"""What learners share that read texts: vocabularies, TF-IDF, a network over words, and the evidence of tag names."""
