"""An exception in an event handler of a panel reaches the hook and never the binding (which would crash)."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from PySide6.QtWidgets import QApplication, QWidget
from prayog_sdk.qt.panel import Panel, guarded

app = QApplication([])
sys.excepthook = lambda kind, error, trace: print("caught", kind.__name__)

class Broken(Panel):
    def paintEvent(self, event):
        1 / 0

@guarded
class Inner(QWidget):
    def event(self, event):
        raise TypeError("no")

for widget in (Broken(), Inner()):
    widget.resize(40, 40)
    widget.grab()
print("alive")
"""


def test_a_handler_that_raises_while_python_waits_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert "caught ZeroDivisionError" in done.stdout
    assert "caught TypeError" in done.stdout
    assert done.stdout.endswith("alive\n")
