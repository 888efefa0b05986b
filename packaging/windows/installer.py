"""Compiles the Windows installer of a kit, on any system with NSIS, and checks what is inside.

    python3 packaging/kit.py --platform windows --python 3.11 --python 3.13 --out KIT
    python3 packaging/windows/installer.py KIT [--out DIR]

It needs `makensis` (Debian: nsis); the check needs `7z` (p7zip-full) and is said to be left out without it.  The
installer itself was compiled and looked into here, and a 64-bit build of it (`Target amd64-unicode`) installed and
removed under Wine; it was never run on Windows.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser("installer.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kit", type=Path)
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR")
    args = parser.parse_args()
    if not (args.kit / "start-windows.bat").is_file():
        print(f"installer.py: {args.kit} is no kit for Windows; make one with packaging/kit.py.", file=sys.stderr)
        return 2
    if not shutil.which("makensis"):
        print("installer.py: this needs makensis: sudo apt-get install nsis", file=sys.stderr)
        return 2
    version = next(re.findall(r"prayog-([\d.]+)-", wheel.name)[0] for wheel in args.kit.glob("wheels/prayog-*.whl"))
    target = args.out / f"prayog-{version}-setup.exe"
    target.parent.mkdir(parents=True, exist_ok=True)
    defines = {"KIT": args.kit.resolve(), "VERSION": version, "OUT": target.resolve()}
    words = [f"-D{name}={value}" for name, value in defines.items()]
    if code := subprocess.call(["makensis", "-V2", *words, str(HERE / "prayog.nsi")]):
        return code
    print(f"{target}: {target.stat().st_size / 1e6:.0f} MB")
    return check(args.kit, target)


def check(kit: Path, installer: Path) -> int:
    """Whether every file of the kit is in the installer, at its size."""
    if not shutil.which("7z"):
        print("not looked into: there is no 7z here (Debian: p7zip-full)")
        return 0
    listing = subprocess.run(["7z", "l", "-slt", installer], capture_output=True, text=True, check=True).stdout
    inside = {}
    for block in listing.split("\n\n"):
        found = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        if "Path" in found and "Size" in found:
            inside[found["Path"].replace("\\", "/")] = found["Size"]
    wanted = {file.relative_to(kit).as_posix(): str(file.stat().st_size) for file in kit.rglob("*") if file.is_file()}
    wrong = sorted(name for name, size in wanted.items() if inside.get(name) not in (size, ""))
    for name in wrong:
        print(f"FAULT: {name} is {'not inside' if name not in inside else 'of another size inside'}")
    print(f"{len(wanted) - len(wrong)} of {len(wanted)} files of the kit are inside")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
