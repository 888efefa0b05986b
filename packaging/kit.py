"""Makes the workshop kit: everything for several systems on one memory stick, to be installed without a network.

    python3 packaging/kit.py --platform linux --platform windows --platform macos --out DIR

`--platform` takes linux, linux-arm, windows, macos (both kinds of Mac); `--python` the versions of Python to serve
(default: the one that runs this; more than one may be given); `--light` leaves the web view out (maps are then drawn
by the lab itself).  `--topic WHEEL` adds a topic's wheel, `--scenario FILE` a saved run or scenario; `--config
kit.toml` says what the workshop shows (see `kit/kit.toml`).  The folder must be new or empty.

A kit holds `wheels/` (one pool for all systems), `locks/SYSTEM-pyXY.lock` (name, version and hash of what that system
installs), `lab/start.py` with a start script per system, `kit.toml`, `START-HERE.pdf`, the licences, and `CHECKSUMS`.

Rules
1. A wheel comes in only if its hash is in `packaging/shipped.lock`.  The exceptions are the two of PySide6, which
   are packed again without the parts that nothing needs (`qtparts`); their new hashes stand in the kit's lock.
2. Markers are evaluated for the system that the kit is for, never for the one that it is made on.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
VENV = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PIECES = HERE / "kit"


@dataclass(frozen=True, slots=True)
class System:
    """A system that a kit serves: pip's platform tags, best first, and what markers see there."""

    name: str
    tags: tuple[str, ...]
    markers: tuple[tuple[str, str], ...]

    def environment(self, python: str) -> dict[str, str]:
        """The values of all markers (packaging.python.org, dependency specifiers) under CPython `python`."""
        return {
            "implementation_name": "cpython", "platform_python_implementation": "CPython", "platform_release": "",
            "platform_version": "", "implementation_version": f"{python}.0", "python_version": python,
            "python_full_version": f"{python}.0", "extra": "", **dict(self.markers),
        }  # fmt: skip


def _system(name: str, tags: Sequence[str], os_name: str, platform: str, system: str, machine: str) -> System:
    markers = {"os_name": os_name, "sys_platform": platform, "platform_system": system, "platform_machine": machine}
    return System(name, tuple(tags), tuple(markers.items()))


def _glibc(machine: str) -> list[str]:
    newer = [f"manylinux_2_{minor}_{machine}" for minor in range(34, 16, -1)]
    return [*newer, f"manylinux2014_{machine}", *(f"manylinux_2_{minor}_{machine}" for minor in (12, 5))]


SYSTEMS = {
    one.name: one
    for one in (
        _system("linux", [*_glibc("x86_64"), "manylinux2010_x86_64", "manylinux1_x86_64"], "posix", "linux", "Linux",
                "x86_64"),
        _system("linux-arm", _glibc("aarch64"), "posix", "linux", "Linux", "aarch64"),
        _system("windows", ["win_amd64"], "nt", "win32", "Windows", "AMD64"),
        _system("macos-arm", [f"macosx_{n}_0_{kind}" for n in range(14, 10, -1) for kind in ("arm64", "universal2")],
                "posix", "darwin", "Darwin", "arm64"),
        _system("macos-intel",
                [*(f"macosx_{n}_0_{kind}" for n in range(14, 10, -1) for kind in ("x86_64", "universal2")),
                 *(f"macosx_10_{n}_{kind}" for n in range(16, 8, -1) for kind in ("x86_64", "universal2"))],
                "posix", "darwin", "Darwin", "x86_64"),
    )
}  # fmt: skip
SERVES = {"macos": ("macos-arm", "macos-intel")}


