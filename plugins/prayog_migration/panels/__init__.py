"""The panels of this topic: the wizard of real migrations, and what the drills show."""
