"""Other engines and other optimisations on the bench, for real: whatever run is shown when they are asked for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from prayog_sim.trace import Step, Trace
from prayog_writes.engine.real.peers import PEERS, missing
from prayog_writes.engine.real.session import DiskSession
from prayog_writes.measures import MEASURES
from prayog_writes.panels.bars import Bar, BarRow, BarsView


def test_the_same_writes_go_into_every_engine(bench: Any, tmp_path: Path) -> None:
    bench.open("first_write")
    own = bench.page.host.run
    panel = bench.panel("engines")
    assert "RocksDB" in panel._note.text()
    panel._count.setValue(600)
    panel._go.click()
    here = [name for name in PEERS if not missing(name)]
    bench.until(lambda: len(panel._peers) == len(here) and not bench.page.host.run.busy)
    bench.frame()
    assert isinstance(bench.page.host.run, DiskSession)
    assert bench.page.host.run is not own  # the learner's own run is a branch beside it
    assert bench.page.host.run.setup.batch == 100
    assert panel._table.rowCount() == len(here)
    assert all(panel._table.item(line, 1).text().startswith("✓") for line in range(len(here)))
    for name in PEERS:
        if missing(name):
            assert missing(name) in panel._note.text()
    assert "this engine" in panel._bars.accessibleDescription()
    bench.until(lambda: "writes a second on this machine" in panel._note.text())  # it says when it is done
    session = bench.page.host.run
    panel._go.click()
    assert bench.page.host.run is session  # the same knobs: the same session
    panel._sync.setChecked(True)
    panel._count.setValue(100)
    bench.until(lambda: not bench.page.host.run.busy)
    panel._go.click()
    assert bench.page.host.run is not session
    assert bench.page.host.run.setup.options.sync == "always"
    bench.until(lambda: len(panel._peers) == len(here) and not bench.page.host.run.busy)
    panel.exports()["csv"](tmp_path / "peers.csv")
    assert len((tmp_path / "peers.csv").read_text(encoding="utf-8").splitlines()) == len(here) + 1


def test_an_optimisation_shows_its_gain_and_its_price(bench: Any, tmp_path: Path) -> None:
    bench.open("first_write")
    panel = bench.panel("optimising")
    panel._count.setValue(60)
    panel._on.setCurrentText("SQLite")
    for name in ("cache", "index"):
        panel._what.setCurrentIndex(panel._what.findData(name))
        panel._one.click()
    bench.until(lambda: len(panel._found) >= 2 and not bench.page.host.run.busy)
    bench.frame()
    found = [name for name, _ in panel._found]
    assert {"cache", "index"} == set(found)  # each on SQLite, and on PostgreSQL where it is
    assert panel._table.rowCount() == len(found)
    step = next(step for step in bench.trace if step.kind == "experiment" and step.node == "cache")
    assert float(panel._table.item(0, 4).text()[:-2].replace(",", "")) == pytest.approx(step.data["gain"], rel=0.05)
    panel._table.selectRow(0)
    assert step.data["what"] in panel._words.text()
    assert step.data["cost"] in panel._words.text()
    assert "Cache" in panel._bars.accessibleDescription()
    bench.page.driver.seek(step.seq - 1)
    bench.frame()
    assert panel._table.rowCount() == 0  # stepping back takes the result away
    bench.page.driver.last()
    panel.exports()["csv"](tmp_path / "gain.csv")
    rows = list(csv.reader((tmp_path / "gain.csv").read_text(encoding="utf-8").splitlines()))
    assert [row[0] for row in rows] == ["experiment", *found]


def test_bars_say_what_they_show(qtbot: Any) -> None:
    view = BarsView("Times", shared=False)
    qtbot.addWidget(view)
    view.show_rows([BarRow("Batches", (Bar("–", 4.0, "4 ms", -1), Bar("+", 0.0, "0 ms", 0)))])
    view.resize(300, view.sizeHint().height())
    view.grab()
    assert view.accessibleDescription() == "Batches: – 4 ms, + 0 ms"
    assert view.sizeHint().height() >= 2 * view.fontMetrics().height()


def test_what_each_engine_brings_back_is_said_in_words(bench: Any) -> None:
    bench.open("first_write")
    panel = bench.panel("engines")
    fates = [
        ("none", True, 0, 0, True, ""), ("cut", True, 1, 0, True, ""), ("flip", True, 9, 2, False, "it skipped some"),
    ]  # fmt: skip
    panel.on_step(Step(0, 0, "crashed", "leveldb", {"acknowledged": 100}))
    for damage, opens, lost, wrong, prefix, sentence in fates:
        panel.on_step(Step(1, 1, "peer_crash", "leveldb", {
            "damage": damage, "what": damage, "file": "000003.log", "at": None if damage == "none" else 7,
            "opens": opens, "sentence": sentence, "acknowledged": 100, "survived": 100 - lost, "lost": lost,
            "wrong": wrong, "prefix": prefix,
        }))  # fmt: skip
    panel.on_step(Step(2, 2, "peer_crash", "sqlite", {
        "damage": "cut", "what": "cut", "file": "kv.sqlite", "at": 5, "opens": False, "sentence": "malformed",
        "acknowledged": 9, "survived": 0, "lost": 9, "wrong": 0, "prefix": True,
    }))  # fmt: skip
    panel.on_step(Step(3, 3, "absent", "rocksdb", {"sentence": "rocksdb is left out: it is not installed."}))
    panel.on_frame()
    cells = [[panel._fates.item(line, column).text() for column in range(5)] for line in range(2)]
    assert cells == [
        ["LevelDB", "100", "✓ all", "1 lost, a prefix", "9 lost, 2 wrong, with a hole"],
        ["SQLite", "9", "", "✗ does not open", ""],
    ]
    assert "rocksdb is left out" in panel._note.text()
    assert MEASURES["peers_lost"](Trace([
        Step(0, 0, "peer_crash", name, {"damage": damage, "lost": lost})
        for name, damage, lost in (("leveldb", "none", 2), ("leveldb", "cut", 9), ("lmdb", "none", 1))
    ])) == 3  # fmt: skip
    assert MEASURES["peers_lost"](Trace()) is None
    panel._fates.selectRow(0)
    assert (
        "One bit flipped at byte 7 of 000003.log: 9 lost, 2 wrong, with a hole: it skipped some" in panel._words.text()
    )
