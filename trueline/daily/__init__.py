"""The daily loop: new files into the source, the pipeline, predictions of the card, and yesterday's log graded."""
