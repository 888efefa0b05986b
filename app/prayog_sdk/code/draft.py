"""The learner's own texts, kept in a folder of the profile so that none is ever lost.

    draft = Draft(bench.data_dir(), spec.name, spec.starter)
    text = draft.read()                   # what was written last, or the text to begin with
    draft.write(text)                     # after every pause in writing
    draft.replace(starter)                # keeps the old text beside the new one

Rules
1. A text is written to a second file that then takes the place of the first: a crash leaves one of the two, whole.
2. A text that is replaced by another (*Reset*, *Show its code*) is kept as ``NAME.before.py``.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

__all__ = ["Draft", "Trusted"]


class Draft:
    """The text of the function `name`.  A folder that cannot be written to is a sentence in `problem`."""

    def __init__(self, folder: Path, name: str, starter: str) -> None:
        self._file = folder / "code" / f"{name}.py"
        self._starter = starter
        self.problem = ""

    def read(self) -> str:
        """What was written last; the text to begin with when there is nothing, or when it cannot be read."""
        try:
            text = self._file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return self._starter
        return text or self._starter

    def write(self, text: str) -> None:
        """Keep `text`."""
        self._put(self._file, text)

    def replace(self, text: str) -> None:
        """Keep `text` in the place of what is there, and that beside it."""
        before = self.read()
        if before not in (text, self._starter):
            self._put(self._file.with_suffix(".before.py"), before)
        self.write(text)

    def _put(self, file: Path, text: str) -> None:
        part = file.with_suffix(".part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8", newline="\n")
            os.replace(part, file)
        except OSError as error:
            why = error.strerror or str(error)
            self.problem = f"Your text could not be kept in {file}: {why}. Copy it before you leave."
        else:
            self.problem = ""


class Trusted:
    """Which texts this learner has run here, or read and let run: the others came from somebody else."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "code" / "trusted.txt"

    def __contains__(self, text: str) -> bool:
        try:
            return _digest(text) in self._file.read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            return False

    def add(self, text: str) -> None:
        """`text` may run here from now on; where that cannot be noted, it is asked for again."""
        if text in self:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="ascii") as file:
                file.write(f"{_digest(text)}\n")
        except OSError:
            return


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
