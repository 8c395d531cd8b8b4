"""Shadow traffic: a challenger answers the champion's requests, unseen."""
