"""Database migration: real databases are moved while they are being written to, and nothing is lost; see `engine`."""
