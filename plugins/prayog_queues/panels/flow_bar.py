"""The bar below the flow: well-known brokers, wiring, files, and what is likely to hurt in this set-up."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QVBoxLayout, QWidget

from prayog_queues.engine.definitions import DefinitionError, read_any, topology_to_json
from prayog_queues.engine.definitions.reading import Converted
from prayog_queues.engine.presets import PRESETS, Hint, hints
from prayog_queues.engine.verdict import Verdict
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench, guarded
from prayog_sdk.qt.state import paragraph

__all__ = ["FlowBar"]

_LONGEST = 1_000_000
_ROOM = 460  # px at 100 % text


@guarded
class FlowBar(QWidget):
    """Buttons, and one line of advice."""

    wanted = Signal(str, object)
    """An action is wanted, with what is known of its arguments."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench: Bench | None = None
        self._job: Job | None = None
        self._found: list[Hint] = []
        self._presets = QPushButton(self.tr("Like…"))
        self._presets.setToolTip(self.tr("Set the knobs as a well-known broker has them by default"))
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for name, preset in PRESETS.items():
            action = menu.addAction(preset.title, partial(self._take, name))
            action.setToolTip(f"{preset.about}\n{preset.source}")
        self._presets.setMenu(menu)
        self._wiring = QPushButton(self.tr("Wiring"))
        self._wiring.setToolTip(self.tr("Add a queue or an exchange, and bind them"))
        wires = QMenu(self)
        for words, name in (("New queue…", "declare_queue"), ("New exchange…", "declare_exchange"), ("Bind…", "bind"),
                            ("Unbind…", "unbind")):  # fmt: skip
            wires.addAction(self.tr(words), partial(self.wanted.emit, name, {}))
        wires.addSeparator()
        wires.addAction(self.tr("Import definitions…"), self._ask)
        self._wiring.setMenu(wires)
        self._more = QPushButton("")
        self._more.setProperty("kind", "quiet")
        self._more.clicked.connect(self._show_all)
        self._advice = paragraph("", "muted")
        self._legend = paragraph(
            self.tr("Letter and colour: customer. Ring: one more attempt. Hatched: its lease is over."),
            "muted",
            step=-1,
        )
        self._verdict = paragraph("")
        self.setToolTip(self._legend.text())
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._presets, self._wiring, self._more):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        layout.setSpacing(theme.UNIT // 2)
        layout.addWidget(self._verdict)
        layout.addWidget(self._legend)
        layout.addWidget(head)
        layout.addWidget(self._advice)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the picture needs it more than its legend, which is a tool tip as well."""
        super().resizeEvent(event)
        self._legend.setVisible(self.width() > theme.scaled(_ROOM))

    def bind(self, bench: Bench) -> None:
        self._bench = bench

    def release(self) -> None:
        self._bench = None
        if self._job is not None:
            self._job.cancel()

    def on_run(self, bench: Bench) -> None:
        """Another set-up: look what may hurt."""
        self._bench = bench
        self._found = hints(bench.params)
        self._advice.setVisible(False)
        count = len(self._found)
        words = self.tr("{n} hints on this set-up") if count != 1 else self.tr("1 hint on this set-up")
        self._more.setText(words.replace("{n}", str(count)))
        self._more.setVisible(count > 0)

    def show_verdict(self, verdict: Verdict) -> None:
        """What the judge says of the run so far, in a line; before the first message, what one could do."""
        if not verdict.published:
            kind, words = "", self.tr("Press play. Kill a consumer at work, and see what becomes of its message.")
        else:
            kind = "bad" if not verdict.clean else "warn" if verdict.missing else "good"
            words = f"{ {'bad': '✗', 'warn': '!', 'good': '✓'}[kind]} {verdict.sentence()}"
        if words != self._verdict.text():
            self._verdict.setText(words)
            self._verdict.setProperty("kind", kind)
            self._verdict.style().polish(self._verdict)

    def _show_all(self) -> None:
        shown = not self._advice.isVisible()
        self._advice.setText("\n".join(f"• {hint.text}" for hint in self._found))
        self._advice.setVisible(shown)

    def _take(self, name: str) -> None:
        if self._bench is not None:
            self._bench.set_params(PRESETS[name].knobs)
            self._bench.say(PRESETS[name].about)

    def _ask(self) -> None:
        kinds = self.tr("RabbitMQ definitions, AsyncAPI 3, own JSON (*.json *.yaml *.yml)")
        dialog = QFileDialog(self.window(), self.tr("Import definitions"), "", kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def open_file(self, path: str) -> None:
        """Begin a run with the topology in the file at `path`; what is wrong with it becomes a sentence."""
        if self._bench is None:
            return
        if self._job is not None:
            self._job.cancel()
        name = Path(path).name
        self._job = job = self._bench.jobs.submit(lambda _ctx: _read(Path(path)))  # a large YAML file takes seconds
        job.succeeded.connect(lambda found: self._opened(job, name, found))
        job.failed.connect(lambda sentence, _trace: self._tell(f"{name}: {sentence}"))
        self._tell(self.tr("{name} is read.").replace("{name}", name))

    def _opened(self, job: Job, name: str, found: Converted | str) -> None:
        bench = self._bench
        if bench is None or job is not self._job:
            return
        if isinstance(found, str):
            self._tell(f"{name}: {found}.")
            return
        bench.set_params({"kind": "own", "topology": topology_to_json(found.topology)})
        queues, exchanges = len(found.topology.queues), len(found.topology.exchanges)
        words = self.tr("{name}: {q} queues, {x} exchanges, {b} bindings.")
        words = words.replace("{name}", name).replace("{q}", str(queues)).replace("{x}", str(exchanges))
        words = words.replace("{b}", str(len(found.topology.bindings)))
        self._tell(" ".join([words, *found.notes]))

    def _tell(self, words: str) -> None:
        self._advice.setText(words)
        self._advice.setVisible(True)
        if self._bench is not None:
            self._bench.say(words)

    def outline(self) -> str:
        """The advice in words."""
        return "\n".join([self._verdict.text(), *(hint.text for hint in self._found)])


def _read(path: Path) -> Converted | str:
    """The topology in the file at `path`, or what is wrong with the file."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_LONGEST + 1)
        return read_any(text)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    except UnicodeDecodeError:
        return "it is not text in UTF-8"
    except DefinitionError as error:
        return str(error)
