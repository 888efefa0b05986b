"""`prayog doctor`: looks at this machine and says, line by line, what the lab finds and what it misses.

Every line is read on the spot; nothing is started and nothing is changed.  A line that asks for something to be
done says what.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prayog import lab_version
from prayog.bootstrap import qt_fault
from prayog.catalog import find
from prayog.libraries import Library, install_line, missing, wanted
from prayog.paths import Profile
from prayog.settings import load
from prayog_sdk.child import command

__all__ = ["Line", "examine", "main"]

Mark = Literal["ok", "warn", "FAIL"]
_ROOM = 500_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One finding; ``FAIL`` means that the lab cannot work, ``warn`` that a part of it cannot."""

    mark: Mark
    about: str
    sentence: str


def main(profile: Profile) -> int:
    """Print all findings; exit code 1 when something keeps the lab from working."""
    failed = False
    for line in examine(profile):
        print(f"{line.mark:<5} {line.about:<10} {line.sentence}", flush=True)
        failed |= line.mark == "FAIL"
    return 1 if failed else 0


def examine(profile: Profile) -> Iterator[Line]:
    """All findings about this machine and `profile`."""
    yield Line("ok", "lab", f"Prayog {lab_version()}, in {Path(__file__).parent}")
    yield _python()
    yield from _qt()
    yield from _libraries()
    yield _display()
    yield from _fonts()
    yield from _services(profile)
    yield _loopback()
    yield _disk(profile)
    yield from _profile(profile)
    yield from _topics(profile)


def _python() -> Line:
    text = f"Python {platform.python_version()} ({sys.executable}) on {platform.platform()}, {os.cpu_count()} cores"
    return Line("ok" if sys.version_info >= (3, 11) else "FAIL", "Python", text)


def _qt() -> Iterator[Line]:
    version = _version("PySide6-Essentials")
    if not version:
        yield Line("FAIL", "Qt", "PySide6-Essentials is not installed, so there is no window; `prayog run` works.")
        return
    if fault := qt_fault(version, sys.version_info[:3]):
        yield Line("FAIL", "Qt", fault)
        return
    environ = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        command("prayog.ui.qt_probe"), env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    lost = done.stdout.partition("lost ")[2].strip()
    if done.returncode or not lost:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        yield Line("FAIL", "Qt", f"PySide6 {version} cannot open a window: {reason}")
    elif int(lost) > 100:
        yield Line("FAIL", "Qt", f"PySide6 {version} loses references to None and will abort; install another version.")
    else:
        yield Line("ok", "Qt", f"PySide6 {version} opens a window and keeps its references")
        yield from _web(web=_version("PySide6-Addons") or _version("PySide6-WebEngine"))


