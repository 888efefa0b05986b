"""The program beside its packets: a chosen packet marks its line, a chosen line its packet; facts have their price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from prayog_protocols.engine.real.session import LabSession
from prayog_protocols.panels.lab_facts import lines_of
from prayog_protocols.panels.lab_panel import LabPanel
from sdk.qt.fakebench import FakeBench
from topics.protocols.labs import lab, told

pytestmark = pytest.mark.xdist_group("protocol labs")


@pytest.fixture(scope="module")
def session() -> Iterator[LabSession]:
    made = lab()
    told(made, "smtp", variant="send")
    yield made
    made.close()


@pytest.fixture
def shown(session: LabSession, qtbot: QtBot) -> Iterator[tuple[Any, LabPanel]]:
    bench, panel = FakeBench(session), LabPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 600)
    bench.show(panel)
    panel.show()
    yield bench, panel
    panel.unbind()


def test_a_packet_marks_the_line_that_sent_it(shown: tuple[Any, LabPanel]) -> None:
    bench, panel = shown
    assert panel.recording is not None
    calls = [lines_of(packet)[2] for packet in panel.recording.packets]
    index = next(n for n, call in enumerate(calls) if call.startswith("server.sendmail"))
    bench.select(f"packet {index + 1}")
    marked = panel.source.extraSelections()
    assert len(marked) == 1
    assert "server.sendmail" in marked[0].cursor.block().text()
    assert f"Packet {index + 1}: clients/smtp.py" in panel.outline()


def test_a_line_chooses_the_first_packet_that_it_sent(shown: tuple[Any, LabPanel]) -> None:
    bench, panel = shown
    lines = panel.source.toPlainText().splitlines()
    first = lines.index("def send(lab: Any) -> None:")
    number = next(n for n, line in enumerate(lines, 1) if n > first and "server.quit()" in line)
    panel.source.chosen.emit(number)
    assert bench.selection.startswith("packet ")
    assert panel.recording is not None
    assert b"quit" in bytes.fromhex(panel.recording.packets[int(bench.selection.split()[1]) - 1]["hex"]).lower()
    panel.source.chosen.emit(1)
    assert "sent no packet" in bench.said[-1]


def test_facts_have_their_price_and_are_gone_before_they_happened(shown: tuple[Any, LabPanel]) -> None:
    bench, panel = shown
    rows = [[panel.facts.item(row, column).text() for column in range(5)] for row in range(panel.facts.rowCount())]
    kept = next(row for row in rows if row[0] == "kept")
    assert "dot True" in kept[1]
    assert int(kept[2]) > 20
    bench.at = 0
    panel.draw()
    assert panel.facts.rowCount() == 0
    assert not panel.source.isVisible()
