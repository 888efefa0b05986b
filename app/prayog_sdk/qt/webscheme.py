"""The `lab:` scheme: pages, scripts and data for a web view, served from memory with no network at all.

It exists because a map page needs a place that its scripts and data come from, and that place must be neither the
internet nor `file:` (where a page can read the learner's disk and large data must be written out first).

    lab://page/index.html      the page
    lab://files/leaflet/…      a file of `prayog_resources` (folders leaflet, map, geo, fonts)
    lab://qt/qwebchannel.js    Qt's own script of the web channel
    lab://data/…               data that is too large to pass through a script

Rules
1. Qt's manual asks for schemes to be registered "before creating any Qt WebEngine classes", which "in general" is
   before `QApplication`. What counts is that Chromium has not started yet: it starts with the first profile. So
   `register_scheme` is called just before the first profile; with PySide6 6.11.3 scheme, flags and `fetch` then work
   as well as when registered at the start, and a start of the lab loads no WebEngine module. When other code made
   a profile first, Qt ignores the registration; `register_scheme` sees this and the simple map is used.
2. `Guard` lets `lab:`, `qrc:`, `data:` and `blob:` through and nothing else; what it stopped is in `blocked`.
3. Never set `LocalContentCanAccessRemoteUrls`: it makes pages fail to load their own scripts.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping

from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice, QObject
from PySide6.QtWebEngineCore import (
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
    QWebEngineUrlRequestJob,
    QWebEngineUrlScheme,
    QWebEngineUrlSchemeHandler,
)

import prayog_resources

__all__ = ["SCHEME", "Guard", "Library", "register_scheme"]

SCHEME = b"lab"
LOCAL_SCHEMES = frozenset({"lab", "qrc", "data", "blob"})
FOLDERS = frozenset({"leaflet", "map", "geo", "fonts"})
TYPES: Mapping[str, bytes] = {
    "js": b"text/javascript", "css": b"text/css", "html": b"text/html", "json": b"application/json",
    "ttf": b"font/ttf", "svg": b"image/svg+xml",
}  # fmt: skip


def register_scheme() -> bool:
    """Make `lab:` known to WebEngine; asking twice is harmless. False when Chromium was already started without it.

    Chromium is told to be quiet as well: without D-Bus or a graphics card it writes lines of its own to the terminal,
    and what fails on the page comes through `_Page`.  Who looks for a fault in Chromium sets the variable.  And Mesa,
    which it draws with, would keep files in the learner's home that outlive the lab."""
    os.environ.setdefault("QTWEBENGINE_CHROMIUM_FLAGS", "--log-level=3")
    os.environ.setdefault("MESA_SHADER_CACHE_DISABLE", "true")
    if bytes(QWebEngineUrlScheme.schemeByName(QByteArray(SCHEME)).name().data()) == SCHEME:
        return True
    scheme = QWebEngineUrlScheme(QByteArray(SCHEME))
    scheme.setSyntax(QWebEngineUrlScheme.Syntax.Host)
    flag = QWebEngineUrlScheme.Flag
    scheme.setFlags(
        flag.SecureScheme | flag.LocalScheme | flag.LocalAccessAllowed | flag.CorsEnabled | flag.FetchApiAllowed
    )
    QWebEngineUrlScheme.registerScheme(scheme)
    return bytes(QWebEngineUrlScheme.schemeByName(QByteArray(SCHEME)).name().data()) == SCHEME


class Library(QWebEngineUrlSchemeHandler):
    """Answers every `lab:` request; `pages` and `data` are filled by whoever owns the view."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pages: dict[str, bytes] = {}
        self.data: dict[str, bytes] = {}

    def requestStarted(self, job: QWebEngineUrlRequestJob) -> None:
        url = job.requestUrl()
        body = self.find(url.host(), url.path().lstrip("/"))
        if body is None:
            job.fail(QWebEngineUrlRequestJob.Error.UrlNotFound)
            return
        ending = url.path().rpartition(".")[2]
        kind = TYPES.get(ending) or (mimetypes.guess_type(url.path())[0] or "application/octet-stream").encode()
        device = QBuffer(job)  # goes with the job
        device.setData(QByteArray(body))
        device.open(QIODevice.OpenModeFlag.ReadOnly)
        job.reply(QByteArray(kind), device)

    def find(self, host: str, path: str) -> bytes | None:
        """What is at `lab://host/path`; None when there is nothing."""
        if host == "page":
            return self.pages.get(path)
        if host == "data":
            return self.data.get(path)
        if host == "qt" and path == "qwebchannel.js":
            return qwebchannel()
        parts = path.split("/")
        if host == "files" and parts[0] in FOLDERS and ".." not in parts:
            file = prayog_resources.path(*parts)
            return file.read_bytes() if file.is_file() else None
        return None


def qwebchannel() -> bytes:
    """The script that WebEngine brings along as a Qt resource."""
    file = QFile(":/qtwebchannel/qwebchannel.js")
    file.open(QIODevice.OpenModeFlag.ReadOnly)
    try:
        return bytes(file.readAll().data())
    finally:
        file.close()


class Guard(QWebEngineUrlRequestInterceptor):
    """Stops every request that would leave this process, and remembers it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.blocked: list[str] = []

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        url = info.requestUrl()
        if url.scheme() not in LOCAL_SCHEMES:
            info.block(True)
            self.blocked.append(url.toString())
