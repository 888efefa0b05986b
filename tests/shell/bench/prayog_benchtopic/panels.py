"""Panels that behave, and panels that do not."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout

from prayog_sdk.qt.panel import Panel


class SumPanel(Panel):
    """Counts how it is called, and shows the sum."""

    def __init__(self):
        super().__init__()
        self.steps, self.frames, self.seeks, self.seen, self.bound = 0, 0, 0, [], 0
        self.label = QLabel("–")
        QVBoxLayout(self).addWidget(self.label)

    def bind(self, bench):
        super().bind(bench)
        self.bound += 1

    def on_step(self, step):
        self.steps += 1
        self.seen.append(step.seq)

    def on_frame(self):
        self.frames += 1
        self.label.setText(str(self.bench.view().facts["sum"]))

    def on_seek(self, view):
        self.seeks += 1
        self.seen = [step.seq for step in self.bench.trace[: view.seq + 1]]
        self.label.setText(str(view.facts["sum"]))


class FragilePanel(Panel):
    """Breaks at the third step."""

    def on_step(self, step):
        if step.seq == 3:
            raise ValueError("three is too many")


class PaintPanel(Panel):
    """Breaks when it is painted."""

    def paintEvent(self, event):
        raise ValueError("no colours left")
