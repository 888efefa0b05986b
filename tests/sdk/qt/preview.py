"""Pictures of every widget of `prayog_sdk.qt`, to be looked at.

python tests/sdk/qt/preview.py OUT [NAME…] [--theme light|dark] [--text 100|200]
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent))

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from prayog_sdk.params import Choice, FilePath, Slider, Text, Toggle
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card, CardButton
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.form import ParamsForm
from prayog_sdk.qt.icons import IconButton, IconLabel
from prayog_sdk.qt.state import EmptyState, LoadingState, ProblemCard, paragraph
from prayog_sdk.qt.text import MarkdownView

SAMPLE = """# Who heard the rumour?

Five friends in **Pune** share one message. Each tells *two* others every `period`. After {rounds} rounds
{informed} of 5 know it; the leader is {leader}.

> [!MYTH]
> *"Gossip reaches everyone in one round."* You will often read this. On the bench it takes about log₂ n rounds.

> [!NOTE] Why a random peer?
> A fixed list has a weak point: when one friend is asleep, everyone behind them waits.

## What to do

1. [Crash n3](lab:crash?node=n3) and press play.
2. Watch the *Events* table.
   - a nested point with `code`
3. Read the [paper](https://example.org/paper).

| fan-out | rounds | messages |
|--:|--:|--:|
| 1 | 7 | 35 |
| 2 | 4 | 40 |

```
n1 -> n2  rumour
n2 -> n4  rumour
```

> An ordinary quotation stays an ordinary quotation.

> [!TIP]
> Set the loss to 0.3 first.
"""


@dataclass(frozen=True)
class Knobs:
    nodes: Annotated[int, Slider(2, 50, title="Nodes", help="How many friends take part.")] = 5
    loss: Annotated[float, Slider(0.0, 1.0, step=0.01, unit="share", title="Messages lost")] = 0.1
    places: Annotated[int, Slider(1, 10_000_000, unit="places", log=True)] = 170_000
    period: Annotated[int, Slider(1, 10_000, unit="ms", log=True, title="Gossip period")] = 100
    variant: Annotated[str, Choice("correct", "forgets the rumour after a crash", title="Engine")] = "correct"
    notes: Annotated[bool, Toggle("Note every guard", help="Longer traces, more to read.")] = False
    label: Annotated[str, Text("Name of the run", longest=20)] = "Monday"
    places_file: Annotated[str, FilePath(("csv", "geojson"), title="Places of your own")] = ""


def text() -> QWidget:
    view = MarkdownView(SAMPLE)
    view.set_values({"rounds": 4, "informed": 5, "leader": None})
    return _page(view, 420)


def form() -> QWidget:
    form = ParamsForm(Knobs)
    form.set_values({"nodes": 7, "loss": 0.25})
    form._rows["label"]._control._edit.setText("much longer than twenty characters")
    form._rows["label"]._control._edit.textEdited.emit("much longer than twenty characters")
    area = QScrollArea()
    area.setWidgetResizable(True)
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.addWidget(form)
    area.setWidget(inside)
    area.resize(300, 900)
    return area


def problem() -> QWidget:
    card = ProblemCard(
        "The panel “Map” stopped",
        "The map could not read cities.npz: the file ends after 12 bytes. Reinstall the lab, or open the plain map.",
        'Traceback (most recent call last):\n  File "map.py", line 12, in load\nValueError: truncated',
        can_disable=True,
    )
    card.body.itemAt(card.body.count() - 1).widget().set_open(True)
    return _page(card, 460)


def empty() -> QWidget:
    page = EmptyState(
        "Nothing here yet",
        "Start from an example, or add a node.",
        icon="canvas",
        actions=[("Open an example", lambda: None), ("Add a node", lambda: None)],
    )
    page.resize(640, 400)
    return page


def loading() -> QWidget:
    page = LoadingState("Building the R-tree of 10,000,000 places")
    page.progress(3_400_000, 10_000_000, "3,400,000 of 10,000,000 places packed")
    page._column.show()
    page.resize(640, 300)
    return page


def cards() -> QWidget:
    page = QWidget()
    flow = FlowLayout(page, 16, stretch=True)
    flow.setContentsMargins(16, 16, 16, 16)
    for icon, title, about in (
        ("map", "Location-based databases", "R-trees, quadtrees, geohash and Hilbert curves on real places."),
        ("sequence", "Gossip", "How a rumour reaches everyone, and what happens when someone sleeps."),
        ("disk", "Optimizing writes", "Logs, memtables and levels on a disk that can tear a write."),
    ):
        card = CardButton(title, about)
        card.body.addWidget(IconLabel(icon, role="accent", size=24))
        name = paragraph(title)
        name.setFont(theme.title_font())
        card.body.addWidget(name)
        card.body.addWidget(paragraph(about, "muted"))
        chips = QWidget()
        row = FlowLayout(chips)
        for word in ("20 min", "English", "offline"):
            chip = QLabel(word)
            chip.setProperty("kind", "chip")
            row.addWidget(chip)
        card.body.addWidget(chips)
        card.body.addStretch()
        flow.addWidget(card)
    flow.itemAt(1).widget().setChecked(False)
    plain = Card()
    plain.body.addWidget(paragraph("A plain card that holds a few controls."))
    bar = QHBoxLayout()
    for icon in ("first", "step-back", "play", "step", "last", "fork", "bookmark", "settings"):
        button = IconButton(icon, icon)
        button.setEnabled(icon != "fork")
        bar.addWidget(button)
    plain.body.addLayout(bar)
    flow.addWidget(plain)
    page.resize(900, flow.heightForWidth(900))
    return page


def _page(widget: QWidget, width: int) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(24, 24, 24, 24)
    layout.addWidget(widget)
    layout.addStretch()
    page.resize(width, 100)
    return page


WIDGETS: dict[str, Callable[[], QWidget]] = {
    "text": text, "form": form, "problem": problem, "empty": empty, "loading": loading, "cards": cards,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--theme", action="append", choices=["light", "dark"])
    parser.add_argument("--text", action="append", type=int)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("error", UserWarning)
    app = QApplication.instance() or QApplication([])
    theme.load_fonts()
    try:
        import scenes

        WIDGETS.update(scenes.WIDGETS)
    except ImportError as error:
        print("no panels yet:", error)
    for name in options.names or WIDGETS:
        for look in options.theme or ["light", "dark"]:
            for percent in options.text or [100, 200]:
                theme.apply(app, getattr(theme, look), percent)
                widget = WIDGETS[name]()
                _shoot(app, widget, options.out / f"{name}-{look}-{percent}.png")


def _shoot(app: QApplication, widget: QWidget, file: Path) -> None:
    widget.show()
    for _ in range(5):
        app.processEvents()
    wanted = widget.sizeHint()
    if not isinstance(widget, QScrollArea) and wanted.height() > widget.height():
        widget.resize(QSize(widget.width(), min(wanted.height(), 1600)))
    for _ in range(5):
        app.processEvents()
    widget.grab().save(str(file))
    print(file)
    widget.close()
    widget.deleteLater()
    app.processEvents()


if __name__ == "__main__":
    main()
