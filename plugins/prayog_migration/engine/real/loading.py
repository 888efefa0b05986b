"""Loads all tables of a plan from a source that nobody writes to, and goes on after what can be got over.

A lost connection is made again and the checkpoint read; a full disk is waited for; a deadlock is tried again.  What
happened is told, and nothing is counted twice: the checkpoint is the only memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.load import Cancelled, TableLoad
from prayog_migration.engine.real.state import Checkpoint
from prayog_migration.engine.real.store import Fault, Store

__all__ = ["LoadFailed", "Progress", "load_all"]

_ATTEMPTS = 6
_FIRST_WAIT_S = 0.1


class LoadFailed(RuntimeError):
    """A fault that did not go away; `fault` says which.  All that was committed stays, and loading can go on later."""

    def __init__(self, table: str, fault: Fault) -> None:
        super().__init__(f"Loading {table} stopped: {fault.sentence} ({fault.code}).")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened: a chunk (``checkpoint``), or a fault that is being got over (``fault``)."""

    table: str
    checkpoint: Checkpoint | None = None
    fault: Fault | None = None


Told = Callable[[Progress], None]


def load_all(
    source: Store,
    target: Store,
    plan: Plan,
    control: Control | None = None,
    told: Told = lambda progress: None,
    attempts: int = _ATTEMPTS,
) -> list[Checkpoint]:
    """Load every table of `plan` that is not done; the checkpoints at the end.

    Raises `Cancelled` and `LoadFailed`; both leave everything committed in place.
    """
    control = control or Control()
    done: list[Checkpoint] = []
    left = [move for move in plan.tables if _holds_rows(move)]
    failed = 0
    while left:
        try:
            with source.reader() as reader, target.writer() as writer:
                while left:
                    load = TableLoad(source, target, plan, left[0], control)
                    at = load.begin(reader, writer)
                    while not at.done:
                        at = load.step(reader, writer, at)
                        failed = 0
                        told(Progress(at.table, checkpoint=at))
                    done.append(at)
                    del left[0]
        except Cancelled:
            raise
        except Exception as error:
            fault = _fault(source, target, error)
            name = left[0].source.title
            failed += 1
            if fault.kind not in ("connection", "space", "retry") or failed >= attempts:
                raise LoadFailed(name, fault) from error
            told(Progress(name, fault=fault))
            control.wait(_FIRST_WAIT_S * 2**failed)
            if control.cancelled:
                raise Cancelled from error
    return done


def _holds_rows(move: TableMove) -> bool:
    """Rows of a partition are read through the table that it is a part of."""
    part = move.source.partitioning
    return not (part and part.parent)


def _fault(source: Store, target: Store, error: Exception) -> Fault:
    """Source and target may speak through different drivers; the one that knows the error explains it."""
    here = target.fault(error)
    return source.fault(error) if here.kind == "fatal" else here
