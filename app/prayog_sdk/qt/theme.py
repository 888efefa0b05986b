"""Colours, type and spacing: the one place where the look of the lab is decided.

Two themes (light, dark) as plain values, and the functions that put one on a `QApplication`.  Widgets take
colours from `current()`, sizes from the application font, and distances from `UNIT`, so that text at 200 % and a
theme change reach everything.

Rules
1. A widget never names a colour of its own; it uses a role of `Theme`.
2. Role is shape + letter + colour: `hue(i)` gives a colour-blind-safe cycle, and whoever uses it also draws the
   number or letter.
3. At most three accent colours on one screen: `accent`, and `good`/`bad` where there is a verdict.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication, QWidget

import prayog_resources

__all__ = [
    "UNIT", "Theme", "apply", "body_points", "current", "dark", "font", "hue", "light", "load_fonts", "mono",
    "palette", "scaled", "style_sheet", "title_font",
]  # fmt: skip

UNIT = 8
"""The grid, in logical pixels at 100 % text."""
SANS = "Inter"
MONO = "JetBrains Mono NL"
SYMBOLS = "Prayog Symbols"
BASE_POINTS = 10.0
_LINE_AT_100 = 16.0  # height of a line of the shipped font at 100 % and 96 dpi


@dataclass(frozen=True, slots=True)
class Theme:
    """Roles of colour as ``#rrggbb``."""

    name: str
    window: str  # behind everything
    surface: str  # cards, panels
    raised: str  # hovered, selected rows
    line: str  # hairlines between things
    edge: str  # borders of controls (3:1 against the surface)
    text: str
    muted: str  # second-rank text (4.5:1)
    faint: str  # grid lines, disabled
    accent: str
    on_accent: str
    accent_soft: str  # a selected thing's ground
    good: str
    good_soft: str
    bad: str
    bad_soft: str
    warn: str
    warn_soft: str
    land: str
    sea: str
    border: str
    cycle: tuple[str, ...]


light = Theme(
    name="light", window="#f5f6f8", surface="#ffffff", raised="#eef1f5", line="#e3e6eb", edge="#838b99",
    text="#1b2027", muted="#596273", faint="#b9c0cb", accent="#2458d3", on_accent="#ffffff", accent_soft="#e6edfc",
    good="#177a46", good_soft="#e2f4ea", bad="#c0312b", bad_soft="#fbe7e5", warn="#93600a", warn_soft="#fcf1dc",
    land="#e9e7e0", sea="#f4f8fb", border="#b7b4a9",
    cycle=(
        "#2f6fde", "#c9660a", "#14886a", "#a63d8f", "#7a6a00", "#0e7fa3", "#b3352f", "#5d55c4", "#4f7a1e", "#6b7280",
    ),
)  # fmt: skip
dark = Theme(
    name="dark", window="#14171c", surface="#1c2027", raised="#272c35", line="#2c323c", edge="#6c7687",
    text="#e8ebf0", muted="#a3adbd", faint="#4a5361", accent="#7fa6ff", on_accent="#0d1420", accent_soft="#22304f",
    good="#5fcf95", good_soft="#16352a", bad="#ff8a80", bad_soft="#43211f", warn="#f0bd62", warn_soft="#3b2e14",
    land="#2a2f38", sea="#171b21", border="#4c5563",
    cycle=(
        "#6ea4ff", "#f0a04b", "#43c79e", "#e184cb", "#d6c24a", "#56c1e3", "#ff8d86", "#a9a2ff", "#9ccc5f", "#a9b1bf",
    ),
)  # fmt: skip

_PROPERTY = "prayogTheme"
_MARKS = Path(__file__).with_name("marks").as_posix()


def current() -> Theme:
    """The theme that is on."""
    app = QApplication.instance()
    return dark if app is not None and app.property(_PROPERTY) == "dark" else light


def hue(index: int) -> str:
    """Colour number `index` of the cycle; -1 is neutral."""
    theme = current()
    return theme.muted if index < 0 else theme.cycle[index % len(theme.cycle)]


