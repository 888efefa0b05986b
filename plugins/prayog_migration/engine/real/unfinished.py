"""Which migration was begun and not cleaned up: its knobs, so that the lab can offer to go on with it.

How far it came is not written here: that is in the target, and its worker says so.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.cleaning import leftovers
from prayog_migration.engine.real.store import open_store
from prayog_migration.engine.setup import Setup
from prayog_sdk.services import Services

__all__ = ["Unfinished", "under_way"]

_STATE = f"table {PREFIX}_state"


class Unfinished:
    """One file in the folder of this topic; no password is ever in it (see `secrets`)."""

    def __init__(self, services: Services) -> None:
        self._file = services.folder("migration") / "unfinished.json"

    def note(self, setup: Setup) -> None:
        """This one was begun."""
        with contextlib.suppress(OSError):  # a full disk must not stop a migration
            self._file.write_text(json.dumps(asdict(setup), ensure_ascii=False), encoding="utf-8")

    def forget(self) -> None:
        """It was cleaned up."""
        self._file.unlink(missing_ok=True)

    def found(self) -> Setup | None:
        """The knobs of the one that was begun last and is not over; None when there is none that can be read."""
        try:
            return Setup(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def under_way(url: str) -> bool:
    """Whether the database at `url` remembers a migration."""
    try:
        return _STATE in leftovers(open_store(url))
    except Exception:  # noqa: BLE001 - it may not be there, or not answer: then whoever begins hears of it
        return False
