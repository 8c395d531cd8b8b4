"""Tasks whose cards can be predicted: one module per task, named after it.

A module defines `predict(loaded, card)`, which takes the loaded model and a Card and returns the CardPredictions. It
reads the card by the functions of the task's prepare stage and predicts by the model that the service answers with.
"""
