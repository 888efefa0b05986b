"""The places of the run that is shown: its own table, or the same made again where the run lives in another process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.qt.panel import Bench

__all__ = ["RunTable", "made"]


class RunTable:
    """Asks a bench for the table of its run; `ready` is called when one that had to be made is there."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self._run: object = None
        self._table: Any = None

    def of(self, bench: Bench) -> Any:
        """The `Table` of the shown run; None while it is being made."""
        run = bench.run
        own = getattr(run, "table", None)
        if own is not None or run is self._run:
            return own if own is not None else self._table
        self._run, self._table = run, None
        job = bench.jobs.submit(made, bench.params, bench.seed)
        job.succeeded.connect(lambda table: self._take(run, table))
        return None

    def _take(self, run: object, table: Any) -> None:
        if run is self._run:
            self._table = table
            self._ready()


def made(ctx: Ctx, params: Any, seed: int) -> Any:
    """The table of a run with these knobs; runs in a worker."""
    from prayog_location.engine import tables

    return tables.make(params.table, params.points, seed, params.file, ctx.progress)
