"""Writes the locks from `pyproject.toml`, with hashes, for all systems.

`requirements.lock` is what developers and tests use, `requirements-bench.lock` adds the peers of the benchmarks,
`packaging/shipped.lock` is what an installer or a kit carries, `packaging/build.lock` adds what
building installers and kits needs.

    python packaging/lock.py              take what the locks say already, add what is missing
    python packaging/lock.py --upgrade    take the newest that `pyproject.toml` allows

It needs uv, which alone writes one lock for Linux, Windows and macOS.  The locks hold no address of an index, so
that they work with whichever one a developer or a workshop has.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB, BENCH = "requirements.lock", "requirements-bench.lock"
SHIPPED, BUILD = "packaging/shipped.lock", "packaging/build.lock"
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "-q")


def main(arguments: list[str]) -> int:
    """Write all locks; the others keep to the versions of the first."""
    if shutil.which("uv") is None:
        print("lock.py: this needs uv; `pip install uv` in any environment and put it on PATH.", file=sys.stderr)
        return 2
    _compile(LAB, "--extra", "web", "--extra", "webrtc", "--extra", "test", *arguments)
    shipped = ("--extra", "web", "--extra", "webrtc", "--constraint", LAB, *arguments)
    _compile(BENCH, "--extra", "bench", *shipped)
    _compile(SHIPPED, *shipped)
    _compile(BUILD, "--extra", "package", *shipped)
    return 0


def _compile(lock: str, *options: str) -> None:
    subprocess.run(["uv", "pip", "compile", "pyproject.toml", *options, *OPTIONS, "-o", lock], cwd=ROOT, check=True)
    text = (ROOT / lock).read_text(encoding="utf-8")
    if "://" in text or "file:" in text:
        raise SystemExit(f"lock.py: {lock} holds an address; it must work with any index, so look at what wrote it.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
