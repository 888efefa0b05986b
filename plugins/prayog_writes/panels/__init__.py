"""What is drawn in this topic; only here may Qt be imported."""
