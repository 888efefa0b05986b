"""A flush or compaction on its way, as a function of the trace and the position in it.  No Qt.

    begin step   the inputs lift out of their levels (copies: readers still use the tables until the edit)
    merge steps  a cursor sweeps over the key range, outputs grow behind it
    edit step    the outputs land in their level, the inputs are gone

A position is a step and a share of the way to the next one.  On a step itself (share 1) everything has arrived: that is
also what is shown when motion is reduced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_sim.trace import Step, Trace
from prayog_writes.panels.tree import order

__all__ = ["Chronicle", "Motion", "motion", "share_of_step"]

File = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Motion:
    """``lift``, ``merged``, ``landed``: 0 to 1.  ``inputs``: tables with their levels.  ``output``: the level."""

    kind: str
    inputs: tuple[tuple[int, File], ...]
    output: int
    lift: float
    merged: float
    landed: float
    key: str = ""
    rows: int = 0
    """Rows written so far."""
    dropped_versions: int = 0
    dropped_tombstones: int = 0
    before: tuple[tuple[File, ...], ...] = ()
    """While it lands: the levels before the edit, and the tables that come."""
    outputs: tuple[File, ...] = ()

    @property
    def moving(self) -> bool:
        """A further frame would look different."""
        return min(self.lift, self.landed) < 1


class Chronicle:
    """What a trace says of tables: every edit and every table there ever was.  Steps are taken in order."""

    def __init__(self) -> None:
        self.edits: list[tuple[int, int, int]] = []
        """(step, number, byte of the MANIFEST) of each edit."""
        self.tables: dict[int, File] = {}

    def take(self, step: Step) -> None:
        """Take in the next step."""
        if step.kind == "edit":
            self.edits.append((step.seq, int(step.data["edit"]), int(step.data["offset"])))
            for _, file in step.data["added"]:
                self.tables[int(file["number"])] = file

    def edit_at(self, seq: int) -> int:
        """How many edits there were up to step `seq`."""
        low, high = 0, len(self.edits)
        while low < high:
            middle = (low + high) // 2
            if self.edits[middle][0] <= seq:
                low = middle + 1
            else:
                high = middle
        return low


def share_of_step(trace: Trace, at: int, clock_us: float, next_at: int | None) -> float:
    """How far the clock is between step `at` and the next: 1 on the step itself, else above 0 and up to 1."""
    if not 0 <= at < len(trace):
        return 1.0
    begin = trace[at].at
    due = trace[at + 1].at if at + 1 < len(trace) else next_at
    if due is None or due <= begin or clock_us <= begin:
        return 1.0
    return min(1.0, (clock_us - begin) / (due - begin))


def motion(trace: Trace, at: int, share: float, facts: Mapping[str, Any], tables: Mapping[int, File]) -> Motion | None:
    """What moves at step `at`; `facts` are those of the view there, `tables` those of the chronicle."""
    if not 0 <= at < len(trace):
        return None
    step = trace[at]
    if step.kind == "edit":
        return _landing(step, share, facts["levels"], tables) if share < 1 else None
    job = facts.get("job")
    if job is None:
        return None
    inputs = tuple((int(n), tables[int(number)]) for n, number in job.get("inputs", ()) if int(number) in tables)
    total = sum(int(file["entries"]) for _, file in inputs) if inputs else int(job.get("rows", 0))
    now = job.get("progress") or {}
    eaten: float = _eaten(now)
    if step.kind == "merge":
        before = trace[at - 1]
        begun = _eaten(before.data) if before.kind == "merge" else 0
        eaten = begun + (eaten - begun) * share
    kind = "move" if job.get("move") else "drop" if job.get("drop") else str(job["kind"])
    return Motion(
        kind, inputs, int(job.get("output", 0)), share if step.kind.endswith("_begin") else 1.0,
        min(1.0, eaten / max(1, total)), 1.0, str(now.get("key", "")), int(now.get("rows", 0)),
        int(now.get("old", 0)), int(now.get("tombstones", 0)),
    )  # fmt: skip


def _eaten(progress: Mapping[str, Any]) -> int:
    """Rows of the inputs that were dealt with: written on, or dropped."""
    return sum(int(progress.get(name, 0)) for name in ("rows", "old", "tombstones"))


def _landing(
    step: Step, share: float, levels: Sequence[Sequence[File]], tables: Mapping[int, File]
) -> Motion | None:  # fmt: skip
    data = step.data
    if data["what"] in ("start", "log"):
        return None
    outputs = tuple(file for _, file in data["added"])
    added = {int(file["number"]) for file in outputs}
    before = [[file for file in files if file["number"] not in added] for files in levels]
    gone = [(int(level), tables[int(number)]) for level, number in data["deleted"] if int(number) in tables]
    for level, file in gone:
        before[level].append(file)
    before[0].sort(key=lambda file: -int(file["number"]))
    for files in before[1:]:
        files.sort(key=lambda file: order(file["low"]))
    output = int(data["added"][0][0]) if data["added"] else 0
    return Motion(
        str(data["what"]), tuple(gone), output, 1.0, 1.0, share, before=tuple(tuple(files) for files in before),
        outputs=outputs,
    )  # fmt: skip