def scaled(pixels: float) -> int:
    """`pixels` at 100 % text, in pixels at the text size that is on."""
    return round(pixels * QFontMetricsF(QApplication.font()).height() / _LINE_AT_100)


def body_points() -> float:
    """The size of running text that is on, in points."""
    return QApplication.font().pointSizeF()


def font(size: float = 1.0) -> QFont:
    """The font of running text, `size` times as large as that: for painted words."""
    result = QFont(QApplication.font())
    result.setPointSizeF(body_points() * size)
    return result


def mono() -> QFont:
    """The fixed-width font at the size that is on."""
    font = QFont(QApplication.font())
    font.setFamilies([MONO, SYMBOLS, "monospace"])
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def title_font(step: int = 1) -> QFont:
    """The type scale: step 1 is a card title, 2 a page's section, 3 a page title (ratio 1.2, semibold)."""
    font = QFont(QApplication.font())
    font.setPointSizeF(font.pointSizeF() * 1.2**step)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def load_fonts(first: str = "") -> None:
    """Register the fonts that ship with the lab; asking twice is harmless.

    `first` takes only those whose names begin so: the start of the window needs `SANS` and no other.
    """
    folder = prayog_resources.path("fonts")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.startswith(first) and file.name.endswith((".ttf", ".otf")):
            if isinstance(file, Path):  # Qt maps the file, which is quicker than a copy
                QFontDatabase.addApplicationFont(str(file))
            else:
                QFontDatabase.addApplicationFontFromData(QByteArray(file.read_bytes()))


