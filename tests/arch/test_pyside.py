"""The PySide6 that is installed keeps its references, and one that does not is refused with a sentence."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from prayog.bootstrap import qt_fault


def test_pyside_refcount(qapp: QApplication) -> None:
    """6.12.0 under Python 3.11 loses one reference to None per void call, and the process is aborted at zero."""
    widget = QWidget()
    before = sys.getrefcount(None)
    for _ in range(1000):
        widget.update()
    lost = before - sys.getrefcount(None)
    assert sys.version_info >= (3, 12) or abs(lost) < 100


@pytest.mark.parametrize(
    ("pyside", "python", "refused"),
    [("6.12.0", (3, 11, 7), True), ("6.12.0", (3, 12, 0), False), ("6.11.3", (3, 11, 7), False)],
)
def test_the_version_that_aborts_is_refused(pyside: str, python: tuple[int, ...], refused: bool) -> None:
    sentence = qt_fault(pyside, python)
    assert bool(sentence) is refused
    if refused:
        assert "or use Python 3.12" in sentence
