"""What a learner did: progress, saved runs and bookmarks, in one SQLite file of the profile.

`repo.Repo` is the only door.  Importing it loads SQLAlchemy (a third of a second), so the window opens it in a
worker after the first paint; this package itself is light.

Rules
1. The lab works without the store: whoever opens it shows the sentence of a `StoreProblem` and goes on.
2. A file is never thrown away: a damaged one is set aside under a new name, an older one is copied before it is
   changed, a newer one is left alone.
3. Progress is a journal that only grows; what is shown is counted from it.
"""

from __future__ import annotations

__all__ = ["StoreProblem"]


class StoreProblem(RuntimeError):
    """Progress cannot be read or written now; the message is a sentence for the learner."""
