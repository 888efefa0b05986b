"""Checks this kit: every file is there and is what it was, and every lock has its wheels.

    python3 lab/check.py

Standard library only, any Python from 3.8.  Exit code 0 when the kit is whole, 1 with one line for each fault.
"""

import hashlib
import re
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent


def sha256(file):
    digest = hashlib.sha256()
    with open(str(file), "rb") as opened:
        for piece in iter(lambda: opened.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def faults(only=None):
    """One sentence for each fault; `only`: look at these files (paths inside the kit) alone."""
    known = {}
    for line in (KIT / "CHECKSUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        known[name] = digest
    for name in sorted(known):
        if only is not None and name not in only:
            continue
        file = KIT / name
        if not file.is_file():
            yield f"{name} is missing; copy the kit again."
        elif name != "kit.toml" and sha256(file) != known[name]:  # a teacher may change what the workshop shows
            yield f"{name} is damaged (its checksum differs); copy the kit again."
    there = {known[name]: name for name in known if name.startswith("wheels/")}
    for lock in sorted((KIT / "locks").glob("*.lock")):
        for name, digest in re.findall(r"^(\S+) --hash=sha256:(\w+)", lock.read_text(), re.MULTILINE):
            if digest not in there:
                yield f"locks/{lock.name} asks for {name}, and no wheel of the kit is that; make the kit again."


def main():
    found = list(faults())
    for sentence in found:
        print(sentence)
    if not found:
        print("The kit is whole.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
