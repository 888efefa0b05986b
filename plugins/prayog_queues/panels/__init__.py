"""What this topic draws: flows, messages, guarantees and incidents."""
