"""Doing something on the real disk, whatever is on the bench: if need be, a session is opened as a further branch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prayog_sdk.qt.panel import Bench
from prayog_sdk.topic import silent
from prayog_sim.run import Action

__all__ = ["do_for_real"]


def do_for_real(bench: Bench, title: str, action: Action, **knobs: Any) -> None:
    """Do `action` in a session with these `knobs`: the one on the bench, or else a new one called `title`."""
    from prayog_writes.engine.real.session import DiskSession
    from prayog_writes.topic import setup_of

    setup = setup_of(replace(bench.params, **knobs), "inline")
    if not (isinstance(bench.run, DiskSession) and bench.run.setup == setup):
        bench.show(title, DiskSession(setup, bench.seed, silent, bench.services))
    bench.do(action)
