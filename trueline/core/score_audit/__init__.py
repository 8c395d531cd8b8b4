"""The score audit: what a test fold predicts must not change when the outcomes of the rows that it scores change."""
