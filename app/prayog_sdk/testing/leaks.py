"""What a piece of the lab left behind: threads, open files, child processes, and with Qt windows, timers, threads."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Held", "left_since", "now_held"]


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds, by kind: identity -> how to name it."""

    kinds: Mapping[str, Mapping[object, str]]


def now_held() -> Held:
    """Take stock."""
    return Held({name: look() for name, look in _LOOKS.items()})


def left_since(before: Held, patience: float = 2.0) -> list[str]:
    """What is held now and was not before, as sentences.  Waits up to `patience` seconds for it to go away."""
    until = time.monotonic() + patience
    left = _new_since(before)
    while left:  # collecting garbage takes long and only removes: it is not done where nothing is left
        _settle()
        left = _new_since(before)
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    return left


def _new_since(before: Held) -> list[str]:
    return [
        f"{kind} left behind: {name}"
        for kind, held in now_held().kinds.items()
        for key, name in held.items()
        if key not in before.kinds[kind]
    ]


def _settle() -> None:
    gc.collect()
    if (core := sys.modules.get("PySide6.QtCore")) and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
        core.QCoreApplication.processEvents()


def _threads() -> dict[object, str]:
    return {t.ident: t.name for t in threading.enumerate() if not isinstance(t, threading._DummyThread)}


def _files() -> dict[object, str]:
    folder = Path("/proc/self/fd")
    held: dict[object, str] = {}
    if folder.is_dir():
        for name in os.listdir(folder):
            try:
                target = os.readlink(folder / name)
            except OSError:  # the descriptor that listed the folder
                continue
            if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
                held[name, target] = target
    return held


def _processes() -> dict[object, str]:
    held: dict[object, str] = {child.pid: child.name for child in multiprocessing.active_children()}
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            pids = task.read_text().split()
        except OSError:
            continue
        for pid in pids:
            held.setdefault(int(pid), f"process {pid}")
    return held


def _objects(module: str, kind: str, alive: Callable[[object], bool]) -> dict[object, str]:
    loaded = sys.modules.get(f"PySide6.{module}")
    if loaded is None:
        return {}
    import shiboken6

    wanted = getattr(loaded, kind)
    return {
        id(item): f"{type(item).__name__} {item.objectName()!r}"
        for item in gc.get_objects()
        if isinstance(item, wanted) and shiboken6.isValid(item) and alive(item)
    }


def _windows() -> dict[object, str]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return {}
    return {id(w): f"{type(w).__name__} {w.objectName()!r}" for w in widgets.QApplication.topLevelWidgets()}


_LOOKS: Mapping[str, Callable[[], Mapping[object, str]]] = {
    "thread": _threads,
    "open file": _files,
    "child process": _processes,
    "window": _windows,
    "running timer": lambda: _objects("QtCore", "QTimer", lambda timer: timer.isActive()),  # type: ignore[attr-defined]
    "running QThread": lambda: _objects("QtCore", "QThread", lambda thread: thread.isRunning()),  # type: ignore[attr-defined]
}
