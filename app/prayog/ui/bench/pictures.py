"""A panel as a picture file, with where it came from in the corner."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from prayog_sdk.qt import theme

__all__ = ["write_picture"]


def write_picture(panel: QWidget, path: Path, ending: str, caption: str) -> None:
    """What `panel` shows as ``png`` or ``svg``, with `caption` (scenario, seed, version) below.

    Raises `OSError` with a sentence when the file cannot be written.
    """
    size = panel.size() + QSize(0, theme.scaled(24))
    if ending == "svg":
        target = QSvgGenerator()
        target.setFileName(str(path))
        target.setSize(size)
        target.setViewBox(QRect(QPoint(0, 0), size))
        target.setTitle(caption)
        painter = QPainter(target)
        _paint(painter, panel, size, caption)
        painter.end()
        written = path.exists()
    else:
        scale = max(2.0, panel.devicePixelRatioF())
        image = QImage(size * scale, QImage.Format.Format_ARGB32)
        image.setDevicePixelRatio(scale)
        painter = QPainter(image)
        _paint(painter, panel, size, caption)
        painter.end()
        written = image.save(str(path))
    if not written:
        raise OSError(f"The picture could not be written to {path}; choose another folder.")


def _paint(painter: QPainter, panel: QWidget, size: QSize, caption: str) -> None:
    look = theme.current()
    painter.fillRect(QRect(QPoint(0, 0), size), QColor(look.surface))
    panel.render(painter, QPoint(0, 0))
    painter.setFont(panel.font())
    painter.setPen(QColor(look.muted))
    strip = QRect(theme.UNIT, panel.height(), size.width() - 2 * theme.UNIT, size.height() - panel.height())
    painter.drawText(strip, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, caption)
