"""The same workload on the simulated and on the real disk, side by side."""

from __future__ import annotations

from typing import Any

from prayog_sdk.compare import Comparison, Row
from prayog_sim.trace import Trace
from prayog_writes.measures import MEASURES

__all__ = ["compare"]

_CLOCK = "the simulated clock charges the knobs’ price for a sync; the real disk asks its own"
_ROWS = {
    "writes": "", "write_amplification": "real jobs run inside the write that makes them due, simulated ones beside it",
    "space_amplification": "as above: other moments of compaction leave other old versions", "lost": "",
    "fsyncs": "", "writes_per_second": _CLOCK,
}  # fmt: skip


def compare(simulated: Trace, real: Trace) -> Comparison:
    """Every number that both runs have; a difference of 5 % counts as none."""
    rows = []
    for name, why in _ROWS.items():
        a, b = MEASURES[name](simulated), MEASURES[name](real)
        same = _close(a, b)
        rows.append(Row(name.replace("_", " "), None, a, b, same, "" if same else why or "the two runs did other work"))
    peers = [step for step in real if step.kind == "peer"]
    for step in peers:
        same = bool(step.data["same"])
        reason = "" if same else "this engine holds other rows"
        rows.append(Row(f"{step.node}: writes a second", None, None, step.data["per_second"], same, reason))
    agreed = sum(row.same for row in rows)
    return Comparison(tuple(rows), f"{agreed} of {len(rows)} numbers agree; each other one has its reason.")


def _close(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return bool(abs(a - b) <= 0.05 * max(abs(a), abs(b)))
