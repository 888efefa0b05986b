"""Rows that stay on the old side after the switch-over, because the new side did not take them.

They were set aside on the way there.  On the way back they are no surplus: nobody has lost or doubled them.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

from prayog_migration.engine.canonical import joined
from prayog_migration.engine.real.checksum import Comparing, SourceSide, TargetSide
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.store import Reader, Store

__all__ = ["restored", "stayed_behind"]


def stayed_behind(new: Store, here: Reader, old: Store, there: Reader, how: Comparing) -> Counter[str]:
    """Texts of the keys of rows that are on the old side only, and in the quarantine of the new one.

    `how` compares backwards, from the new side to the old.  A row whose key was given to another one on the new side
    since then is not among them: that one has come over.
    """
    kept = Quarantine(new).rows(here, how.move.target.title)
    wanted = Counter(_key(how, json.loads(raw)) for *_, raw in kept)
    if not wanted:
        return wanted
    for batch in SourceSide(new, here, how).batches():
        for key in batch.keys:
            wanted.pop(key, None)
    found: Counter[str] = Counter()
    for batch in TargetSide(old, there, how).batches():
        found.update(key for key in batch.keys if key in wanted)
    return found


def _key(how: Comparing, row: dict[str, Any]) -> str:
    """The text of a key as the old side has it, from the row that was kept."""
    if not how.key_places:
        return how.batch_of([[restored(row[column.target])] for column in how.move.columns]).keys[0]
    names = [how.move.columns[place].target for place in how.key_places]
    made = [how.texts[place]([restored(row[name])]) for place, name in zip(how.key_places, names, strict=True)]
    return made[0][0] if len(made) == 1 else joined(made)[0]


def restored(value: object) -> object:
    """A value as it was, from how the quarantine keeps it."""
    match value:
        case {"binary": data}:
            return base64.b64decode(data)
        case {"text": data}:
            return base64.b64decode(data).decode("utf-8", "surrogateescape")
    return value
