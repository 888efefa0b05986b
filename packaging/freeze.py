"""Freezes the lab for people without Python: a folder that runs by itself, as `tar.xz` and `.deb`.

    python3 packaging/freeze.py [--flavour full|light] [--out DIR] [--tar] [--deb]

`full` has the web view and the embedded servers; `light` has neither (maps are drawn by the lab itself, real databases
are those that the learner has).  Freezing is for the system that it runs on; nothing here crosses over.  The `.deb`
needs `dpkg-deb`.  See `packaging/README.md` for what was tried where.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build"
VENV = BUILD / "freeze"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class Failed(Exception):
    """The lab cannot be frozen; the message is for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("freeze.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--flavour", choices=("full", "light"), default="full")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR")
    parser.add_argument("--tar", action="store_true", help="also a relocatable tar.xz")
    parser.add_argument("--deb", action="store_true", help="also a .deb (Debian, Ubuntu)")
    args = parser.parse_args(arguments)
    try:
        prepare()
        lab = freeze(args.flavour, args.out)
        print(f"{lab}: {size(lab) / 1e6:.0f} MB")
        if args.tar:
            print(told(tar(lab, args.out)))
        if args.deb:
            print(told(deb(lab, args.flavour, args.out)))
    except Failed as failed:
        print(f"freeze.py: {failed}", file=sys.stderr)
        return 2
    return 0


def prepare() -> None:
    """The environment to freeze from: what is shipped, what builds it, and the lab as a wheel."""
    lock = HERE / "build.lock"
    stamp, wanted = VENV / "stamp", hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print("Making build/freeze ...", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", lock)
        stamp.write_text(wanted)
    wheels = BUILD / "own"
    shutil.rmtree(wheels, ignore_errors=True)
    if subprocess.call([sys.executable, ROOT / "lab.py", "--version"]):
        raise Failed("the lab itself could not be installed; the lines above say why.")
    lab = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(lab, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, ROOT)
    run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall",
        "--disable-pip-version-check", next(wheels.glob("prayog-*.whl")))  # fmt: skip


def freeze(flavour: str, out: Path) -> Path:
    """The frozen folder, `out`/prayog-FLAVOUR, with licences and a stamp."""
    work = BUILD / flavour
    environ = {**os.environ, "PRAYOG_FLAVOUR": flavour}
    command = [PYTHON, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "ERROR"]
    command += ["--workpath", work, "--distpath", work / "dist", HERE / "prayog.spec"]
    if subprocess.call([str(word) for word in command], env=environ, cwd=BUILD):
        raise Failed("PyInstaller did not succeed; the lines above say why.")
    lab = out / f"prayog-{flavour}"
    shutil.rmtree(lab, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    shutil.move(work / "dist" / "prayog", lab)
    if sys.platform == "linux" and shutil.which("strip"):  # symbols that nobody debugs with here; Qt's wheels have none
        inside = lab / "_internal"
        loose = ("libpython*.so*", "python3*/lib-dynload/*.so", "sqlalchemy/*/*.so", "yaml/*.so",
                 "cryptography/hazmat/bindings/*.so", "confluent_kafka.libs/*.so*")  # fmt: skip
        run("strip", "--strip-unneeded", *(file for pattern in loose for file in inside.glob(pattern)))
    licences(lab)
    stamp = {"version": version(), "flavour": flavour, "commit": commit(), "python": sys.version.split()[0]}
    (lab / "build.json").write_text(json.dumps(stamp, indent=2) + "\n")
    return lab


def licences(lab: Path) -> None:
    """Copy the licence texts of everything that is inside, and the page that says what they ask."""
    target = lab / "licences"
    target.mkdir()
    shutil.copy2(ROOT / "LICENSE", target / "Prayog.txt")
    shutil.copy2(ROOT / "docs" / "licences.md", target)
    site = next(VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages")
    words = ("licen", "copying", "notice", "third_party", "authors")
    for info in sorted(site.glob("*.dist-info")):
        name = info.name.partition("-")[0]
        for file in sorted(info.rglob("*")):
            if file.is_file() and file.name.lower().startswith(words):
                shutil.copy2(file, target / f"{name}-{file.name}")


def tar(lab: Path, out: Path) -> Path:
    """A tar.xz that runs from wherever it is unpacked."""
    target = out / f"{lab.name.replace('prayog-', f'prayog-{version()}-')}-{sys.platform}-x86_64.tar.xz"
    if shutil.which("tar") and shutil.which("xz"):  # two cores; Python's own packing knows one
        with target.open("wb") as packed:
            first = subprocess.Popen(["tar", "-C", lab.parent, "-c", lab.name], stdout=subprocess.PIPE)
            subprocess.run(["xz", "-6", "-T0"], stdin=first.stdout, stdout=packed, check=True)
            first.wait()
    else:
        with tarfile.open(target, "w:xz") as archive:
            archive.add(lab, lab.name)
    return target


def deb(lab: Path, flavour: str, out: Path) -> Path:
    """A Debian package: the folder in /opt/prayog, a command, a menu entry, AppStream data, a manual page."""
    if not shutil.which("dpkg-deb"):
        raise Failed("a .deb needs dpkg-deb, which Debian and Ubuntu have; on another system make the tar.xz.")
    sys.path.insert(0, str(HERE / "debian"))
    import package

    return package.build(lab, flavour, version(), out, libraries())


def libraries() -> list[tuple[str, str]]:
    """Debian's packages of the shared libraries that Qt needs, each with what uses it, from the lab's own list."""
    spec = importlib.util.spec_from_file_location("libraries", ROOT / "app" / "prayog" / "libraries.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["libraries"] = module
    spec.loader.exec_module(module)
    return [(library.debian, library.use) for library in module.LIBRARIES]


def version() -> str:
    import tomllib

    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def size(folder: Path) -> int:
    """Bytes of all files below `folder`, links not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def told(file: Path) -> str:
    return f"{file}: {file.stat().st_size / 1e6:.0f} MB"


def run(*command: object) -> None:
    if subprocess.call([str(word) for word in command]):
        raise Failed("a step did not succeed; the lines above say why.")


if __name__ == "__main__":
    sys.exit(main())
