"""The programs that ask: each is short, and is shown beside the bytes that it causes."""
