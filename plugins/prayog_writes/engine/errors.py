"""What can go wrong in a database, as sentences for the person who can act."""

from __future__ import annotations

__all__ = ["Corruption", "DatabaseError", "DiskFull", "ReadOnly"]


class DatabaseError(Exception):
    """The engine cannot do what was asked; the message is a sentence."""


class Corruption(DatabaseError):
    """Bytes on disk are not what was written.  `file` and `offset` say where."""

    def __init__(self, file: str, offset: int, found: str, advice: str = "") -> None:
        super().__init__(file, offset, found, advice)  # so that it can travel between processes
        self.file = file
        self.offset = offset
        self.found = found
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.file} is damaged at byte {self.offset:,}: {self.found}. {self.advice}".strip()


class DiskFull(DatabaseError):
    """There was no room to write; nothing that was acknowledged is lost."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"The disk is full: there was no room while {doing}. Nothing that was acknowledged is lost; the database "
            "takes no more writes until it is opened again with room to write."
        )


class ReadOnly(DatabaseError):
    """A write to a database that takes none."""
