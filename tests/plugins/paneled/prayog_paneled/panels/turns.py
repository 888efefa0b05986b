"""How often each node had the token, as bars."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Panel
from prayog_sim.run import View
from prayog_sim.trace import Step


class Turns(Panel):
    """Gathers in `on_step` and `on_seek`; draws in `paintEvent`."""

    title = "Turns"

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(theme.scaled(200), theme.scaled(120))  # a widget that only paints asks for no room
        self.turns: Counter[str] = Counter()

    def on_step(self, step: Step) -> None:
        self.turns[step.node] += sum(effect.kind == "token" for effect in step.effects)

    def on_seek(self, view: View) -> None:
        self.turns.clear()
        for step in self.bench.trace[: view.seq + 1]:
            self.on_step(step)

    def on_frame(self) -> None:
        self.update()

    def outline(self) -> str:
        return "\n".join(f"{node} had the token {times} times." for node, times in sorted(self.turns.items()) if times)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.current(), QPainter(self)
        high = theme.scaled(24)
        for row, (node, times) in enumerate(sorted(self.turns.items())):
            painter.setPen(QColor(look.text))
            painter.drawText(QRectF(8, row * high, 60, high), Qt.AlignmentFlag.AlignVCenter, f"{node}  {times}")
            painter.fillRect(QRectF(80, row * high + 6, 8.0 * times, high - 12), QColor(look.accent))