class Failed(Exception):
    """The kit cannot be made; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of the lock: ``name==version``, its marker (may be empty), and the hashes of its wheels."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the kit; 0 when it is complete, 2 with a sentence when not."""
    if Path(sys.prefix).resolve() != VENV.parent.parent.resolve():  # the tools are in the lab's own environment
        if subprocess.call([sys.executable, ROOT / "lab.py", "--version"]):
            return 2
        return subprocess.call([VENV, __file__, *(sys.argv[1:] if arguments is None else arguments)])
    try:
        make(_arguments(arguments))
    except Failed as failed:
        print(f"kit.py: {failed}", file=sys.stderr)
        return 2
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("kit.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--platform", action="append", choices=[*SYSTEMS, *SERVES], required=True)
    parser.add_argument("--python", action="append", metavar="3.N", help="default: the one that runs this")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--light", action="store_true", help="without the web view")
    parser.add_argument("--topic", type=Path, action="append", default=[], metavar="WHEEL")
    parser.add_argument("--scenario", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--config", type=Path, default=PIECES / "kit.toml", metavar="kit.toml")
    return parser.parse_args(arguments)


def make(args: argparse.Namespace) -> None:
    """Fill ``args.out``; raise `Failed` with a sentence when something is missing."""
    out: Path = args.out
    if out.exists() and any(out.iterdir()):
        raise Failed(f"{out} is not empty; name a new folder, so that nothing of yours is mixed with the kit.")
    for file in (*args.topic, *args.scenario, args.config):
        if not file.is_file():
            raise Failed(f"there is no file {file}.")
    pythons = args.python or [f"3.{sys.version_info[1]}"]
    if wrong := [python for python in pythons if not re.fullmatch(r"3\.(1[1-9]|[2-9]\d)", python)]:
        raise Failed(f"--python takes 3.11 or newer, written 3.N; found {', '.join(wrong)}.")
    systems = [SYSTEMS[name] for chosen in args.platform for name in SERVES.get(chosen, (chosen,))]

    wheels, locks = out / "wheels", out / "locks"
    wheels.mkdir(parents=True)
    locks.mkdir()
    pins = [pin for pin in read_lock(HERE / "shipped.lock") if not (args.light and pin.name == "pyside6-addons")]
    tool = next(pin for pin in read_lock(HERE / "build.lock") if pin.name == "pip")
    own = build_own(wheels)
    _download([tool], SYSTEMS["linux"], pythons[0], wheels)
    for system in systems:
        for python in pythons:
            print(f"{system.name}, Python {python} ...", flush=True)
            wanted = list(applying(pins, system.environment(python)))
            files = [trimmed(file) for file in _download(wanted, system, python, wheels)]
            (locks / f"{system.name}-py{python.replace('.', '')}.lock").write_text(lock_text([own, *files]))
    _pieces(out, args)
    (out / "CHECKSUMS").write_text("".join(f"{_sha256(file)}  {name}\n" for name, file in _files(out)))
    _report(out, systems, pythons)


# -- the lock -------------------------------------------------------------------------------------------------


def read_lock(path: Path) -> Iterator[Pin]:
    """The pins of a lock that uv wrote."""
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        head = re.match(r"([\w.-]+)==([^\s;\\]+)(?: *; *([^\\\n]+))?", block)
        if head:
            hashes = tuple(re.findall(r"--hash=sha256:(\w+)", block))
            yield Pin(head[1].lower(), head[2], (head[3] or "").strip(), hashes)


def applying(pins: Iterable[Pin], environment: dict[str, str]) -> Iterator[Pin]:
    """The pins whose marker holds in `environment`."""
    from packaging.markers import Marker

    for pin in pins:
        if not pin.marker or Marker(pin.marker).evaluate(environment):
            yield pin


def lock_text(wheels: Iterable[Path]) -> str:
    """A lock of exactly these wheel files."""
    lines = []
    for file in sorted(set(wheels)):
        name, version = file.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{_sha256(file)}\n")
    return "".join(lines)


# -- wheels ---------------------------------------------------------------------------------------------------


def _download(pins: Iterable[Pin], system: System, python: str, to: Path) -> list[Path]:
    """Fetch the wheel of every pin that fits `system`; every one is checked against the hashes of the lock."""
    pins = list(pins)
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder, "wanted.txt")
        lock.write_text("".join(_line(pin) for pin in pins))
        before = {hashes: file for file in to.glob("*.whl") if (hashes := _sha256(file))}
        tags = [word for tag in system.tags for word in ("--platform", tag)]
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *tags,
            "--dest", folder, "-r", str(lock),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-500:]]
            raise Failed(f"not every wheel for {system.name}, Python {python}, could be had. {said[0]}")
        found = []
        for wheel in sorted(Path(folder).glob("*.whl")):
            target = to / wheel.name
            if _sha256(wheel) not in before:
                shutil.move(wheel, target)
            found.append(target)
    if len(found) != len(pins):
        raise Failed(f"{len(pins)} wheels were expected for {system.name}, {len(found)} came.")
    return found


def _line(pin: Pin) -> str:
    return f"{pin.name}=={pin.version} {' '.join('--hash=sha256:' + one for one in pin.hashes)}\n"


