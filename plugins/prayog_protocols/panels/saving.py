"""What of a capture can be saved: the packets as pcapng with their comments, the list as CSV.  No Qt."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prayog_protocols.engine.capture.writer import Writer

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture
    from prayog_protocols.engine.recording import Recording

__all__ = ["write_capture", "writers"]

_LISTED = 100_000


def writers(
    capture: Capture, recording: Recording | None, comments: Callable[[], Mapping[str, str]]
) -> Mapping[str, Callable[[Path], None]]:
    """File ending -> writer.  `comments`: what the learner wrote, by number of the packet."""

    def pcapng(path: Path) -> None:
        if recording is not None:
            path.write_bytes(recording.pcapng())
        else:
            write_capture(capture, path, comments())

    return {"pcapng": pcapng, "csv": lambda path: _write_list(capture, path)}


def write_capture(capture: Capture, path: Path, comments: Mapping[str, str]) -> None:
    """The whole capture as pcapng: interfaces, keys, and the comments of the file and of the learner."""
    records = capture.records
    with path.open("wb") as file:
        writer = Writer(file, records.comment)
        for one in records.interfaces:
            writer.interface(one.link, one.name, one.description, one.comment, one.snap)
        for secrets in records.secrets:
            writer.secrets(secrets.data, secrets.kind)
        for index in range(len(capture)):
            said = [
                *records.comments.get(index, ()),
                *([comments[str(index + 1)]] if str(index + 1) in comments else []),
            ]
            interface = 0 if records.interface is None else int(records.interface[index])
            writer.packet(
                capture.raw(index), int(records.times[index]), interface, "; ".join(said), int(records.lengths[index])
            )


def _write_list(capture: Capture, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["number", "seconds", "source", "destination", "protocol", "length", "info"])
        for index in range(min(len(capture), _LISTED)):
            row = capture.row(index)
            line = [row.number, row.time_ns / 1e9, row.source, row.destination, row.protocol, row.length, row.info]
            out.writerow(line)
