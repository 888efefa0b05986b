"""The system libraries that Qt needs on Linux, and the package that brings each.

The PySide6 wheels do not carry them, a bare Debian or Fedora lacks some, and Qt's own message is only "could not
load the platform plugin".  The list was taken from the wheels themselves (`ldd`) and tried in a bare Debian 12.
Windows and macOS need none.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["LIBRARIES", "Library", "install_line", "missing", "wanted"]

Use = Literal["always", "x11", "wayland", "web"]


@dataclass(frozen=True, slots=True)
class Library:
    """One shared library: its file name, the packages that bring it, and what part of the lab uses it."""

    name: str
    debian: str
    fedora: str
    use: Use


LIBRARIES = (
    Library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "always"),
    Library("libEGL.so.1", "libegl1", "libglvnd-egl", "always"),
    Library("libGL.so.1", "libgl1", "libglvnd-glx", "always"),
    Library("libX11.so.6", "libx11-6", "libX11", "always"),
    Library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "always"),
    Library("libfreetype.so.6", "libfreetype6", "freetype", "always"),
    Library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "always"),
    Library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "always"),
    Library("libbrotlidec.so.1", "libbrotli1", "libbrotli", "always"),
    Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "x11"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "x11"),
    Library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "x11"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "x11"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "x11"),
    Library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "x11"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "x11"),
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "x11"),
    Library("libwayland-client.so.0", "libwayland-client0", "libwayland-client", "wayland"),
    Library("libwayland-cursor.so.0", "libwayland-cursor0", "libwayland-cursor", "wayland"),
    Library("libwayland-egl.so.1", "libwayland-egl1", "libwayland-egl", "wayland"),
    Library("libnss3.so", "libnss3", "nss", "web"),
    Library("libasound.so.2", "libasound2", "alsa-lib", "web"),
    Library("libXcomposite.so.1", "libxcomposite1", "libXcomposite", "web"),
    Library("libXdamage.so.1", "libxdamage1", "libXdamage", "web"),
    Library("libXrandr.so.2", "libxrandr2", "libXrandr", "web"),
    Library("libXtst.so.6", "libxtst6", "libXtst", "web"),
    Library("libxkbfile.so.1", "libxkbfile1", "libxkbfile", "web"),
    Library("libXfixes.so.3", "libxfixes3", "libXfixes", "web"),
    Library("libgbm.so.1", "libgbm1", "mesa-libgbm", "web"),
    Library("libudev.so.1", "libudev1", "systemd-libs", "web"),
    Library("libgssapi_krb5.so.2", "libgssapi-krb5-2", "krb5-libs", "web"),
)


def wanted() -> tuple[Use, ...]:
    """What a window on this machine uses: the base, and what its display needs."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform in ("offscreen", "minimal"):
        return ("always",)
    if os.environ.get("WAYLAND_DISPLAY") and platform != "xcb":
        return ("always", "wayland")
    return ("always", "x11") if os.environ.get("DISPLAY") or platform == "xcb" else ("always",)


def missing(*uses: Use) -> list[Library]:
    """The libraries for `uses` (none given: all) that this machine lacks; always none outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in LIBRARIES if (not uses or library.use in uses) and not _loads(library.name)]


def install_line(libraries: Iterable[Library]) -> str:
    """The command that installs `libraries` on this distribution."""
    try:
        system = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        system = ""
    if any(word in system for word in ("fedora", "rhel", "centos", "suse")):
        return "sudo dnf install " + " ".join(sorted({library.fedora for library in libraries}))
    names = {library.debian for library in libraries}
    if "ID=ubuntu" in system and "libasound2" in names:  # 24.04 and later: a name that two packages provide
        names = names - {"libasound2"} | {"libasound2t64"}
    return "sudo apt-get install " + " ".join(sorted(names))


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
