"""Every crash point of one handler against every strategy: a small run for each, and what the judge says of it.

One consumer, a dozen orders, one crash at the fifth message, at its first hand-out; another attempt follows.  No Qt: it
is called in a worker process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from prayog_queues.engine.handlers import HANDLERS, POINTS, YOURS
from prayog_queues.engine.judging import judge
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.build import build
from prayog_sim.world import World

__all__ = ["Cell", "Work", "matrix", "played", "setup_of", "strategies"]

SEED = 7
_LONGEST_US = 20_000_000
_STEPS = 6_000
_AT = 5


class Work(Protocol):
    """What a job's function may tell of itself."""

    def progress(self, done: int, total: int = 0, text: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One run: what was lost and doubled, the step that shows it (−1: nothing to show), and whether it ended."""

    point: str
    strategy: str
    lost: int
    duplicate: int
    seq: int
    sentence: str
    finished: bool


def strategies(code: str = "") -> list[str]:
    """The handlers of the columns; the learner's own when there is one."""
    return [name for name in HANDLERS if name != YOURS or code]


def setup_of(point: str, strategy: str, code: str = "") -> Setup:
    """The knobs of one cell."""
    return replace(
        Setup(), messages=12, rate=20.0, keys=3, work_ms=20.0, handler=strategy, crash_at=_AT, crash_point=point,
        restart_ms=200, lease_ms=1_000, code=code if strategy == YOURS else "",
    )  # fmt: skip


def played(setup: Setup, seed: int = SEED) -> World:
    """A run of `setup` to its end."""
    world = build(setup, seed)
    while world.busy and len(world.trace) < _STEPS:
        step = world.step()
        if step is None or step.at > _LONGEST_US or any(effect.kind == "finished" for effect in step.effects):
            break
    return world


def _cell(point: str, strategy: str, code: str) -> Cell:
    world = played(setup_of(point, strategy, code))
    verdict = judge(world.trace)
    shown = [f for f in verdict.findings if f.kind in ("lost", "duplicate")]
    crashed = next((s.seq for s in world.trace if any(e.kind == "crashed" for e in s.effects)), -1)
    world.close()
    return Cell(
        point, strategy, verdict.counts["lost"], verdict.counts["duplicate"], shown[0].seqs[-1] if shown else crashed,
        shown[0].sentence if shown else "", verdict.finished,
    )  # fmt: skip


def matrix(ctx: Work, code: str = "") -> list[Cell]:
    """All cells, row after row."""
    columns = strategies(code)
    cells: list[Cell] = []
    for point in POINTS:
        for strategy in columns:
            ctx.progress(len(cells), len(POINTS) * len(columns), f"{strategy}, crash {point.replace('_', ' ')}")
            cells.append(_cell(point, strategy, code))
    return cells
