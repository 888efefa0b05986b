"""Keys of TLS sessions, and what they open."""
