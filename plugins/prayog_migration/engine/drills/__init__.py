"""Drills: small simulated migrations in which one step is done wrongly, and then rightly."""
