"""Installs the lab from this kit, once and without a network, and opens it.

    python3 lab/start.py [what `prayog` takes]

The lab goes into a folder of the user's own (`--lab DIR` names another one); the kit itself is not changed, so it can
be on a stick that is read-only.  Standard library only.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True  # the stick may be read-only


class Failed(Exception):
    """A sentence for the person who started it."""


def main(arguments):
    try:
        folder = home()
        if arguments[:1] == ["--lab"]:
            if len(arguments) < 2:
                raise Failed("--lab needs a folder, for example: --lab D:\\prayog")
            folder, arguments = Path(arguments[1]).resolve(), arguments[2:]
        python = install(folder)
    except Failed as failed:
        print(f"Prayog: {failed}", file=sys.stderr)
        return 2
    command = [str(python), "-m", "prayog", *([] if "--kit" in arguments else ["--kit", str(KIT / "kit.toml")])]
    return subprocess.call(command + arguments)


def install(folder):
    """The Python of an installed lab in `folder`; installs it first where that was not done from this very kit."""
    lock = lock_here()
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    stamp, python = folder / "installed", folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if stamp.is_file() and stamp.read_text() == wanted and python.is_file():
        return python
    sys.path.insert(0, str(KIT / "lab"))
    import check

    print("Looking at the kit ...", flush=True)
    hashes = set(lock.read_text().split("sha256:")[1:])
    hashes = {piece.split()[0] for piece in hashes}
    listed = [line.partition("  ") for line in (KIT / "CHECKSUMS").read_text().splitlines()]
    if found := list(check.faults({name for digest, _, name in listed if digest in hashes})):
        raise Failed("the kit is not whole. " + " ".join(found[:3]))
    print(f"Installing the lab into {folder}; this is done once ...", flush=True)
    stamp.unlink(missing_ok=True)
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
            raise Failed(f"{folder} is not empty and no lab; name another folder with --lab DIR.")
        shutil.rmtree(str(folder))
    room = sum((KIT / name).stat().st_size for digest, _, name in listed if digest in hashes) * 4
    folder.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(str(folder.parent)).free < room:
        raise Failed(f"{folder} needs {room / 1e9:.1f} GB of room; make room, or name another folder with --lab DIR.")
    pip = next((KIT / "wheels").glob("pip-*.whl"))
    if importlib.util.find_spec("venv") is None:
        raise Failed("this Python has no module venv; on Debian and Ubuntu: sudo apt-get install python3-venv")
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    run([str(python), str(pip / "pip"), "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check",
         "--require-hashes", "--find-links", str(KIT / "wheels"), "-r", str(lock)], isolated=True)  # fmt: skip
    stamp.write_text(wanted)
    return python


def run(command, isolated=False):
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull} if isolated else None  # a kit asks no other index
    if subprocess.call(command, env=environ):
        raise Failed("the installation did not succeed; the lines above say why. Nothing else was changed.")


def lock_here():
    """The lock for this system and this Python."""
    machine = platform.machine().lower()
    arm = machine in ("arm64", "aarch64")
    system = {"linux": "linux-arm" if arm else "linux", "win32": "windows"}.get(sys.platform, "")
    if sys.platform == "darwin":
        system = "macos-arm" if arm else "macos-intel"
    lock = KIT / "locks" / f"{system}-py3{sys.version_info[1]}.lock"
    if not lock.is_file():
        there = ", ".join(sorted(path.stem for path in (KIT / "locks").glob("*.lock")))
        here = f"{system or sys.platform} with Python 3.{sys.version_info[1]}"
        raise Failed(f"this is {here}, and the kit serves: {there}.")
    return lock


def home():
    """The folder for programs' data of this user."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    return base / "Prayog-lab"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
