"""The lab's fonts, icons, map outlines and other files that are not code, read through one small door.

It exists so that the same call finds a file in a checkout, in an installed wheel and in a frozen build.
`LICENSES.md` says where each file came from; `packaging/vendor_assets.py` makes the vendored ones again.

    read_text("icons", "play.svg")
    path("fonts", "Inter-Regular.ttf")
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def path(*parts: str) -> Traversable:
    """The file or folder below this package; it is not checked to exist."""
    return files(__name__).joinpath(*parts)


def read_bytes(*parts: str) -> bytes:
    """The contents of a file. Raises `FileNotFoundError` when the lab does not ship it."""
    return path(*parts).read_bytes()


def read_text(*parts: str) -> str:
    """The contents of a UTF-8 text file. Raises `FileNotFoundError` when the lab does not ship it."""
    return path(*parts).read_text(encoding="utf-8")
