"""What learners share: encodings, objectives, losses, and models on disk."""
