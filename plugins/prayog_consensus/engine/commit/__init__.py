"""Atomic commitment: all participants of a transaction do it, or none does.  Start reading at `coordinator`."""
