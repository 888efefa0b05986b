"""The log byte by byte: what each byte is, cutting and flipping any of them, and which writes each mode brings back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from prayog_sim.run import Action
from prayog_writes.engine.batch import HEAD, body_of
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.log import BLOCK, LogWriter, Record, records
from prayog_writes.engine.options import MODES
from prayog_writes.engine.study import Study
from prayog_writes.panels.logmap import fates, part_at, parts
from prayog_writes.topic import Params, setup_of


def log_of(sizes: list[int]) -> bytes:
    files = MemoryFiles()
    sink = files.create("000001.log")
    writer = LogWriter(sink)
    for number, size in enumerate(sizes, 1):
        writer.add(HEAD.pack(number, 1) + body_of([(b"k%03d" % number, b"v" * size)]))
    sink.close()
    return files.read("000001.log")


@given(st.lists(st.sampled_from([0, 5, 900, 9_000, BLOCK - 40, BLOCK, 70_000]), min_size=1, max_size=8))
def test_every_byte_of_a_good_log_has_its_role(sizes: list[int]) -> None:
    data = log_of(sizes)
    found = parts(data)
    assert [part.start for part in found] == [0, *(part.end for part in found)][:-1]
    assert found[-1].end == len(data)
    assert {part.role for part in found} <= {"checksum", "length", "type", "sequence", "count", "writes", "padding"}
    for number, record in enumerate(item for item in records(data) if isinstance(item, Record)):
        part = part_at(found, record.start)
        if part is not None and part.role == "padding":  # a record may begin behind the rest of a block
            part = part_at(found, part.end)
        assert part is not None
        assert (part.role, part.record) == ("checksum", number)
        count = next(p for p in found if p.record == number and p.role == "sequence")
        assert int.from_bytes(data[count.start : count.end], "little") == number + 1 or count.end - count.start < 8


@given(st.lists(st.sampled_from([5, 900, 9_000, 40_000]), min_size=1, max_size=6), st.data())
def test_what_the_engine_cannot_read_is_broken(sizes: list[int], draw: st.DataObject) -> None:
    data = bytearray(log_of(sizes))
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    cut = bytes(data[: draw.draw(st.integers(at + 1, len(data)))])
    found = parts(cut)
    assert found[-1].end == len(cut)
    for record in (item for item in records(cut) if isinstance(item, Record)):
        assert all(p.role != "broken" for p in found if record.start <= p.start and p.end <= record.end)
    part = part_at(found, at)
    assert part is not None
    assert part.role == "broken"
    assert part_at(found, len(cut)) is None


def do(run: Study, name: str, **args: Any) -> Mapping[str, Any]:
    run.do(Action(name, args))
    while run.step() is not None:
        pass
    return run.view().facts


@pytest.mark.parametrize("damage", [("cut_wal", {"at": -3}), ("flip_byte", {"file": "log", "at": 70_000, "bit": 0})])
def test_the_fate_of_each_write_is_what_reopening_brings_back(damage: tuple[str, dict[str, Any]]) -> None:
    """What the table says of a mode is compared with a database that was opened in it."""

    def broken() -> tuple[Study, Mapping[str, Any]]:
        run = Study(setup_of(Params(memtable_kib=1024, value_size=1_900), "manual"), 3)
        for n in range(60):
            do(run, "put", key=f"k{n:02d}", value="x" * 1_900)
        do(run, "crash")
        return run, do(run, damage[0], **damage[1])

    run, facts = broken()
    modes = do(run, "try_modes")["modes"]
    table = fates(facts["wal_left"]["records"], facts["wal"], {mode: modes[mode] for mode in MODES})
    assert len(table) == 60
    assert {row[0] for row in table} >= {"whole"}
    for column, mode in enumerate(MODES, 1):
        other, _ = broken()
        opened = do(other, "reopen", mode=mode)["open"]
        for n, row in enumerate(table):
            if not opened:
                assert row[column] == "–"
            else:
                assert other.db is not None
                assert (row[column] == "✓") == (other.db.get(b"k%02d" % n) is not None), (mode, n)


def test_any_byte_can_be_flipped_and_cut_on_the_bench(bench: Any, qtbot: QtBot) -> None:
    bench.open("first_write")
    for n in range(6):
        bench.page.do(Action("put", {"key": f"upi{n}", "value": "paid"}))
    bench.play()
    panel = bench.panel("log")
    assert "kill it, or pull the plug" in panel._note.text()
    assert not panel._buttons["cut"].isEnabled()
    panel._buttons["crash"].click()
    bench.play()
    wal = bench.page.host.view().facts["wal"]
    assert panel._data[: wal["bytes"]] == panel._hex.data
    assert panel._records.rowCount() == len(wal["records"])
    panel._hex.setFocus()
    qtbot.keyClick(panel._hex, Qt.Key.Key_Home)
    for _ in range(4):
        qtbot.keyClick(panel._hex, Qt.Key.Key_Right)
    assert panel._hex.chosen == 4
    assert "length of what follows" in panel._byte.text()
    assert panel._byte.text() == panel._hex.accessibleDescription()
    value = panel._data[4]
    bit = panel._bits[7]
    assert bit.text() == str(value & 1)
    bit.click()  # the lowest bit
    bench.play()
    assert panel._data[4] == value ^ 1
    assert bit.text() == str(value & 1 ^ 1)
    assert "cannot be read" in panel._byte.text()
    bit.click()  # and back
    bench.play()
    assert "Every checksum is right" in panel._note.text()
    record = wal["records"][-1]
    panel._hex.choose(record["end"] - 2)
    panel._buttons["cut"].click()
    bench.play()
    assert len(panel._data) == record["end"] - 2
    panel._buttons["try"].click()
    bench.play()
    last = [panel._records.item(panel._records.rowCount() - 1, column).text() for column in range(6)]
    assert last[1:] == ["✗", "–", "✗", "✗", "cut off"]
    told = next(step.data["acknowledged"] for step in bench.trace if step.kind == "down")
    assert f"T tolerate corrupted tail: {told - 1} of {told} · A absolute consistency: refuses" in panel._sums.text()
    assert "refuses" in panel.outline()
    panel._mode.setCurrentText("absolute consistency")
    panel._buttons["open"].click()
    bench.play()
    assert "opens no database" in panel._note.text()
    panel._mode.setCurrentText("point in time")
    panel._buttons["open"].click()
    bench.play()
    assert f"{told - 1} of {told} acknowledged writes survived, 1 are lost" in panel._note.text()


def test_a_record_and_its_bytes_are_found_by_each_other(bench: Any, qtbot: QtBot) -> None:
    bench.open("wal_lab")
    bench.play()
    panel = bench.panel("log")
    bench.page.driver.seek([step.seq for step in bench.trace if step.kind == "mode"][-1])
    bench.frame()
    panel._records.selectRow(3)
    record = bench.page.host.view().facts["wal_left"]["records"][3]
    assert panel._hex.chosen == record["start"]
    view = panel._hex
    view.choose(0)
    cell = view.cell(9)
    qtbot.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(cell.center().x()), round(cell.center().y()))
    )
    assert view.chosen == 9


def test_a_long_log_is_listed_around_the_chosen_byte(bench: Any) -> None:
    bench.open("first_write")
    bench.page.set_params({"memtable_kib": 256, "value_size": 40, "sync_ms": 0.0})
    bench.until(lambda: bench.page.host.params.value_size == 40)
    bench.page.do(Action("run_workload", {"workload": "random", "count": 1_500}))
    bench.play()
    bench.page.do(Action("crash"))
    bench.play()
    panel = bench.panel("log")
    wal = bench.page.host.view().facts["wal"]
    assert wal["total"] > 1_000
    assert panel._records.rowCount() == 300
    record = wal["records"][1_000]
    panel._hex.choose(record["start"])
    starts = [panel._records.item(line, 0).text() for line in range(300)]
    assert f"{record['start']:,}" in starts
