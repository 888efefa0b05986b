"""Installs, runs and removes what was built, in clean Debian root file systems with the network cut.

    python3 packaging/roots.py dist/prayog_0.1.0_amd64.deb [--suite bookworm --suite trixie]
    python3 packaging/roots.py DIR-OF-A-KIT

The roots are made by `mmdebstrap --variant=minbase` with the packages that the `.deb` depends on (for a kit: Python and
Qt's libraries) and nothing else; that needs Debian's archive and root.  From then on there is no network: it is
installed with dpkg, `smoke.py` runs it, and after its removal nothing of it may be left but the learner's own files.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from freeze import libraries

HERE = Path(__file__).resolve().parent
LEARNER = 1000  # nobody learns as root, and PostgreSQL refuses to start as root


class Failed(Exception):
    """A sentence for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser("roots.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("built", type=Path, help="a .deb, or the folder of a kit")
    parser.add_argument("--suite", action="append", help="default: bookworm and trixie")
    args = parser.parse_args()
    if not shutil.which("mmdebstrap"):
        print("roots.py: this needs mmdebstrap: sudo apt-get install mmdebstrap", file=sys.stderr)
        return 2
    code = 0
    for suite in args.suite or ["bookworm", "trixie"]:
        print(f"== {args.built.name} on {suite}", flush=True)
        with tempfile.TemporaryDirectory(prefix="prayog-root-") as folder:
            root = Path(folder) / "root"
            try:
                (try_deb if args.built.suffix == ".deb" else try_kit)(args.built, suite, root)
            except Failed as failed:
                print(f"FAULT: {failed}")
                code = 1
    return code


def try_deb(package: Path, suite: str, root: Path) -> None:
    """Install, smoke, remove, and look at what is left."""
    depends = ask("dpkg-deb", "-f", package, "Depends")
    make_root(suite, root, [re.split(r"[ (|]", one.strip())[0] for one in depends.split(",")])
    if (root / "usr/bin/python3").exists():
        raise Failed("the root has a Python of its own; the test would prove less.")
    shutil.copy2(package, root / "tmp")
    before = listing(root)
    inside(root, "dpkg", "--install", f"/tmp/{package.name}")
    test(root, "/usr/bin/prayog")
    inside(root, "dpkg", "--remove", ask("dpkg-deb", "-f", package, "Package").strip())
    left = sorted(name for name in listing(root) - before if not name.startswith(("tmp/", "var/", "etc/ld.so.cache")))
    if left:
        raise Failed(f"{len(left)} files stayed after the removal: {', '.join(left[:5])}")
    print("installed, run and removed; nothing stayed")


def try_kit(kit: Path, suite: str, root: Path) -> None:
    """Start the kit from a folder that is read-only, twice; the second time installs nothing."""
    qt = [package for package, use in libraries() if use in ("always", "x11")]
    make_root(suite, root, ["python3", "python3-venv", *qt])
    shutil.copytree(kit, root / "mnt" / "kit")
    for path in (root / "mnt" / "kit").rglob("*"):
        path.chmod(0o555 if path.is_dir() or path.suffix == ".sh" else 0o444)
    print(ask("chroot", root, "python3", "/mnt/kit/lab/check.py").strip())
    as_learner = (f"--userspec={LEARNER}:{LEARNER}", root, "env", "HOME=/srv/learner")
    for _ in range(2):
        print(ask("unshare", "--net", "chroot", *as_learner, "/mnt/kit/start-linux.sh", "--version").strip())
    test(root, "/srv/learner/.local/share/Prayog-lab/bin/python", "-m", "prayog")


def make_root(suite: str, root: Path, packages: list[str]) -> None:
    wanted = f"--include={','.join(sorted(set(packages)))}"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", wanted, suite, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"the root could not be made: {done.stderr.strip()[-400:]}")
    with (root / "etc" / "passwd").open("a") as users:
        users.write(f"learner:x:{LEARNER}:{LEARNER}::/srv/learner:/bin/sh\n")
    home = root / "srv" / "learner"
    home.mkdir()
    os.chown(home, LEARNER, LEARNER)


def test(root: Path, *program: str) -> None:
    """The smoke test in `root`, which has /proc and /dev/shm as every running system has."""
    (root / "dev" / "shm").mkdir(exist_ok=True)
    ask("mount", "-t", "proc", "proc", root / "proc")
    ask("mount", "-t", "tmpfs", "-o", "mode=1777", "shm", root / "dev" / "shm")
    try:
        _test(root, program)
    finally:
        ask("umount", root / "dev" / "shm", root / "proc")


def _test(root: Path, program: tuple[str, ...]) -> None:
    command = [sys.executable, str(HERE / "smoke.py"), "--real", f"--user={LEARNER}", "--root", str(root), *program]
    if subprocess.call(command):
        raise Failed("the smoke test found faults; see above.")


def inside(root: Path, *command: str) -> str:
    """Run a command in the root, without a network."""
    return ask("unshare", "--net", "chroot", root, *command)


def ask(*command: object) -> str:
    words = [str(word) for word in command]
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise Failed(f"`{' '.join(words[-2:])}` ended with {done.returncode}: {(done.stderr or done.stdout)[-600:]}")
    return done.stdout


def listing(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_symlink() or path.is_file()}


if __name__ == "__main__":
    sys.exit(main())
