"""Optimizing writes: a log-structured merge tree to watch, to break and to compare; see `topic`."""
