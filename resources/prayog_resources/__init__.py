"""The lab's fonts, icons, map outlines and other files that are not code, read through one small door.

It exists so that the same call finds a file in a checkout, in an installed wheel and in a frozen build.
`LICENSES.md` says where each file came from; `packaging/vendor_assets.py` makes the vendored ones again.

    read_text("icons", "play.svg")
    path("fonts", "Inter-Regular.ttf")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_FOLDER = Path(__file__).parent


def path(*parts: str) -> Traversable:
    """The file or folder below this package; it is not checked to exist."""
    if _FOLDER.is_dir():  # in a checkout and in an installed wheel; `importlib.resources` would slow down the start
        return _FOLDER.joinpath(*parts)
    from importlib.resources import files

    return files(__name__).joinpath(*parts)


def read_bytes(*parts: str) -> bytes:
    """The contents of a file. Raises `FileNotFoundError` when the lab does not ship it."""
    return path(*parts).read_bytes()


def read_text(*parts: str) -> str:
    """The contents of a UTF-8 text file. Raises `FileNotFoundError` when the lab does not ship it."""
    return path(*parts).read_text(encoding="utf-8")
