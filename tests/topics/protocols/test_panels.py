"""The panels on the real bench: a packet, a field and a byte lead to each other, in every panel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import prayog_protocols
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_protocols.engine.building import Draft
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.demo import demo, demo_bytes
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.exercises import KINDS, exercise
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.tree import Packet
from prayog_protocols.panels.bitpicture import WIDTH, cells_of, pieces, spec_cells
from prayog_protocols.panels.choice import Choice, of_node, read
from prayog_protocols.panels.drafting import Draughts
from prayog_protocols.panels.editor_panel import payload_of
from prayog_sdk import manifest
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic

from . import talking
from .making import Made


class Bench:
    """A page of the lab with this topic, driven as a learner would."""

    def __init__(self, page: BenchPage, qtbot: QtBot) -> None:
        self.page, self._qtbot = page, qtbot

    def open(self, scenario: str) -> None:
        self.page.open_scenario(self.page.topic.scenario(scenario))
        self.until(lambda: self.page.driver.branch is not None)
        driver = self.page.driver
        driver.set_speed(float("inf"))
        driver.play()
        self.until(lambda: not (driver.playing and driver.can_go_on))
        driver.pause()

    def panel(self, name: str) -> Any:
        dock = self.page.docks.dock(name)
        assert dock is not None
        dock.show()
        dock.raise_()
        self.until(lambda: dock.slot.panel is not None)
        self.page.host.wake()
        self._qtbot.wait(200)
        return dock.slot.panel

    def until(self, test: Any) -> None:
        self._qtbot.waitUntil(test, timeout=30_000)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    topic = Topic.load(manifest.read_folder(Path(prayog_protocols.__file__).parent, "built-in"))
    jobs = JobManager()
    services = Services(tmp_path / "services", environ={})
    page = BenchPage(topic, jobs=jobs, services=services, store=None, settings=Settings(), data_dir=tmp_path / "data")
    problems: list[Any] = []
    page.problem.connect(problems.append)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    yield Bench(page, qtbot)
    page.close_topic()
    jobs.shutdown()
    services.close()
    assert not [problem.sentence for problem in problems]


def test_a_choice_is_a_word_and_back() -> None:
    packet = demo().packet(9)
    for node in packet.walk():
        if node.bits:
            choice = read(str(of_node(9, node)))
            assert choice is not None
            found = choice.node_in(packet)
            assert found is not None
            assert (found.name, found.start, found.bits) == (node.name, node.start, node.bits)
    assert read("packet 3") == Choice(2)
    assert read("n1") is None
    assert read("packet 0") is None


def test_the_picture_of_a_header_has_every_bit_once() -> None:
    layer = demo().packet(9).layer("tcp")
    assert layer is not None
    header = [cell for cell in cells_of(layer) if cell.node is not None and cell.node.field.name != "tcp.payload"]
    assert sum(cell.bits for cell in header) == 20 * 8
    rows = pieces(header)
    assert all(piece.column + piece.bits <= WIDTH for piece in rows)
    assert rows[-1].row == 4
    assert [cell.label for cell in spec_cells(REGISTRY.protocols["udp"])][:2] == ["Source port", "Destination port"]


def test_the_editor_works_out_what_depends_on_a_change() -> None:
    capture = demo()
    draughts = Draughts.of(capture.raw(9), 1)
    ip = next(row for row in draughts.rows() if row.field.name == "ip.ttl")
    draughts.set(ip.layer, "ttl", 3, "manual")
    assert draughts.recomputed == ("Header check sum",)
    assert [text.split(":")[0] for text in draughts.differences()] == ["IPv4 Time to live", "IPv4 Header check sum"]
    good = draughts.data
    draughts.set(ip.layer, "ttl", 300, "manual")
    assert "300" in draughts.problem
    assert draughts.data == good
    draughts.set(ip.layer, "checksum", 0x1234, "wrong")
    assert draughts.data[24:26] == b"\x12\x34"
    draughts.set_bytes(capture.raw(9))
    assert draughts.data == capture.raw(9)
    assert not draughts.differences()


def test_lists_in_a_packet_are_changed_entry_by_entry() -> None:
    """Options of TCP, headers of HTTP and lines of SMTP, with lengths and sums worked out anew."""
    capture = Capture(talking.made("http", "mail"))
    draughts = Draughts.of(capture.raw(0), 1)
    tcp = next(n for n, layer in enumerate(draughts.layers) if isinstance(layer, Draft) and layer.protocol == "tcp")
    mss = next(entry for entry in draughts.lists(tcp) if entry.path == ("options", 0, "mss_val"))
    assert (mss.value, mss.setting) == ("1460", "manual")
    draughts.set_entry(mss, "536")
    option = next(entry for entry in draughts.lists(tcp) if entry.path == ("options", 1))
    draughts.add_entry(option)
    packet = dissected(draughts.data)
    assert packet.value("tcp.options.mss_val") == 536
    assert len(packet.find("tcp.options.nop")) == 2
    assert not [note for note in packet.notes if note.severity == "error"]
    draughts.remove_entry(mss)
    assert dissected(draughts.data).value("tcp.options.mss_val") is None

    draughts = Draughts.of(capture.raw(3), 1)
    http = next(n for n, layer in enumerate(draughts.layers) if isinstance(layer, Draft) and layer.protocol == "http")
    host = next(entry for entry in draughts.lists(http) if entry.value.startswith("Host"))
    draughts.set_entry(host, "Host: chai.example")
    assert dissected(draughts.data).value("http.host") == "chai.example"
    with pytest.raises(ValueError, match="a name, a colon and a value"):
        draughts.set_entry(host, "chai.example")

    index = next(n for n in range(len(capture)) if capture.packet(n).value("smtp.req.command") == "EHLO")
    draughts = Draughts.of(capture.raw(index), 1)
    line = next(entry for entry in draughts.lists(len(draughts.layers) - 1) if entry.path == ("lines", 0))
    draughts.set_entry(line, "HELO me")
    assert any("EHLO" in told and "HELO me" in told for told in draughts.differences())
    draughts.add_entry(line)
    assert payload_of(draughts.data, 1) == b"HELO me\r\nHELO me\r\n"
    assert "SMTP lines: 1 of them → 2" in draughts.differences()


def dissected(data: bytes) -> Packet:
    c = Dissection(REGISTRY, data)
    c.run(REGISTRY.find("link", 1))
    return c.packet


@pytest.mark.xdist_group("protocol labs")
def test_a_changed_packet_is_sent_and_its_answer_stands_beside_that_to_the_first(bench: Bench) -> None:
    bench.open("lab_smtp")
    panel = bench.panel("editor")
    capture = panel.capture
    index = next(n for n in range(len(capture)) if "ehlo" in str(capture.packet(n).value("smtp.req.command")).lower())
    panel.choose(Choice(index))
    bench.until(lambda: panel.draughts is not None and panel.head.text().endswith(f" {index + 1}"))
    entry = next(one for one in panel.draughts.lists(len(panel.draughts.layers) - 1) if one.path == ("lines", 0))
    panel._change(entry, "OHLE laptop.test", "manual")
    panel.send.click()
    boxes = panel.answers.boxes
    bench.until(lambda: "250" in boxes["as it was"].toPlainText() and "500" in boxes["as changed"].toPlainText())


def test_packet_field_and_byte_lead_to_each_other(bench: Bench, qtbot: QtBot) -> None:
    bench.open("afternoon")
    panel = bench.panel("packets")
    assert panel.model.rowCount() == 115
    panel.choose(Choice(9))
    push = next(node for node in panel._packet.walk() if node.name == "tcp.flags.push")
    panel._pick_node(push)
    assert panel.hex._marked == (push.start, 1)
    assert "Push: set" in panel.words.text()
    assert "RFC 9293" in panel.words.text()
    panel._pick_byte(22)
    assert panel.tree.currentItem().text(0) == "Time to live"
    panel._pick_byte(14)
    assert panel.tree.currentItem().text(0) == "Version"
    panel._pick_byte(14)
    assert panel.tree.currentItem().text(0) == "Header length"
    header = bench.panel("header")
    assert header.layer.currentText() == "Internet Protocol Version 4"
    qtbot.keyClick(panel.hex, Qt.Key.Key_End)
    assert bench.page.host.selection.startswith("packet 10 http")


def test_a_filter_keeps_says_and_points(bench: Bench, qtbot: QtBot) -> None:
    bench.open("afternoon")
    panel = bench.panel("packets")
    panel.filter.edit.setText("http.request")
    panel.filter._enter()
    bench.until(lambda: panel._searching is None)
    assert 0 < panel.model.rowCount() < 10
    assert bench.page.host.run.actions[-1].action.name == "filter"
    panel.filter.edit.setText("tcp.port = = 80")
    panel.filter._explain()
    assert panel.filter.words.text().startswith("Column ")
    panel.filter.edit.clear()
    assert panel.model.rowCount() == 115


def test_a_capture_of_ones_own_is_opened_and_saved(bench: Bench, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pcapng"
    mine.write_bytes(demo_bytes())
    bench.open("who_calls_whom")
    panel = bench.panel("packets")
    before = len(panel.capture)
    panel.open_file(str(mine))
    bench.until(lambda: panel.capture is not None and len(panel.capture) != before)
    assert bench.page.host.trace[0].data["packets"] == 115
    out = tmp_path / "out.pcapng"
    panel.exports()["pcapng"](out)
    again = Capture(out.read_bytes())
    assert [again.raw(n) for n in range(len(again))] == [demo().raw(n) for n in range(115)]
    assert again.records.comments == demo().records.comments


def test_the_other_panels_tell_of_the_same_packet(bench: Bench, tmp_path: Path) -> None:
    bench.open("may_i_retry")
    ladder = bench.panel("ladder")
    assert len(ladder.view.drawn.arrows) == 65
    assert sum(ladder.view._lost) == 5
    ladder.exports()["mmd"](tmp_path / "ladder.mmd")
    assert (tmp_path / "ladder.mmd").read_text().startswith("sequenceDiagram")
    ladder.view.picked.emit(3)
    stream = bench.panel("stream")
    bench.until(lambda: stream._followed is not None)
    assert "POST /orders" in stream.text.toPlainText()
    exercises = bench.panel("exercises")
    assert exercises._asked is not None
    exercises.line.setText(exercises._asked.answer)
    exercises._answer()
    assert exercises.verdict.text().startswith("✓")
    words = bench.panel("words")
    assert words.table.rowCount() == 9


def test_a_long_conversation_of_a_file_is_read_elsewhere(bench: Bench, tmp_path: Path) -> None:
    """Its packets are shown as any others, and this process has not read it."""
    made = Made()
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    made.tcp(80, [(">", b"GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<", page)] * 700)
    path = tmp_path / "long.pcapng"
    path.write_bytes(made.done())
    bench.open("afternoon")
    bench.page.host.start({"study": "capture", "file": str(path)}, 1)
    panel = bench.panel("packets")
    bench.until(lambda: panel.capture is not None and len(panel.capture) > 2_000)
    index = next(n for n in range(1_500, 1_600) if b"GET" in panel.capture.raw(n))
    panel.choose(Choice(index))
    bench.until(lambda: panel._shown == index and panel._packet.value("http.request_number") is not None)
    assert panel._packet.value("tcp.stream") == 0
    bench.until(lambda: panel.model.row(index).protocol == "HTTP")
    assert panel.capture._talks.get(0) is None
    assert panel.capture._findings.get(0) is None


def test_a_question_about_a_long_conversation_reads_a_part_of_it() -> None:
    """Numbers and values are those of the whole capture, which itself is not read."""
    made = Made()
    made.udp(53, [(">", b"before")])
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    made.tcp(80, [(">", b"GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<", page)] * 600)
    capture, whole = Capture(made.done()), Capture(made.done())
    assert len(capture) > 2_400
    for index in (4, 1_205, len(capture) - 2):
        for kind in KINDS:
            asked = exercise(capture, kind, index, 3)
            assert asked.packet == index
            assert asked.judge(asked.answer).right
            assert not asked.judge("no such answer").right
        assert exercise(capture, "blank", index, 3).shown == whole.raw(index)
        for number in range(5):
            asked = exercise(capture, "blank", index, number)
            start, bits = asked.hidden
            node = next(one for one in whole.packet(index).walk() if (one.start, one.bits) == (start, bits)
                        and f"“{one.field.label}”" in asked.question)  # fmt: skip
            assert asked.judge(literal(node)).right
    assert capture._talks.get(0) is None
    assert capture._findings.get(0) is None
    assert "packet 1206" in exercise(capture, "next", 1_204, 1).judge("0").why.lower()
