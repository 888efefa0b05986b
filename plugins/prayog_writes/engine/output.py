"""The tables that a job writes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from prayog_writes.engine.building import TableBuilder
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import FileMeta, table_name
from prayog_writes.engine.files import Files, Sink
from prayog_writes.engine.options import Options

__all__ = ["TableWriter"]


class TableWriter:
    """Writes rows that come in order as tables of at least `size` bytes (0: one table).

    ``numbers``: file numbers for them; when they are used up, the last table takes the rest.  ``born``: how many edits
    there had been when the tables came.
    """

    def __init__(self, files: Files, options: Options, size: int, numbers: Iterator[int], born: int) -> None:
        self._files = files
        self._options = options
        self._size = size
        self._numbers = numbers
        self._born = born
        self._number = 0
        self._open: tuple[Sink, TableBuilder] | None = None
        self.done: list[FileMeta] = []

    @property
    def written(self) -> int:
        """Bytes of finished tables."""
        return sum(f.size for f in self.done)

    def step(self, rows: int) -> int:
        """How many rows to hand over at once, where `rows` are usual."""
        return self._options.step(rows)

    def add(self, rows: Columns) -> None:
        """Take rows; never parts the versions of one key when they come together."""
        if self._open is None:
            self._number = self._number or next(self._numbers)
            sink = self._files.create(table_name(self._number))
            self._open = sink, TableBuilder(sink, self._options.bits, self._options.compression == "snappy")
        builder = self._open[1]
        builder.add(rows)
        if self._size and builder.size >= self._size and (following := next(self._numbers, 0)):
            self.finish()
            self._number = following

    def finish(self) -> None:
        """End the table that is being written."""
        if self._open is None:
            return
        sink, builder = self._open
        made = builder.finish()
        if "manifest first" not in self._options.broken:
            sink.sync()
        sink.close()
        self._open = None
        self.done.append(
            FileMeta(
                self._number, made.size, made.smallest, made.largest, made.entries, made.tombstones, self._born
            )
        )  # fmt: skip
        self._number = 0

    def undo(self) -> None:
        """Remove the tables again, the unfinished one too."""
        numbers = [meta.number for meta in self.done]
        if self._open is not None:
            self._open[0].close()
            numbers.append(self._number)
        for number in numbers:
            with suppress(OSError):
                self._files.remove(table_name(number))