def _web(web: str) -> Iterator[Line]:
    """What draws, and whether maps can be shown in a web view; both only make maps nicer."""
    from prayog.bootstrap import has_display

    environ = os.environ | ({} if has_display() else {"QT_QPA_PLATFORM": "offscreen"})
    told = {}
    try:
        done = subprocess.run(
            command("prayog.ui.web_probe"), env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        told = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
        died = f"the probe ended with code {done.returncode}"
    except subprocess.TimeoutExpired:
        died = "the probe did not come back within a minute"
    gpu = told.get("gpu", "none")
    yield Line("ok", "GPU", f"{gpu} draws" if gpu != "none" else "none: the processor draws, which is quick enough")
    if told.get("web") == "ok":
        yield Line("ok", "web view", f"shows pages (version {web})")
        return
    reason = told.get("web", died)
    fix = ""
    if "not installed" in reason:
        fix = "The full lab has one." if getattr(sys, "frozen", False) else "`pip install PySide6-Addons`"
    fix = fix or ("Start the lab as an ordinary user." if "root" in reason else "Nothing needs to be done.")
    yield Line("warn", "web view", f"{reason}, so maps are drawn by the lab itself. {fix}")


def _libraries() -> Iterator[Line]:
    if not sys.platform.startswith("linux"):
        return
    if lacking := missing(*wanted()):
        yield Line("FAIL", "libraries", _lacking(lacking))
    else:
        yield Line("ok", "libraries", "everything that a window needs here is there")
    if lacking := missing("web"):
        yield Line("warn", "libraries", f"The web view does without: {_lacking(lacking)}")
    if lacking := [one for one in missing("x11", "wayland") if one.use not in wanted()]:
        yield Line("ok", "libraries", f"only for another kind of display than this one: {_names(lacking)}")


def _lacking(libraries: list[Library]) -> str:
    return f"{_names(libraries)} missing; install with: {install_line(libraries)}"


def _names(libraries: list[Library]) -> str:
    return ", ".join(library.name for library in libraries)


def _display() -> Line:
    from prayog.bootstrap import has_display

    if has_display():
        return Line("ok", "display", "there")
    return Line("warn", "display", "none: no window can be shown here; `prayog run` and `prayog shots` work")


def _fonts() -> Iterator[Line]:
    from prayog_resources import path

    fonts = sorted(item.name for item in path("fonts").iterdir() if item.name.endswith(".ttf"))
    if fonts:
        yield Line("ok", "fonts", f"{len(fonts)} come with the lab")
    else:
        yield Line("warn", "fonts", "the lab's own are not there, so those of the system are used; install it again")


def _services(profile: Profile) -> Iterator[Line]:
    from prayog_sdk.services import Services

    services = Services(profile.services)
    for name, url in load(profile.settings, set_aside=False).settings.services.items():
        try:
            services.set_url(name, url)
        except (ValueError, RuntimeError) as error:
            yield Line("warn", name, str(error))
    yield Line("ok", "sqlite", f"SQLite {sqlite3.sqlite_version} comes with Python")
    for name in services.names():
        state = services.probe(name)
        mark: Mark = "ok" if state.status in ("running", "ready") else "warn"
        version = f" (version {state.version})" if state.version else ""
        yield Line(mark, name, f"{state.sentence}{version} {state.way_forward}".strip())


def _loopback() -> Line:
    """Real components and processes of the lab talk over 127.0.0.1, on ports that the system gives out."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
            return Line("ok", "ports", "processes of this machine can talk to each other over 127.0.0.1")
    except OSError as error:
        fix = "let a firewall allow connections of this machine to itself; on Linux: `ip link set lo up`"
        why = error.strerror or str(error)
        return Line("warn", "ports", f"nothing can talk over 127.0.0.1 ({why}), so real runs fail; {fix}")


def _disk(profile: Profile) -> Line:
    """A workshop with every topic's real component fits into half a gigabyte."""
    folder = next(place for place in (profile.folder, *profile.folder.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB are free where the profile is"
    if free >= _ROOM:
        return Line("ok", "disk", text)
    return Line("warn", "disk", f"{text}; real databases want half a gigabyte: make room, or use --profile DIR")


def _profile(profile: Profile) -> Iterator[Line]:
    from prayog.store import StoreProblem
    from prayog.store.migrations import VERSION

    if os.access(profile.folder, os.W_OK):
        told = f"{profile.folder}, {_size(profile.folder)}; it stays when the lab is removed"
        yield Line("ok", "profile", told)
    else:
        fix = "let your user write there, or use --profile DIR"
        yield Line("FAIL", "profile", f"{profile.folder} cannot be written to; {fix}")
    if profile.crash_report.exists():
        sentence = f"the lab stopped once: {profile.crash_report} says where; send it to whoever wrote the topic"
        yield Line("warn", "crash", f"{sentence}, and delete it")
    for sentence in load(profile.settings, set_aside=False).sentences:
        yield Line("warn", "settings", sentence)
    try:
        yield Line("ok", "progress", _progress(profile, VERSION))
    except StoreProblem as error:
        yield Line("warn", "progress", str(error))


def _progress(profile: Profile, newest: int) -> str:
    from prayog.store.file import problem

    if not profile.progress.exists():
        return "nothing noted yet"
    db = sqlite3.connect(f"{profile.progress.as_uri()}?mode=ro", uri=True, timeout=0.2)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        notes = db.execute("SELECT count(*) FROM event").fetchone()[0] if version else 0
        return f"{notes} notes, form {version} (this lab writes {newest})"
    except sqlite3.Error as error:
        raise problem(error, profile.progress) from error
    finally:
        db.close()


def _size(folder: Path) -> str:
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{total / 1e6:.1f} MB"


def _topics(profile: Profile) -> Iterator[Line]:
    for found in find(profile):
        if found.problems:
            yield Line("warn", "topic", f"{found.id}: {found.problems[0].sentence} ({found.problems[0].where})")
        else:
            yield Line("ok", "topic", f"{found.id} ({found.source})")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
