"""Real conversations for the tests: a session, and what came out of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from prayog_protocols.engine.real.session import LabSession
from prayog_protocols.engine.recording import Recording
from prayog_sim.run import Action
from prayog_sim.trace import Step

__all__ = ["capture_of", "lab", "told"]


def lab(kernel: bool = False, mss: int = 1460) -> LabSession:
    """A lab that has not begun."""
    return LabSession(1, mss, kernel, lambda done, total, text: None)


def told(session: LabSession, name: str, **args: Any) -> list[Step]:
    """Do it, wait for its end, and give its steps."""
    begin = len(session.trace)
    session.do(Action(name, args))
    until = time.monotonic() + 30
    while session.busy and time.monotonic() < until:
        session.wait(1)
    return list(session.trace[begin:])


def capture_of(steps: Iterable[Step]) -> Recording:
    """Their packets."""
    recording = Recording()
    recording.take_all(steps)
    return recording
