"""Run by `prayog doctor` in a process of its own: opens Qt and counts references to None that calls lose.

PySide6 6.12.0 on Python 3.11 loses one on every void call (see `prayog.bootstrap.qt_fault`).
"""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication, QWidget


def main() -> None:
    """Print ``lost N`` for a thousand calls; None is immortal from Python 3.12 on."""
    app = QApplication(["doctor"])
    widget = QWidget()
    before = sys.getrefcount(None)
    for _ in range(1000):
        widget.update()
    print("lost", before - sys.getrefcount(None) if sys.version_info < (3, 12) else 0)
    del widget, app


if __name__ == "__main__":
    main()
