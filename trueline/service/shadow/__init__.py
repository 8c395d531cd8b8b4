"""A challenger that answers beside the champion."""
