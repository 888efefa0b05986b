"""Pictures of a painted panel for files: SVG and PNG, with the label of the run in the corner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from prayog_sdk.qt import theme

__all__ = ["save_png", "save_svg", "sign"]

Paint = Callable[[QPainter], None]


def sign(painter: QPainter, size: QSize, label: str) -> None:
    """Where the picture comes from, small, in the lower right corner."""
    painter.setFont(theme.font(0.8))
    painter.setPen(QColor(theme.current().muted))
    corner = QRectF(0, 0, size.width(), size.height()).adjusted(8, 8, -8, -6)
    painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, label)


def save_svg(to: Path, size: QSize, paint: Paint, title: str, description: str = "") -> None:
    """Write what `paint` paints as shapes."""
    from PySide6.QtSvg import QSvgGenerator

    generator = QSvgGenerator()
    generator.setFileName(str(to))
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    generator.setDescription(description)
    painter = QPainter(generator)
    paint(painter)
    painter.end()


def save_png(to: Path, size: QSize, paint: Paint) -> None:
    """Write what `paint` paints, at twice the resolution of the screen."""
    image = QImage(size * 2, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2)
    painter = QPainter(image)
    paint(painter)
    painter.end()
    image.save(str(to))
