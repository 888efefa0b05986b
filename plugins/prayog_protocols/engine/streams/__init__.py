"""Conversations: who talks with whom, TCP streams put together, and what their order tells."""
