"""Wheels in the profile's `topics/`: looked into without unpacking, unpacked when they are opened.

A wheel is the form in which a topic is mailed.  It is unpacked before its code runs, because authors open files
of their own by path; what is unpacked is compared with the hashes that the wheel carries.
"""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Inside", "WheelError", "look_into", "unpack"]

_COMPILED = (".so", ".pyd", ".dll", ".dylib")
_DAMAGED = (OSError, zipfile.BadZipFile, UnicodeDecodeError, configparser.Error, ValueError)


class WheelError(RuntimeError):
    """A wheel cannot be unpacked; the message is a sentence for whoever put it there."""


@dataclass(frozen=True, slots=True)
class Inside:
    """One topic in a wheel: its package, the manifest's name in it, and the manifest's bytes."""

    top: str
    file: str
    data: bytes


def look_into(path: Path, group: str) -> tuple[str, tuple[Inside, ...]]:
    """What is wrong with the wheel (a sentence, or ``""``), and the topics that can be read from it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if outside := sorted(name for name in names if _leads_out(name)):
                return f"It holds a file outside its own folder ({outside[0]}); get it anew from its author.", ()
            if compiled := sorted(name for name in names if name.endswith(_COMPILED)):
                return f"It holds compiled code ({compiled[0]}); a topic in this folder must be pure Python.", ()
            info = next((name for name in names if name.endswith(".dist-info/entry_points.txt")), "")
            points = _points(archive.read(info).decode(), group) if info else ()
            if not points:
                return f"It offers no topic: there is no entry point in the group {group!r} inside.", ()
            missing = [f"{top}/{file}" for top, file in points if f"{top}/{file}" not in names]
            there = [(top, file) for top, file in points if f"{top}/{file}" in names]
            found = tuple(Inside(top, file, archive.read(f"{top}/{file}")) for top, file in there)
    except _DAMAGED as error:
        return f"The wheel {path.name} is damaged ({error}); copy it into the folder again.", ()
    return (f"It names the manifest {missing[0]}, which is not inside." if missing else ""), found


def unpack(path: Path, under: Path) -> Path:
    """The folder below `under` that holds the packages of the wheel, unpacked now unless that was done before.

    What is about the wheel stays packed, or it would be found a second time as an installed topic.
    Raises `WheelError` when a file is not the one that the wheel's RECORD lists.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        folder = under / f"{path.stem}-{digest}"
        if folder.is_dir():
            return folder
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        with zipfile.ZipFile(path) as archive:
            _compare(archive, path.name)
            archive.extractall(half, [name for name in archive.namelist() if ".dist-info/" not in name])
        half.rename(folder)
    except _DAMAGED as error:
        raise WheelError(f"The wheel {path.name} cannot be unpacked into {under}: {error}.") from error
    return folder


def _leads_out(name: str) -> bool:
    """An absolute path, a drive, or a way up: `zipfile` would bend it into the folder, under a name nobody reviewed."""
    return name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/")


def _compare(archive: zipfile.ZipFile, shown: str) -> None:
    record = next((name for name in archive.namelist() if name.endswith(".dist-info/RECORD")), None)
    if record is None:
        raise WheelError(f"The wheel {shown} has no RECORD of its files, so it cannot be checked; build it again.")
    listed = {row[0]: row[1] for row in csv.reader(archive.read(record).decode().splitlines()) if len(row) > 1}
    for name in archive.namelist():
        if name == record or name.endswith("/"):
            continue
        method, _, wanted = listed.get(name, "").partition("=")
        if method != "sha256" or _digest(archive.read(name)) != wanted:
            raise WheelError(f"The file {name} in {shown} is not the one that its author packed; get the wheel again.")


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _points(text: str, group: str) -> tuple[tuple[str, str], ...]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.read_string(text)
    if not parser.has_section(group):
        return ()
    places = (value.partition(":") for _, value in parser.items(group))
    return tuple((top.strip(), file.strip()) for top, _, file in places)
