"""What is done before Qt is imported, and what is left behind for the next start should the process die hard.

A crash in C code shows no card.  So the lab writes two files: Python's stacks at the moment of death
(`Profile.crash_log`), and the name of the topic that is open (`Profile.opened`), which is taken away on a clean
close.  A start that finds the marker of a process that is gone keeps a report (`Profile.crash_report`), tells the
learner, and offers safe mode.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from prayog import lab_version
from prayog.cli import BadInput
from prayog.libraries import install_line, missing, wanted
from prayog.paths import Profile

__all__ = ["Crash", "CrashLog", "check_qt", "crashed", "has_display", "qt_fault"]

_KEEP = 20_000  # characters of a crash log that a report shows


def qt_fault(pyside: str, python: tuple[int, ...]) -> str:
    """Why PySide6 of version `pyside` must not be used with this Python, or ``""``."""
    if pyside == "6.12.0" and python < (3, 12):
        return (
            "PySide6 6.12.0 loses a reference to None on every call under Python older than 3.12, and the lab would "
            'be aborted within seconds. Install PySide6-Essentials "<6.12", or use Python 3.12 or newer.'
        )
    return ""


def has_display() -> bool:
    """Whether a window can be shown here; ``QT_QPA_PLATFORM`` speaks for itself."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def check_qt() -> None:
    """Raise `BadInput` with a sentence when Qt, or a library that it needs, is missing or cannot work."""
    try:
        from PySide6 import __version__ as version  # importlib.metadata would cost a quarter of a bare start
    except ImportError:
        raise BadInput(
            "The window needs PySide6-Essentials, which is not installed. `prayog list` and `prayog run` work without."
        ) from None
    if fault := qt_fault(version, sys.version_info[:3]):
        raise BadInput(fault)
    if lacking := missing(*wanted()):
        names = ", ".join(library.name for library in lacking)
        raise BadInput(f"Qt needs {names}, which this system lacks; install with: {install_line(lacking)}")


@dataclass(frozen=True, slots=True)
class Crash:
    """What the last start left behind: the topic that was open (``""``: none) and Python's stacks, if any."""

    topic: str
    stacks: str

    def report(self) -> str:
        """All that is known about it, for whoever can mend it: no path or name of the learner is added."""
        import platform  # here, as every start of the window waits for what is imported above
        from datetime import datetime

        return (
            f"Prayog {lab_version()} stopped unexpectedly; noticed at the start of {datetime.now():%Y-%m-%d %H:%M}.\n"
            f"Python {platform.python_version()}, {platform.platform()}\n"
            f"Open topic: {self.topic or 'none'}\n\n"
            f"{self.stacks or 'Python left no stacks: the process was ended from outside, or by a lack of memory.'}\n"
        )


class CrashLog:
    """Keeps the two files while the window is open.  `close` marks a clean end."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._file: TextIO | None = None
        with suppress(OSError):  # a profile that cannot be written to must not keep the window from opening
            self._file = profile.crash_log.open("w", encoding="utf-8")
            faulthandler.enable(self._file)
        self.opened("")

    def opened(self, topic: str) -> None:
        """`topic` is open now; ``""`` says that none is."""
        with suppress(OSError):
            self._profile.opened.write_text(json.dumps({"pid": os.getpid(), "topic": topic}), encoding="utf-8")

    def close(self) -> None:
        """The window closed as it should."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
        with suppress(OSError):
            self._profile.opened.unlink()


def crashed(profile: Profile) -> Crash | None:
    """The crash of the last start, or None.  Call it before `CrashLog` is made, which begins a new log."""
    try:
        marker = json.loads(profile.opened.read_text(encoding="utf-8"))
        pid, topic = int(marker["pid"]), str(marker["topic"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if _alive(pid):  # another window on the same profile
        return None
    crash = Crash(topic, "")
    with suppress(OSError):
        crash = Crash(topic, profile.crash_log.read_text(encoding="utf-8", errors="replace")[-_KEEP:])
    with suppress(OSError):
        profile.crash_report.write_text(crash.report(), encoding="utf-8")
    return crash


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # os.kill would end the process there
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
