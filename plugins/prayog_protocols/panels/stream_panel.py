"""A conversation without its headers: what each side said, in order, with holes where nothing was captured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, QUrl
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QTextBrowser, QVBoxLayout, QWidget

from prayog_protocols.engine.streams.follow import Followed, Part, follow, kinds_of
from prayog_protocols.engine.streams.transcript import transcript
from prayog_protocols.panels.capture_panel import CapturePanel, asked
from prayog_protocols.panels.choice import Choice
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.qt.state import paragraph

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["StreamPanel", "as_text"]

MOST = 200_000  # bytes that are shown
_LONG = 400  # packets of a conversation that is read without a worker
_WORDS = {"tcp": "TCP, as it is", "udp": "UDP, as it is", "tls": "TLS, decrypted", "http": "HTTP, unpacked",
          "websocket": "WebSocket, unmasked"}  # fmt: skip


class StreamPanel(CapturePanel):
    """Follow the conversation of the chosen packet."""

    title = "Stream"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._of: tuple[int, int] | None = None
        self._followed: Followed | None = None
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kind.setAccessibleName("What is followed")
        self.kind.activated.connect(lambda _n: self._follow())
        self.hex = QCheckBox("Hexadecimal")
        self.hex.toggled.connect(lambda _on: self._write())
        self.note = paragraph("", "muted")
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setAccessibleName("What was said")
        self.text.anchorClicked.connect(self._go)
        self.text.setFrameShape(QTextBrowser.Shape.NoFrame)
        tools = QWidget()
        bar = FlowLayout(tools)
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, 0)
        for each in (QLabel("Follow"), self.kind, self.hex):
            bar.addWidget(each)
        self.note.setContentsMargins(theme.UNIT, 0, theme.UNIT, theme.UNIT // 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(tools)
        column.addWidget(self.note)
        column.addWidget(self.text, 1)

    def show_capture(self) -> None:
        self._of = None
        self.show_choice()

    def show_choice(self) -> None:
        capture, choice = self.capture, self.choice
        found = capture.flows.of(choice.index) if capture is not None and choice is not None else None
        if found is None:
            self._of, self._followed = None, None
            self.kind.clear()
            self.note.setText("Choose a packet of a TCP connection or UDP conversation.")
            self.text.clear()
            return
        if found != self._of:
            self._of = found
            self._ask()

    def _ask(self) -> None:
        """Which ways there are; a long conversation is read by a worker first."""
        capture, choice, of = self.capture, self.choice, self._of
        if capture is None or choice is None or of is None or self.bench is None:
            return
        index = choice.index
        if capture.flows.size(*of) <= _LONG:
            self._offer(capture, of, kinds_of(capture, index))
        else:
            self.note.setText("Reading the conversation…")
            job = self.bench.jobs.submit(asked, capture, kinds_of, index)
            job.succeeded.connect(lambda kinds: self._offer(capture, of, kinds))

    def _offer(self, capture: Capture, of: tuple[int, int], kinds: list[str]) -> None:
        if capture is not self.capture or of != self._of:
            return
        before = self.kind.currentData()
        self.kind.clear()
        for kind in kinds:
            self.kind.addItem(_WORDS[kind], kind)
        self.kind.setCurrentIndex(max(0, self.kind.findData(before)))
        self._follow()

    def _follow(self) -> None:
        kind = self.kind.currentData()
        if self.capture is None or self.choice is None or self.bench is None or kind is None:
            return
        capture, of = self.capture, self._of
        long = of is not None and capture.flows.size(*of) > _LONG
        index = self.choice.index
        job = self.bench.jobs.submit(asked if long else _follow, capture, follow, index, kind, MOST)
        job.succeeded.connect(lambda followed: self._show(capture, of, followed))

    def _show(self, capture: Capture, of: tuple[int, int] | None, followed: Followed) -> None:
        if capture is self.capture and of == self._of:
            self._followed = followed
            self._write()

    def _write(self) -> None:
        followed, capture = self._followed, self.capture
        if followed is None or capture is None or self._of is None:
            return
        colours = theme.current()
        hues = {True: (colours.accent, colours.accent_soft, "C"), False: (colours.good, colours.good_soft, "S")}
        rows = []
        for part in followed.parts:
            ink, ground, side = hues[part.outward]
            if part.missing:
                rows.append(f'<p style="color:{colours.bad};background:{colours.bad_soft}">▯ {side}: '
                            f"{part.missing:,} bytes were not captured here</p>")  # fmt: skip
                continue
            body = escape(as_text(part, self.hex.isChecked())).replace("\n", "<br>").replace("  ", "&nbsp; ")
            link = f'<a href="packet:{part.frame}" style="color:{ink}">{side} {part.frame}</a>'
            rows.append(f'<p style="background:{ground};margin:2px">{link}&nbsp; <span>{body}</span></p>')
        self.text.setFont(theme.mono())
        self.text.setHtml("".join(rows))
        said = [sum(len(part.data) for part in followed.parts if part.outward is way) for way in (True, False)]
        more = " The rest is left out here." if followed.more else ""
        holes = sum(part.missing for part in followed.parts)
        hole = f" {holes:,} bytes are missing." if holes else ""
        self.note.setText(f"Conversation {followed.number}: C said {said[0]:,} bytes, S said {said[1]:,}."
                          f"{hole}{more}")  # fmt: skip

    def _go(self, link: QUrl) -> None:
        self.choose(Choice(int(link.path()) - 1))

    def on_theme(self) -> None:
        self._write()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        if self._followed is None or self.capture is None or self.choice is None:
            return {}
        capture, index, followed = self.capture, self.choice.index, self._followed

        def text(path: Path) -> None:
            path.write_text(transcript(capture, index, followed.kind), encoding="utf-8")

        def raw(path: Path) -> None:
            path.write_bytes(b"".join(part.data for part in followed.parts))

        return {"txt": text, "bin": raw}

    def outline(self) -> str:
        return self.note.text()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(300), theme.scaled(160))


def as_text(part: Part, in_hex: bool) -> str:
    """What was said, for reading: text where it is text, else bytes."""
    data = part.data[:20_000]
    if in_hex:
        return "\n".join(f"{at:06x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "".join(chr(byte) if 32 <= byte < 127 or byte in (10, 13) else "·" for byte in data)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "" if letter == "\r" else "·" for letter in text
    )


def _follow(ctx: Ctx, capture: Capture, fn: Callable[..., Followed], *args: Any) -> Followed:
    ctx.check()
    return fn(capture, *args)
