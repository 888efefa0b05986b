"""The panels of the simulated TCP on the real bench: a place in a curve is a packet, and the states are lit."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.tcp.gathered import Gathered
from prayog_protocols.engine.tcp.pictures import Strokes, flows, nearest
from prayog_protocols.engine.tcp.setup import Setup, build

from .test_panels import Bench, bench

__all__ = ["bench"]


def test_the_picture_has_a_place_for_every_packet_of_the_direction() -> None:
    world = build(Setup(amount=60_000, drops="10", strict=True), 1)
    world.run()
    seen = Gathered(world.trace)
    (flow,) = flows(seen)
    drawn = Strokes(flow)
    drawn.go_on(seen)
    assert sum(end - first for _, first, end in drawn.sent) == 60_000
    assert len(drawn.again) == len(drawn.lost) == 1
    assert [place for _, place in drawn.acked] == sorted(place for _, place in drawn.acked)
    for time, place, index in drawn.places:
        assert seen.packets[nearest(drawn.places, (time, place), (1e-3, 100.0))].at_us == seen.packets[index].at_us


def test_a_click_on_a_curve_goes_to_the_packet(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    bench.open("tcp_one_loss")
    panel = bench.panel("tcp_curves")
    bench.until(lambda: panel._drawn is not None)
    again = next(one for one in panel._seen.packets if one.again)
    panel._on_bytes(again.at_us / 1e6, again.first + again.size / 2, 1e-3, 300.0)
    assert bench.page.host.selection == f"packet {again.index + 1}"
    assert bench.page.host.at == again.seq
    assert f"{again.first}–{again.end - 1} again" in panel.note.text()
    packets = bench.panel("packets")
    bench.until(lambda: packets._packet is not None and packets._packet.number == again.index + 1)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert bench.page.host.selection == f"packet {again.index + 2}"
    panel._on_gauge(0.2, 10.0, 1e-3, 1.0)
    assert bench.page.host.clock_us <= 200_000
    panel.exports()["csv"](tmp_path / "curves.csv")
    assert len((tmp_path / "curves.csv").read_text("utf-8").splitlines()) == len(panel._seen.packets) + 1
    assert "confirmed" in panel.outline()


def test_the_run_is_a_capture_that_can_be_saved_and_opened(bench: Bench, tmp_path: Path) -> None:
    bench.open("tcp_three_duplicates")
    packets = bench.panel("packets")
    packets.exports()["pcapng"](tmp_path / "tcp.pcapng")
    again = Capture((tmp_path / "tcp.pcapng").read_bytes())
    assert len(again) == packets.model.rowCount() == 28
    ladder = bench.panel("ladder")
    assert sum(ladder.view._lost) == 1


def test_both_ends_are_lit_at_the_shown_moment(bench: Bench) -> None:
    bench.open("tcp_simultaneous_close")
    panel = bench.panel("tcp_states")
    assert panel._diagram.where == {"CLOSED": ["laptop", "shop"]}
    steps = bench.page.host.trace
    bench.page.host.seek(next(one.seq for one in steps if any(e.data.get("to") == "CLOSING" for e in one.effects)))
    panel.on_frame()
    assert "CLOSING" in panel._diagram.where
    assert ("FIN-WAIT-1", "CLOSING") in panel._diagram.crossed
    assert "CLOSING" in panel.outline()
