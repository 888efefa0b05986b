"""Files of this topic that are not code of it."""
