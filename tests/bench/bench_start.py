"""How quickly the lab's window is painted, against a bare `QMainWindow`, in one run.

    python tests/bench/bench_start.py [ROUNDS]

Each round starts both programs in fresh processes, one after the other.  The time runs from before the process is
made to after the first paint; the memory is the resident set then.  Of each program the quickest round counts: other
work on the machine only ever adds.  Goal: a ratio of at most 1.5 and at most 90 MB; ends with 1 when one is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

RATIO, MEGABYTES = 1.5, 90.0

_REPORT = """
import sys, time
def report():
    seconds = time.time() - float(sys.argv[1])
    try:
        with open("/proc/self/status") as file:
            kib = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    except OSError:
        kib = 0
    print(f"{seconds} {kib / 1024}", flush=True)
"""
BARE = (
    _REPORT
    + """
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow
class Window(QMainWindow):
    done = False
    def event(self, event):
        handled = super().event(event)
        if event.type() == QEvent.Type.UpdateRequest and not self.done:
            self.done = True
            QTimer.singleShot(0, self.finish)
        return handled
    def finish(self):
        report()
        app.quit()
app = QApplication(sys.argv[:1])
window = Window()
window.menuBar().addMenu("File")
window.addToolBar("Tools")
window.addDockWidget(__import__("PySide6.QtCore").QtCore.Qt.DockWidgetArea.LeftDockWidgetArea, QDockWidget("Dock"))
window.resize(1280, 800)
window.show()
app.exec()
"""
)
LAB = (
    _REPORT
    + """
from prayog import bootstrap
check = bootstrap.check_qt
def check_qt():
    # the last thing before the modules of the window are imported, so their order and moment stay as they are
    check()
    from prayog.ui import startup
    make = startup.open_window
    def open_window(*args, **kwargs):
        window = make(*args, **kwargs)
        def painted():
            report()
            import os
            os._exit(0)  # what happens after the first paint is not measured
        window.painted.disconnect()
        window.painted.connect(painted)
        return window
    startup.open_window = open_window
bootstrap.check_qt = check_qt
from prayog.cli import main
sys.exit(main(["--profile", sys.argv[2]]))
"""
)


def run(program: str, folder: str) -> tuple[float, float]:
    """Seconds to the first paint and megabytes then."""
    environ = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    command = [sys.executable, "-c", program, str(time.time()), folder]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory(prefix="prayog-") as folder:
        run(BARE, folder), run(LAB, folder)  # warms the file cache for both
        pairs = [(run(BARE, folder), run(LAB, folder)) for _ in range(rounds)]
    (bare_s, bare_mb), (lab_s, lab_mb) = (min(pair[i] for pair in pairs) for i in (0, 1))
    ratio = lab_s / bare_s
    median = statistics.median(lab[0] / bare[0] for bare, lab in pairs)
    print(f"bare QMainWindow  {bare_s * 1000:6.0f} ms  {bare_mb:5.1f} MB")
    print(f"the lab           {lab_s * 1000:6.0f} ms  {lab_mb:5.1f} MB")
    print(f"ratio {ratio:.2f} (median of {rounds} pairs {median:.2f}), goal {RATIO}; memory goal {MEGABYTES:.0f} MB")
    return 0 if ratio <= RATIO and lab_mb <= MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
