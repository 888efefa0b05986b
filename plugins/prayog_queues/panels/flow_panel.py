"""The flow: producers, exchanges, queues, consumers and the world, messages on their way, and the wiring by hand.

Pull a wire from an exchange to a queue, or use the menu of a box (right click, menu key or Shift+F10).  Each edit is an
action, so it stands in the run and is done again with it.  Boxes are dragged, or moved with Ctrl and an arrow key, and
stay there: that is no part of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QMenu, QScrollArea, QVBoxLayout, QWidget

from prayog_queues.engine.definitions.asyncapi import to_asyncapi
from prayog_queues.engine.definitions.rabbitmq import to_rabbitmq
from prayog_queues.engine.definitions.reading import Converted
from prayog_queues.engine.flow import Flow
from prayog_queues.engine.judging import Judge
from prayog_queues.engine.port import Topology
from prayog_queues.engine.setup import topology_of
from prayog_queues.panels.flights import moving
from prayog_queues.panels.flow_bar import FlowBar
from prayog_queues.panels.flow_plan import Wire, sentence
from prayog_queues.panels.flow_view import FlowView
from prayog_queues.panels.following import FollowingPanel
from prayog_sdk.qt import actions, picture, theme
from prayog_sdk.qt.panel import Bench
from prayog_sdk.specs import ActionSpec
from prayog_sim.run import Action
from prayog_sim.trace import Step

__all__ = ["FlowPanel"]


class Seen:
    """What the panel reads from the run: where messages are, and what the judge says."""

    def __init__(self, topology: Topology) -> None:
        self.flow = Flow(topology)
        self.judge = Judge(most=1)

    def take(self, step: Step) -> None:
        self.flow.take(step)
        self.judge.take(step)


class _Area(QScrollArea):
    """Scrolls the flow.  With less height than two boxes nobody reads it: the bench then puts other panels behind."""

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(200), theme.scaled(130))


class FlowPanel(FollowingPanel[Seen]):
    """The picture with its bar."""

    title = "Flow"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = FlowView(Flow(Topology()), self)
        self._bar = FlowBar(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._area = area = _Area()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._view)
        layout.addWidget(area, 1)
        layout.addWidget(self._bar)
        self._view.chosen.connect(self._choose)
        self._view.wired.connect(self._wire)
        self._view.asked.connect(self._menu)
        self._view.typed.connect(self._type)
        self._view.picked.connect(self._pick)
        self._view.told.connect(self._walked)
        self._view.moved.connect(self._moved)
        self._bar.wanted.connect(self._perform)

    def fresh(self) -> Seen:
        assert self.bench is not None
        return Seen(topology_of(self.bench.params)[0])

    @property
    def flow(self) -> Flow:
        """Where messages are at the shown moment."""
        return self.fold.flow

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._selected)
        self._bar.bind(bench)
        self._view.places.load(bench.data_dir() / "flow.json")
        self.on_frame()

    def unbind(self) -> None:
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._selected)
        self._bar.release()
        super().unbind()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._bar.on_run(bench)

    def on_frame(self) -> None:
        super().on_frame()
        if self.bench is None or self._follower is None:
            return
        self._show()  # tokens move between two steps as well

    def draw(self) -> None:
        self._bar.show_verdict(self.fold.judge.verdict())
        self._show()

    def _show(self) -> None:
        bench = self.bench
        if bench is None:
            return
        simulated = bench.run.kind == "world"
        names = tuple(bench.view().nodes) if simulated else ()
        clock = bench.clock_us
        last = bench.trace[bench.at].at if 0 <= bench.at < len(bench.trace) else 0
        # At a step that stands, what just moved is shown as a trail; between two steps it glides.
        still = bench.reduced_motion or abs(clock - last) < 1
        flights = moving(bench.view().flights, self.flow) if simulated else None
        self._view.show_flow(self.flow, names, max(clock, last), still=still, flights=flights)

    # -- what the learner does ---------------------------------------------------------------------------------

    def _spec(self, name: str) -> ActionSpec | None:
        assert self.bench is not None
        return next((spec for spec in self.bench.actions if spec.name == name), None)

    def _perform(self, name: str, known: Mapping[str, Any]) -> None:
        """Ask for what is missing, and do it."""
        bench, spec = self.bench, self._spec(name)
        if bench is None or spec is None:
            self._say(self.tr("This run cannot do that."))
            return
        filled, _ = actions.fill(spec, "")
        dialog = actions.ActionDialog(spec, {**filled, **known}, tuple(bench.view().nodes), self)
        dialog.accepted.connect(lambda: bench.do(Action(spec.name, dialog.values())))
        dialog.open()

    @Slot(str, str)
    def _wire(self, exchange: str, queue: str) -> None:
        self._perform("bind", {"exchange": exchange, "queue": queue})

    @Slot(str)
    def _choose(self, place: str) -> None:
        if self.bench is None:
            return
        if place:
            self._say(sentence(self.flow, place, self.bench.clock_us))
        node = place[2:] if place[2:] in self.bench.view().nodes else "broker" if place[:1] in "qx" and place else ""
        self.bench.select(node if node in self.bench.view().nodes else "")
        self._view.selected = place
        self._view.update()

    @Slot(str)
    def _pick(self, message: str) -> None:
        """Follow this message: its token is marked, and the inspector shows its life."""
        if self.bench is not None:
            self.bench.select(message)
            self._say(self.tr("{message} is followed.").replace("{message}", message))

    @Slot(str)
    def _selected(self, name: str) -> None:
        self._view.message = "" if self.bench is None or name in self.bench.view().nodes else name
        if self._view.selected[2:] != name and not (name == "broker" and self._view.selected[:1] in ("q", "x")):
            self._view.selected = next((p for p in self._view.plan.boxes if p[2:] == name and p[:1] in "pc"), "")
            self._view.update()

    @Slot(str)
    def _type(self, letter: str) -> None:
        if self.bench is None:
            return
        place = self._view.focus
        if letter == "b" and place[:1] in ("x", "q"):
            known = {"exchange": place[2:]} if place[:1] == "x" else {"queue": place[2:]}
            self._perform("bind", known)
            return
        node = place[2:] if place[2:] in self.bench.view().nodes else ""
        spec = actions.by_key(self.bench.actions, letter, node)
        if spec is not None:
            actions.perform(self.bench, spec, "" if spec.target == "run" else node, self)

    @Slot(str, object, object)
    def _menu(self, place: str, wire: Wire | None, at: QPoint) -> None:
        bench = self.bench
        if bench is None:
            return
        sort, name = place[:1], place[2:]
        if sort in ("p", "c") and name in bench.view().nodes:
            menu = actions.menu(bench, name, self)
        else:
            menu = QMenu(self)
            if wire is not None and wire.binding is not None:
                b = wire.binding
                menu.addAction(
                    self.tr("Cut this binding"),
                    lambda: bench.do(Action("unbind", {"exchange": b.exchange, "queue": b.queue, "pattern": b.pattern,
                                                       "node": "broker"})),
                )  # fmt: skip
            if sort == "x":
                menu.addAction(self.tr("Bind to a queue…\tB"), partial(self._perform, "bind", {"exchange": name}))
                for b in (b for b in self.flow.topology.bindings if b.exchange == name):
                    words = self.tr("Cut: {queue} {pattern}").replace("{queue}", b.queue)
                    words = words.replace("{pattern}", b.pattern)
                    known = {"exchange": b.exchange, "queue": b.queue, "pattern": b.pattern, "node": "broker"}
                    menu.addAction(words, partial(bench.do, Action("unbind", known)))
            if sort == "q":
                menu.addAction(self.tr("Bind to an exchange…\tB"), partial(self._perform, "bind", {"queue": name}))
                menu.addAction(self.tr("Look into it"), partial(self._perform, "look_into", {"queue": name}))
                if name in self.flow.dead_letters():
                    back = partial(self._perform, "redrive", {"queue": name})
                    menu.addAction(self.tr("Send back its messages…"), back)
            menu.addSeparator()
            menu.addAction(self.tr("New queue…"), partial(self._perform, "declare_queue", {}))
            menu.addAction(self.tr("New exchange…"), partial(self._perform, "declare_exchange", {}))
        menu.addSeparator()
        back_in_order = menu.addAction(self.tr("Put the boxes back in order"), self._view.in_order)
        back_in_order.setEnabled(bool(self._view.places))
        menu.popup(self._view.mapToGlobal(at))

    @Slot(str)
    def _walked(self, words: str) -> None:
        """The keyboard went to a box: bring it into sight, and say what it is."""
        box = self._view.plan.boxes.get(self._view.focus)
        if box is not None:
            centre = box.center().toPoint()
            self._area.ensureVisible(centre.x(), centre.y(), round(box.width() / 2) + 8, round(box.height() / 2) + 8)
        self._say(words)

    @Slot()
    def _moved(self) -> None:
        try:
            self._view.places.keep()
        except OSError as error:
            words = self.tr("The places of the boxes could not be kept: {why}.")
            self._say(words.replace("{why}", error.strerror or str(error)))

    def _say(self, words: str) -> None:
        if self.bench is not None:
            self.bench.say(words)

    # -- files -------------------------------------------------------------------------------------------------

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        def paint(painter: QPainter) -> None:
            self._view.picture(painter)
            if self.bench is not None:
                picture.sign(painter, self._view.size(), str(self.bench.label()))

        def written(convert: Callable[[Topology], Converted]) -> Callable[[Path], None]:
            def write(path: Path) -> None:
                path.write_text(convert(self.flow.topology).text, encoding="utf-8")

            return write

        size = self._view.size()
        return {
            "svg": lambda path: picture.save_svg(path, size, paint, self.tr("Flow"), self.outline()),
            "rabbitmq.json": written(to_rabbitmq),
            "asyncapi.yaml": written(to_asyncapi),
        }

    def outline(self) -> str:
        if self.bench is None:
            return ""
        told = [sentence(self.flow, place, self.bench.clock_us) for place in self._view.plan.boxes]
        return "\n".join([*told, self._bar.outline()]).strip()

    def on_theme(self) -> None:
        super().on_theme()

