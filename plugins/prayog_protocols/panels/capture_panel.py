"""The base of panels that show packets: the capture of the run up to the shown moment, and what is chosen in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.panels import choice as choices
from prayog_protocols.panels.choice import Choice
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sim.run import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from prayog_protocols.engine.recording import Recording
    from prayog_protocols.engine.tree import Packet

__all__ = ["FEW", "LONG", "CapturePanel", "asked", "is_long"]

LONG = 400  # packets of a conversation that are read without a worker
FEW = 2_000  # packets of a file that is read without another process


def is_long(capture: Capture, index: int) -> int | None:
    """The number of the packet's TCP connection if it is too long to be read on the way; else None."""
    if "flows" not in capture.__dict__ and len(capture) > 20_000:
        return -1
    found = capture.flows.of(index)
    if found is None or capture.flows.size(*found) <= LONG:
        return None
    return found[1] if found[0] == 6 else None


def asked(ctx: Ctx, capture: Capture, fn: Callable[..., Any], *args: Any) -> Any:
    """``fn(capture, *args)`` for a worker: a large file's is done in the process that has the file open, too."""
    ctx.check()
    if capture.reader is None or len(capture) <= FEW:
        return fn(capture, *args)
    return capture.reader.ask(ctx, capture, fn, *args)


class CapturePanel(CalmPanel):
    """Subclasses show a capture in `show_capture`, and what is chosen in `show_choice`.

    `capture` is None while there is no packet.  A capture that was opened is the run's own; that of any other run is
    made of the packets in its trace.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.capture: Capture | None = None
        self.recording: Recording | None = None
        self.choice: Choice | None = None
        self._run: object = None
        self._taken = 0
        self._facts: object = None

    def show_capture(self) -> None:
        """Another capture, or more packets in it."""
        raise NotImplementedError

    def show_choice(self) -> None:
        """Something else is chosen."""

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self.capture = self.recording = self.choice = self._run = self._facts = None

    def draw(self) -> None:
        if self.bench is None:
            return
        before = self.capture
        changed = self._sync(self.bench)
        if changed or before is not self.capture:
            self.show_capture()
            self.select(self.bench.selection)

    def select(self, name: str) -> None:
        found = choices.read(name)
        if found is not None and (self.capture is None or found.index >= len(self.capture)):
            found = None
        if found != self.choice:
            self.choice = found
            self.show_choice()

    def choose(self, choice: Choice) -> None:
        """Choose a packet or a field, for all panels."""
        if self.bench is not None:
            self.bench.select(str(choice))

    def do(self, name: str, **args: object) -> bool:
        """Do an action of the run, if it has one of that name."""
        if self.bench is None or all(spec.name != name for spec in self.bench.actions):
            return False
        self.bench.do(Action(name, args))
        return True

    def read(self, index: int, then: Callable[[Packet], None]) -> Job | None:
        """Take a packet apart: at once, or elsewhere when its conversation is long; `then` is given the packet."""
        capture = self.capture
        assert capture is not None
        if is_long(capture, index) is None or self.bench is None:
            then(capture.packet(index))
            return None

        def come(packet: Packet) -> None:
            if capture is self.capture:
                then(packet)

        job = self.bench.jobs.submit(asked, capture, Capture.packet, index)
        job.succeeded.connect(come)
        return job

    def origin(self, index: int) -> str:
        """Where a packet comes from; empty when nobody says so."""
        from prayog_protocols.engine.recording import origin_of

        return origin_of(self.capture, index) if self.capture is not None else ""

    def _sync(self, bench: Bench) -> bool:
        """Bring the capture to the shown moment; True when it is another one than before."""
        from prayog_protocols.engine.reading import Reading
        from prayog_protocols.engine.recording import Recording

        run, end = bench.run, bench.at + 1
        if isinstance(run, Reading):
            facts = bench.view().facts
            told = facts["verify"], facts["speaks"]
            changed = run is not self._run or told != self._facts
            if changed:
                run.capture.verify = bool(facts["verify"])
                for port, protocol in facts["speaks"].items():
                    run.capture.decode_as(int(port), protocol)
            self._run, self._facts, self.capture = run, told, run.capture
            return changed
        if run is not self._run or end < self._taken or self.recording is None:
            self._run, self._taken, self.recording = run, 0, Recording(str(bench.label()))
        changed = False
        for step in bench.trace[self._taken : end]:
            changed |= self.recording.take(step)
        self._taken = max(end, 0)
        self.capture = self.recording.capture if self.recording.packets else None
        return changed
