"""The leak check can fail, and what it needs is not imported where nobody asked for Qt."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from prayog_sdk.testing.leaks import left_since, now_held


def test_a_thread_and_a_file_are_found(tmp_path: Path) -> None:
    before = now_held()
    stop = threading.Event()
    worker = threading.Thread(target=stop.wait, name="forgotten")
    worker.start()
    file = (tmp_path / "open.txt").open("w")
    left = left_since(before, patience=0.1)
    stop.set()
    worker.join()
    file.close()
    assert "thread left behind: forgotten" in left
    assert any(name.endswith("open.txt") for name in left) or not Path("/proc/self/fd").is_dir()
    assert left_since(before) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found through /proc, which is not here")
def test_a_child_process_is_found() -> None:
    before = now_held()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert any("child process" in name for name in left_since(before, patience=0))
        child.communicate(b"\n")
    assert left_since(before) == []


def test_windows_and_timers_are_found(qapp: object) -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QWidget

    before = now_held()
    window, timer = QWidget(), QTimer()
    window.setObjectName("forgotten")
    timer.start(60_000)
    left = left_since(before, patience=0)
    assert "window left behind: QWidget 'forgotten'" in left
    assert any("running timer" in name for name in left)
    timer.stop()
    window.deleteLater()
    del window, timer
    assert left_since(before) == []


def test_tests_with_qapp_are_marked(request: pytest.FixtureRequest, qapp: object) -> None:
    assert request.node.get_closest_marker("gui") is not None


def test_the_plugin_imports_no_qt() -> None:
    code = "import sys, prayog_sdk.testing.plugin; print([m for m in sys.modules if 'PySide6' in m or m == 'pluggy'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "PySide6" not in found.stdout
