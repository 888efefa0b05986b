"""What every panel can count on: it is told of runs while it is on a bench; and the table that panels share."""

from __future__ import annotations

import pytest
from fakebench import FakeBench, world
from PySide6.QtCore import Qt

from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.texttable import TextTable


class Counting(Panel):
    def __init__(self):
        self.runs = []
        super().__init__()

    def on_run(self, bench):
        self.runs.append(bench.run)


@pytest.fixture
def bench(qapp):
    bench = FakeBench(world())
    yield bench
    bench.close()


def test_a_panel_hears_of_every_run_while_it_is_on_the_bench(bench, qtbot):
    panel = Counting()
    qtbot.addWidget(panel)
    bench.show(panel)
    assert panel.runs == [bench.run]
    second = world()
    bench.change_run(second)
    assert panel.runs[1:] == [second]
    panel.unbind()
    bench.change_run(world())
    assert len(panel.runs) == 2


def test_numbers_and_what_stands_out_follow_the_heads(qtbot):
    table = TextTable("Counters", ("name", "here"), numbers=(1,))
    qtbot.addWidget(table)
    table.show_rows([("messages", "7"), ("rounds", "2")], strong=(1,))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    assert table.item(0, 1).textAlignment() == right == table.horizontalHeaderItem(1).textAlignment()
    assert [table.item(line, 0).font().bold() for line in (0, 1)] == [False, True]
    table.set_heads(("name", "here", "why"), numbers=(2,))
    table.show_rows([("messages", "7", "because")])
    assert table.item(0, 1).textAlignment() != right
    assert table.rowCount() == 1


def test_a_wrapped_column_leaves_room_for_the_others(qtbot):
    table = TextTable("Counters", ("name", "here"), numbers=(1,), wrapped=0)
    qtbot.addWidget(table)
    table.resize(260, 300)
    table.show()
    table.show_rows([("a name that is much too long for a narrow table " * 3, "7"), ("short", "8")])
    assert table.horizontalHeader().length() <= table.viewport().width()
    assert table.rowHeight(0) > table.rowHeight(1)


def test_a_table_on_the_screen_measures_its_columns_once_not_for_every_cell(qtbot, monkeypatch):
    table = TextTable("Records", ("bytes", "first write"))
    qtbot.addWidget(table)
    table.resize(500, 200)
    table.show()
    rows = [[f"{n}", f"put k{n}"] for n in range(200)]
    table.show_rows(rows)
    qtbot.wait(20)
    asked = []
    monkeypatch.setattr(table, "sizeHintForColumn", lambda column: asked.append(column) or 40)
    rows[150] = ["150", "delete asha, who has gone away"]
    table.show_rows(rows)
    qtbot.wait(20)
    assert [table.item(line, 1).text() for line in (149, 150)] == ["put k149", "delete asha, who has gone away"]
    assert len(asked) < 20
    item = table.item(3, 0)
    table.show_rows([*rows, ["200", "put k200"]])
    assert table.item(3, 0) is item  # what is the same stays as it is
    assert table.rowCount() == 201
