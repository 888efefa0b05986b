"""Run by `prayog doctor` in a process of its own: can a web view show a page here, and what draws it?

Prints ``gpu NAME`` (``gpu none`` without OpenGL), then ``web ok`` or ``web`` and the reason why maps do without it.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer
from PySide6.QtGui import QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QApplication

from prayog_sdk.qt.map import web_view_missing

_PATIENCE_MS = 15_000
_RENDERER = 0x1F01  # GL_RENDERER


def main() -> None:
    """Look, and print the two lines."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication(["doctor"])
    print("gpu", _renderer() or "none", flush=True)
    print("web", web_view_missing() or _opened() or "ok", flush=True)
    del app


def _renderer() -> str:
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return ""
    name = str(context.functions().glGetString(_RENDERER) or "")
    context.doneCurrent()
    return name


def _opened() -> str:
    from PySide6.QtWebEngineWidgets import QWebEngineView

    view, loop = QWebEngineView(), QEventLoop()
    told: list[bool] = []

    def tell(shown: bool) -> None:
        told.append(shown)
        loop.quit()

    view.loadFinished.connect(tell)
    view.page().renderProcessTerminated.connect(lambda status, code: tell(False))
    QTimer.singleShot(_PATIENCE_MS, loop.quit)
    view.setHtml("<p>there</p>")
    loop.exec()
    view.close()
    if not told:
        return "it did not show a page within 15 s"
    return "" if told[0] else "its process was ended by the system"


if __name__ == "__main__":
    main()
