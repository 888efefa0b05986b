"""`prayog pack`: one wheel from a topic's folder, to be mailed and dropped into an installed lab.

A wheel is a zip file with a RECORD (packaging.python.org, binary distribution format).  It is written here, not by a
build back end, so that a frozen lab can pack too.  Packing twice gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prayog_sdk.manifest import Manifest

__all__ = ["PackProblem", "Packed", "pack"]

_LEFT_OUT = ("__pycache__", "tests")
_COMPILED = (".so", ".pyd", ".dll", ".dylib")


class PackProblem(ValueError):
    """The topic cannot be packed; the message is a sentence for its author."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The wheel, its SHA-256 (what a teacher pins in `kit.toml`) and how many files are inside."""

    path: Path
    sha256: str
    files: int


def pack(manifest: Manifest, package: Path, out: Path) -> Packed:
    """Write the wheel of the topic in the folder `package` into `out`; raises `PackProblem`."""
    files = {}
    for file in sorted(package.rglob("*")):
        inside = file.relative_to(package)
        hidden = any(part.startswith(".") or part in _LEFT_OUT for part in inside.parts)
        if not file.is_file() or hidden or file.suffix == ".pyc":
            continue
        if file.suffix in _COMPILED:
            raise PackProblem(f"{file} is compiled code; a topic that is dropped in must be pure Python")
        files[f"{package.name}/{inside.as_posix()}"] = file.read_bytes()
    files.setdefault(f"{package.name}/__init__.py", b"")  # a folder runs without; an installed wheel should not
    version = manifest.version or "0"
    if not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", version):
        raise PackProblem(f"version in plugin.toml is {version!r}; a wheel needs one such as 1.0")
    info = f"{package.name}-{version}.dist-info"
    files |= {name: text.encode() for name, text in _about(manifest, package.name, version, info).items()}
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    path = out / f"{package.name}-{version}-py3-none-any.whl"
    if path.exists():
        raise PackProblem(f"{path} is there already; raise the version in plugin.toml, or move the old wheel away")
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))  # the same bytes whenever it is packed
            member.external_attr = 0o644 << 16
            wheel.writestr(member, data, zipfile.ZIP_DEFLATED)
    return Packed(path, hashlib.sha256(path.read_bytes()).hexdigest(), len(files))


def _about(manifest: Manifest, name: str, version: str, info: str) -> dict[str, str]:
    authors = "".join(f"Author: {author}\n" for author in manifest.authors)
    summary = " ".join(manifest.summary.split())
    return {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        f"Summary: {summary}\n{authors}Requires-Dist: prayog\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: prayog pack\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[prayog.topics]\n{manifest.id} = {name}:plugin.toml\n",
    }


def _record(files: Mapping[str, bytes], record: str) -> bytes:
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join([*lines, f"{record},,\n"]).encode()