def apply(app: QApplication, theme: Theme, text_percent: int = 100, window: QWidget | None = None) -> None:
    """Put `theme` on `app` with text at `text_percent` (100-200); every open widget follows.

    With `window` the style sheet goes on that window and what belongs to it.  Qt is six times as quick then: for the
    sheet of an application it styles all widgets twice (310 ms for a bench with 526 of them, against 50).
    """
    if app.property(_PROPERTY) is None and app.style().objectName() != "fusion":
        app.setStyle("Fusion")  # once: a second time would style every widget anew for nothing
    app.setProperty(_PROPERTY, theme.name)
    font = QFont()
    font.setFamilies([SANS, SYMBOLS, "sans-serif"])
    font.setPointSizeF(BASE_POINTS * text_percent / 100)
    with _no_collection():
        if app.styleSheet():
            app.setStyleSheet("")  # a sheet in place of another styles a widget once for every widget around it
        app.setFont(font)
        app.setPalette(palette(theme))
        (app if window is None else window).setStyleSheet(style_sheet(theme, text_percent))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Qt walks a list of all widgets: none may be garbage-collected meanwhile, in whatever thread."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def palette(theme: Theme) -> QPalette:
    """The Qt palette of `theme`, for everything that Fusion draws."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window, role.WindowText: theme.text, role.Base: theme.surface,
        role.AlternateBase: theme.window, role.ToolTipBase: theme.text, role.ToolTipText: theme.surface,
        role.PlaceholderText: theme.muted, role.Text: theme.text, role.Button: theme.surface,
        role.ButtonText: theme.text, role.BrightText: theme.bad, role.Link: theme.accent,
        role.LinkVisited: theme.accent, role.Highlight: theme.accent, role.HighlightedText: theme.on_accent,
        role.Light: theme.surface, role.Midlight: theme.raised, role.Mid: theme.line, role.Dark: theme.edge,
        role.Shadow: theme.edge, role.Accent: theme.accent,
    }  # fmt: skip
    result = QPalette()
    for colour_role, colour in colours.items():
        result.setColor(colour_role, QColor(colour))
    for colour_role in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(theme.faint))
    return result


def style_sheet(theme: Theme, percent: int = 100) -> str:
    """The small style sheet above Fusion, for text at `percent`.

    Widgets choose a look by the dynamic property ``kind``: ``card``, ``primary``, ``quiet``, ``muted``, ``good``,
    ``bad``, ``warn``, ``chip`` (a chip also by ``tone``), and labels a step of the type scale by ``step``: ``-1``
    (small) to ``4``.  Sizes set here follow a change of the text size; those set with `QLabel.setFont` do not.
    """
    t = theme
    mark = f"{_MARKS}/{t.name}-"  # tick, dot and arrow cannot be drawn by a style sheet without a file
    box = round(16 * percent / 100)
    points = QApplication.font().pointSizeF()
    steps = "".join(
        f'QLabel[step="{step}"] {{ font-size: {points * size:.2f}pt; font-weight: {600 if step > 0 else 400}; }}'
        for step, size in ((-1, 0.9), (1, 1.2), (2, 1.44), (3, 1.73), (4, 2.07))
    )
    return f"""{steps}
    QToolTip {{ color: {t.surface}; background: {t.text}; border: 0; padding: 4px 8px; }}
    QMainWindow::separator {{ background: {t.line}; width: 1px; height: 1px; }}
    QFrame[kind="card"] {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 10px; }}
    QFrame[kind="card"][live="true"]:hover {{ border-color: {t.accent}; }}
    QFrame[kind="good"] {{ background: {t.good_soft}; border: 1px solid {t.good}; border-radius: 8px; }}
    QFrame[kind="bad"] {{ background: {t.bad_soft}; border: 1px solid {t.bad}; border-radius: 8px; }}
    QFrame[kind="warn"] {{ background: {t.warn_soft}; border: 1px solid {t.warn}; border-radius: 8px; }}
    QLabel[kind="good"], QLabel[kind="bad"], QLabel[kind="warn"] {{ background: transparent; border: 0; }}
    QLabel[kind="muted"] {{ color: {t.muted}; }}
    QLabel[kind="good"] {{ color: {t.good}; }}
    QLabel[kind="bad"] {{ color: {t.bad}; }}
    QLabel[kind="warn"] {{ color: {t.warn}; }}
    QLabel[kind="chip"] {{ color: {t.muted}; background: {t.raised}; border-radius: 8px; padding: 2px 8px; }}
    QLabel[kind="chip"][tone="good"] {{ color: {t.good}; background: {t.good_soft}; }}
    QLabel[kind="chip"][tone="warn"] {{ color: {t.warn}; background: {t.warn_soft}; }}
    QLabel[kind="chip"][tone="bad"] {{ color: {t.bad}; background: {t.bad_soft}; }}
    QPushButton {{ background: {t.surface}; border: 1px solid {t.edge}; border-radius: 6px; padding: 5px 12px; }}
    QPushButton:hover {{ background: {t.raised}; }}
    QPushButton:pressed {{ background: {t.line}; }}
    QPushButton:checked {{ background: {t.accent_soft}; border-color: {t.accent}; }}
    QPushButton:disabled {{ color: {t.faint}; border-color: {t.line}; }}
    QPushButton[kind="primary"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; }}
    QPushButton[kind="primary"]:disabled {{ background: {t.line}; color: {t.muted}; border-color: {t.line}; }}
    QPushButton[kind="quiet"] {{ background: transparent; border-color: transparent; color: {t.accent}; }}
    QPushButton[kind="quiet"]:hover {{ background: {t.accent_soft}; }}
    QPushButton[kind="link"] {{ background: transparent; border: 0; border-bottom: 2px solid transparent;
        border-radius: 0; color: {t.accent}; padding: 5px 0 3px 0; text-align: left; }}
    QPushButton[kind="link"]:hover {{ text-decoration: underline; }}
    QPushButton:focus, QToolButton:focus {{ border: 2px solid {t.accent}; }}
    QPushButton[kind="link"]:focus {{ border: 0; border-bottom: 2px solid {t.accent}; }}
    QToolButton {{ background: transparent; border: 2px solid transparent; border-radius: 6px; padding: 3px; }}
    QToolButton:hover {{ background: {t.raised}; }}
    QToolButton:checked {{ background: {t.accent_soft}; }}
    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{
        background: {t.surface}; border: 1px solid {t.edge}; border-radius: 6px; padding: 4px 8px;
        selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus {{
        border: 2px solid {t.accent}; padding: 3px 7px; }}
    QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 0; }}
    QComboBox::drop-down {{ border: 0; width: {box + 8}px; }}
    QComboBox::down-arrow {{ image: url({mark}down.svg); width: {box}px; height: {box}px; }}
    QCheckBox, QRadioButton {{ spacing: 8px; }}
    QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator {{ width: {box}px; height: {box}px;
        background: {t.surface}; border: 1px solid {t.edge}; border-radius: 4px; }}
    QRadioButton::indicator {{ border-radius: {box // 2 + 1}px; }}
    QCheckBox::indicator:hover, QRadioButton::indicator:hover {{ border-color: {t.accent}; }}
    QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border: 2px solid {t.accent}; width: {box - 2}px;
        height: {box - 2}px; }}
    QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {t.accent};
        border-color: {t.accent}; image: url({mark}check.svg); }}
    QCheckBox::indicator:indeterminate {{ background: {t.accent}; border-color: {t.accent};
        image: url({mark}dash.svg); }}
    QRadioButton::indicator:checked {{ background: {t.accent}; border-color: {t.accent};
        image: url({mark}dot.svg); }}
    QCheckBox:disabled, QRadioButton:disabled {{ color: {t.faint}; }}
    QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {t.faint}; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.faint}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {t.accent}; }}
    QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -6px 0; border-radius: 8px;
        background: {t.surface}; border: 1px solid {t.edge}; }}
    QSlider::handle:horizontal:hover {{ border-color: {t.accent}; }}
    QSlider::handle:horizontal:focus {{ border: 2px solid {t.accent}; width: 12px; height: 12px; margin: -6px 0; }}
    QSlider::sub-page:horizontal:disabled {{ background: {t.faint}; }}
    QTextBrowser {{ border: 0; background: transparent; padding: 0; }}
    QAbstractItemView {{ background: {t.surface}; border: 1px solid {t.line}; alternate-background-color: {t.window};
        outline: 0; selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QTableView::item {{ padding: 0 {box // 2}px; border: 0; }}
    QTreeView::item {{ padding: {box // 4}px; border: 0; }}
    QTableView::item:selected, QTreeView::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QTreeView::branch:closed:has-children {{ image: url({mark}right.svg); }}
    QTreeView::branch:open:has-children {{ image: url({mark}down.svg); }}
    QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: 0; border-bottom: 1px solid {t.line};
        padding: 4px 8px; }}
    QTabBar::tab {{ color: {t.muted}; padding: 6px 12px; border: 0; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
    QTabBar::tab:focus {{ color: {t.accent}; }}
    QTabBar::scroller {{ width: {2 * box}px; }}
    QTabBar QToolButton {{ background: {t.surface}; border: 0; padding: 0; }}
    QTabBar QToolButton::left-arrow {{ image: url({mark}left.svg); width: {box}px; height: {box}px; }}
    QTabBar QToolButton::right-arrow {{ image: url({mark}right.svg); width: {box}px; height: {box}px; }}
    QTabWidget::pane {{ border: 0; border-top: 1px solid {t.line}; }}
    QDockWidget {{ color: {t.muted}; titlebar-close-icon: none; titlebar-normal-icon: none; }}
    QMenu {{ background: {t.surface}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 5px 16px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QScrollArea {{ border: 0; background: transparent; }}
    QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
    QScrollBar::handle {{ background: {t.faint}; border-radius: 4px; margin: 2px; min-height: 24px; min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {t.edge}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QProgressBar {{ background: {t.line}; border: 0; border-radius: 4px; max-height: 8px; color: transparent; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 4px; }}
    """
