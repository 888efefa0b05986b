"""Type rules on the page Schema: what became of which type, and a rule of the learner's own for all of one."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.assess_page import AssessPage
from prayog_migration.panels.schema_page import SchemaPage
from prayog_migration.panels.types_view import TypesView

from .told import START, Events, Told


def column(name: str, written: str, becomes: str) -> list[Any]:
    return [name, written, becomes, "quarantine", {}, 0, []]


def looked_at() -> Events:
    orders = [column("id", "INTEGER", "bigint"), column("note", "TEXT", "text"), column("old", "TEXT", "bytea")]
    return Events(
        START,
        ("profiled", "orders", {"rows": 3, "complete": True, "columns": orders}),
        ("profiled", "stock", {"rows": 3, "complete": True, "columns": [column("id", "INTEGER", "bigint")]}),
    )


def lines(view: TypesView) -> list[list[str]]:
    cells = view._pairs
    return [[cells.item(row, at).text() for at in range(5)] for row in range(cells.rowCount())]  # type: ignore[union-attr]


def test_each_pair_of_types_is_a_line_and_says_whose_rule_it_was(qtbot: QtBot) -> None:
    given: dict[str, Any] = {"types": [["orders.old", "bytea"]], "rules": [["int*", "bigint"]]}
    view = TypesView(Told(), lambda: given)
    qtbot.addWidget(view)
    view.draw(looked_at().course)
    assert lines(view) == [
        ["INTEGER", "bigint", "2", "orders.id, stock.id", "yours"],
        ["TEXT", "bytea", "1", "orders.old", "this column only"],
        ["TEXT", "text", "1", "orders.note", "the lab’s"],
    ]


def test_a_rule_is_kept_beside_the_other_decisions_and_can_be_taken_back(qtbot: QtBot) -> None:
    told, given = Told(), {"policies": [["orders.note", "cut"]], "rules": [["TEXT", "xml"], ["DATE", "text"]]}
    view = TypesView(told, lambda: given)
    qtbot.addWidget(view)
    events = looked_at()
    view.draw(events.course)
    view._keep.click()
    assert "needs both" in told.said[-1]
    view._written.setEditText("TEXT")
    view._type.setText("varchar(400)")
    view._keep.click()
    view._mine.setCurrentText("DATE → text")
    view._remove.click()
    asked = [json.loads(knobs["choices"]) for _, knobs in told.acts]
    assert [one["rules"] for one in asked] == [[["TEXT", "varchar(400)"], ["DATE", "text"]], [["TEXT", "xml"]]]
    assert all(one["policies"] == given["policies"] for one in asked)


def test_once_the_tables_are_made_no_rule_changes(qtbot: QtBot) -> None:
    told = Told()
    view = TypesView(told, dict)
    qtbot.addWidget(view)
    events = looked_at()
    events.add("step", "schema", phase="done", sentence="", facts={"tables_made": True})
    view.draw(events.course)
    assert not view._keep.isEnabled()
    assert "Schema back first" in view.words()
    view._type.setText("xml")
    view._type.returnPressed.emit()
    assert not told.acts


def test_a_table_is_left_out_and_brought_back_beside_the_rules(qtbot: QtBot) -> None:
    told = Told()
    pages = [AssessPage(told), SchemaPage(told)]
    given = {"rules": [["TEXT", "xml"]], "left_out": ["reviews"]}
    for page in pages:
        qtbot.addWidget(page)
        page.show_setup(Setup(choices=json.dumps(given)))
        page.draw(looked_at().course)
    buttons = {button.text(): button for button in pages[0].findChildren(QPushButton)}
    buttons["Leave this table out"].click()
    buttons["Bring all back"].click()
    asked = [json.loads(knobs["choices"]) for _, knobs in told.acts]
    assert asked == [{**given, "left_out": ["reviews", "orders"]}, {**given, "left_out": []}]
