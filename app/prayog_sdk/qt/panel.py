"""What a panel is, and what it may use: the seam between the bench and everything that draws on it.

A panel gathers in `on_step` (called for every new step, must be cheap) and draws in `on_frame` (called at most
60 times a second while the panel is visible and something changed).  `on_seek` gives it a whole view: after a
jump, a step back, a new run.  It never reads live nodes: only steps and views.

Rules
1. A panel touches the run only through `Bench.do` and `Bench.seek`.
2. Work above a few milliseconds goes through `Bench.jobs`; heavy imports (numpy, pyqtgraph, WebEngine) happen
   inside methods.
3. A panel that raises is replaced by a problem card; the others go on.  Widgets of a topic's own that override event
   handlers are marked `guarded`: PySide 6.11.3 on Python 3.11 dies with a segmentation fault when such a handler
   raises while it was called straight from Python (``grab()``, ``show()``).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from prayog_sdk.specs import ActionSpec, CodeSpec, SeriesSpec
from prayog_sim.run import Action, Run, View
from prayog_sim.trace import Step, Trace

if TYPE_CHECKING:
    from prayog_sdk.exports import Label
    from prayog_sdk.grading import SeedResult
    from prayog_sdk.qt.jobs import JobManager
    from prayog_sdk.services import Services

__all__ = ["Bench", "Panel", "guarded"]

W = TypeVar("W", bound=type[QWidget])


def guarded(kind: W) -> W:
    """Let no exception out of the event handlers (``paintEvent``, ``event``, …) that the class `kind` defines.

    What they raise goes to `sys.excepthook`, as it would from the event loop; the event then counts as handled.
    `Panel` does this to every subclass.
    """
    for name, handler in list(vars(kind).items()):
        if callable(handler) and (name == "event" or name.endswith("Event")):
            setattr(kind, name, _caught(handler))
    return kind


def _caught(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def safe(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception:  # noqa: BLE001 - whatever a topic's code raises must not reach the binding
            sys.excepthook(*sys.exc_info())
            return True if handler.__name__ == "event" else None

    return safe


class BenchSignals(QObject):
    """Signals of a bench; a panel connects to these, never to the run."""

    view_changed = Signal(object)
    """A `View`: the moment that is shown changed by more than one step, or another run is shown."""
    selection_changed = Signal(str)
    """The name of the selected node, message (``#ident``) or thing; ``""`` is nothing."""
    run_changed = Signal()
    """Another run is on the bench (new parameters, another seed, a fork, a session)."""
    trial_began = Signal(object)
    """The learner's code is being tried on the seeds of a challenge: a `Job`."""
    trial_ended = Signal(object, object)
    """How it did there: a `prayog_sdk.grading.ChallengeResult`, and all seeds of the challenge."""


class Bench(Protocol):
    """What the shell offers to a panel."""

    signals: BenchSignals
    jobs: JobManager
    services: Services
    actions: Sequence[ActionSpec]
    series: Sequence[SeriesSpec]
    topic_id: str

    code: CodeSpec | None
    """The function that the learner writes on the shown set-up; None when there is none."""
    trial_seeds: str
    """The seeds on which code is tried, in words; empty when no challenge asks for code."""
    draft: str | None
    """What stands in the code panel now, run or not; None when there is no such panel.  The panel sets it."""

    @property
    def run(self) -> Run: ...
    @property
    def params(self) -> Any:
        """The params dataclass of the run."""
        ...

    @property
    def seed(self) -> int: ...
    @property
    def trace(self) -> Trace: ...
    @property
    def at(self) -> int:
        """``seq`` of the step that is shown; -1 before the first.  May lie before the end of the trace."""
        ...

    @property
    def clock_us(self) -> float:
        """The moment that is shown, in µs; between two steps while the animation runs."""
        ...

    @property
    def selection(self) -> str: ...
    @property
    def reduced_motion(self) -> bool: ...
    def view(self) -> View:
        """The view at `at` (kept, so asking twice is cheap)."""
        ...

    def do(self, action: Action) -> None:
        """Do an action at the shown moment (a fork, when that lies in the past); failures become a sentence."""
        ...

    def seek(self, seq: int) -> None: ...
    def select(self, name: str) -> None: ...
    def set_params(self, values: Mapping[str, Any]) -> None:
        """Start a new run with changed knobs (same seed)."""
        ...

    def start(self, values: Mapping[str, Any], seed: int) -> None:
        """Start a run with these knobs, the others as they are by default: free play, without a scenario's script."""
        ...

    def show(self, title: str, run: Run) -> None:
        """Show `run` (a counter-example, the same faults on another algorithm) as a further branch, from its start."""
        ...

    def run_code(self, text: str) -> None:
        """A new run with the function in `text`, played to the end of its script; in a challenge it is graded too."""
        ...

    def show_seed(self, seed: SeedResult) -> None:
        """Show the run on a seed of the challenge, at the step that tells why it failed."""
        ...

    def say(self, sentence: str) -> None:
        """A quiet message to the learner (status line and screen reader)."""
        ...

    def label(self) -> Label:
        """Where exports and pictures of this run come from."""
        ...

    def data_dir(self) -> Path:
        """A folder of the topic's own in the profile."""
        ...

    def measure(self, name: str) -> Any:
        """The topic's named measure on the trace up to the shown step; None when it is not known yet."""
        ...


class Panel(QWidget):
    """Base of all panels, stock or a topic's own."""

    title = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        guarded(cls)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bench: Bench | None = None

    def bind(self, bench: Bench) -> None:
        """The panel is on `bench` now, which has a run.  Call `super().bind(bench)`; it calls `on_run`."""
        self.bench = bench
        bench.signals.run_changed.connect(self.__run_changed)
        self.on_run(bench)

    def on_run(self, bench: Bench) -> None:
        """Another run is shown (or the first): forget what belonged to the one before.  `on_seek` follows.

        It is called for panels that cannot be seen as well, so it must be cheap.
        """

    def on_step(self, step: Step) -> None:
        """One new step at the end of what is shown: gather, do not draw."""

    def on_frame(self) -> None:
        """Draw what was gathered, at `bench.clock_us`."""

    def on_seek(self, view: View) -> None:
        """The shown moment jumped, or another run is shown: rebuild from `view` and `bench.trace`."""

    def on_theme(self) -> None:
        """Colours or text size changed."""

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        """What can be saved from here: file ending -> writer (``png`` is always offered).

        A writer writes what is there when it is called; pause a run that goes on.
        """
        return {}

    def outline(self) -> str:
        """The panel in words, for the outline and screen readers."""
        return ""

    def unbind(self) -> None:
        """The bench goes away: stop timers and jobs, release what is held."""
        if self.bench is not None:
            self.bench.signals.run_changed.disconnect(self.__run_changed)
        self.bench = None

    @Slot()
    def __run_changed(self) -> None:
        if self.bench is not None:
            self.on_run(self.bench)
