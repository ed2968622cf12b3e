"""Rows of training data, as ``harmony.arrow`` and the command read them."""