def trimmed(wheel: Path) -> Path:
    """`wheel`, or, for those of PySide6, the same with only what the lab needs, under build number 1."""
    from qtparts import unneeded

    if not wheel.name.startswith(("pyside6_addons-", "pyside6_essentials-")):
        return wheel
    parts = wheel.name.split("-")
    target = wheel.with_name("-".join([*parts[:2], "1", *parts[2:]]))
    if not target.exists():
        with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
            record = next(name for name in old.namelist() if name.endswith(".dist-info/RECORD"))
            rows: list[tuple[str, str, str]] = []
            for member in old.infolist():
                if member.is_dir() or member.filename == record or unneeded(member.filename):
                    continue
                data = old.read(member)
                new.writestr(member, data, zipfile.ZIP_DEFLATED)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                rows.append((member.filename, f"sha256={digest}", str(len(data))))
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
            new.writestr(record, text.getvalue())
    wheel.unlink(missing_ok=True)
    return target


def build_own(to: Path) -> Path:
    """Prayog's own wheel, made from this checkout."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    if subprocess.call([*command, "--disable-pip-version-check", "--wheel-dir", str(to), str(ROOT)]):
        raise Failed("the wheel of Prayog itself could not be made; the lines above say why.")
    return next(to.glob("prayog-*.whl"))


# -- everything else ------------------------------------------------------------------------------------------


def _pieces(out: Path, args: argparse.Namespace) -> None:
    (out / "lab").mkdir()
    for name in ("start.py", "check.py"):
        shutil.copy2(PIECES / name, out / "lab" / name)
    scripts = {"linux": "start-linux.sh", "windows": "start-windows.bat", "macos": "start-macos.command"}
    for word, script in scripts.items():
        if any(chosen.startswith(word) for chosen in args.platform):
            shutil.copy2(PIECES / script, out / script)
    shutil.copy2(args.config, out / "kit.toml")
    for folder, files in (("topics", args.topic), ("scenarios", args.scenario)):
        (out / folder).mkdir()
        for file in files:
            shutil.copy2(file, out / folder / file.name)
    (out / "licences").mkdir()
    shutil.copy2(ROOT / "LICENSE", out / "licences")
    shutil.copy2(ROOT / "docs" / "licences.md", out / "licences")
    _start_sheet(out / "START-HERE.pdf", [scripts[w] for w in scripts if (out / scripts[w]).exists()])


def _start_sheet(path: Path, scripts: Iterable[str]) -> None:
    """The one-page start sheet, from `kit/start-here.md`."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QMarginsF, QSizeF
    from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QPageLayout, QPageSize, QPdfWriter, QTextDocument

    from prayog_resources import path as resource

    app = QGuiApplication.instance() or QGuiApplication(["kit"])
    for font in Path(str(resource("fonts"))).glob("*.ttf"):
        QFontDatabase.addApplicationFont(str(font))
    lines = "\n".join(f"* double-click, or run in a terminal, `{script}`" for script in scripts)
    writer = QPdfWriter(str(path))
    writer.setPageLayout(
        QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, QMarginsF(20, 18, 20, 18),
                    QPageLayout.Unit.Millimeter)
    )  # fmt: skip
    writer.setResolution(96)
    writer.setTitle("Prayog: start here")
    sheet = QTextDocument()
    sheet.setDefaultFont(QFont("Inter", 10))
    sheet.setMarkdown((PIECES / "start-here.md").read_text(encoding="utf-8").replace("{scripts}", lines))
    sheet.setPageSize(QSizeF(writer.width(), writer.height()))
    sheet.print_(writer)
    pages = sheet.pageCount()
    del writer, app
    if pages != 1:
        raise Failed(f"kit/start-here.md makes {pages} pages; the start sheet is one page.")


def _files(out: Path) -> list[tuple[str, Path]]:
    return sorted((file.relative_to(out).as_posix(), file) for file in out.rglob("*") if file.is_file())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _report(out: Path, systems: Iterable[System], pythons: Iterable[str]) -> None:
    for system in systems:
        for python in pythons:
            text = (out / "locks" / f"{system.name}-py{python.replace('.', '')}.lock").read_text()
            hashes = set(re.findall(r"sha256:(\w+)", text))
            size = sum(file.stat().st_size for file in (out / "wheels").iterdir() if _sha256(file) in hashes)
            print(f"{system.name}, Python {python}: {len(hashes)} wheels, {size / 1e6:.0f} MB")
    total = sum(file.stat().st_size for _, file in _files(out))
    print(f"{out}: {total / 1e6:.0f} MB in all. Check it on any system with: python3 {out / 'lab' / 'check.py'}")


if __name__ == "__main__":
    sys.exit(main())
