"""The form: same judge as flags and files, one pause, resets, and room in a narrow sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QScrollArea, QSlider, QWidget

from prayog_sdk.params import Choice, FilePath, Section, Slider, Text, Toggle
from prayog_sdk.qt import controls, theme
from prayog_sdk.qt.form import ParamsForm


@dataclass(frozen=True)
class Knobs:
    nodes: Annotated[int, Slider(2, 50, title="Nodes", help="How many take part.")] = 5
    loss: Annotated[float, Slider(0.0, 1.0, step=0.01, unit="share")] = 0.1
    places: Annotated[int, Slider(1, 10_000_000, unit="places", log=True)] = 170_000
    variant: Annotated[str, Choice("correct", "forgets the rumour after every crash")] = "correct"
    notes: Annotated[bool, Toggle("Note every guard that was looked at")] = False
    label: Annotated[str, Text("Name", longest=8)] = "Monday"
    file: Annotated[str, FilePath(("csv",))] = ""


@pytest.fixture
def form(qtbot):
    form = ParamsForm(Knobs)
    qtbot.addWidget(form)
    form.resize(320, 800)
    form.show()
    return form


def _control(form, name, kind):
    return form._rows[name].findChild(kind)


def test_every_marker_has_its_control_and_its_default(form):
    assert form.values() == {
        "nodes": 5, "loss": 0.1, "places": 170_000, "variant": "correct", "notes": False, "label": "Monday", "file": "",
    }  # fmt: skip
    assert _control(form, "nodes", QDoubleSpinBox).text() == "5"
    assert _control(form, "places", QDoubleSpinBox).text() == "170,000"
    assert _control(form, "variant", QComboBox).count() == 2
    assert not _control(form, "notes", QCheckBox).isChecked()


def test_dragging_a_slider_tells_once_after_a_pause(form, qtbot):
    told = []
    form.edited.connect(told.append)
    slider = _control(form, "nodes", QSlider)
    for value in range(1, 9):
        slider.setValue(value)
    assert not told
    qtbot.waitUntil(lambda: told != [])
    qtbot.wait(350)
    assert [values["nodes"] for values in told] == [10]
    assert isinstance(told[0]["nodes"], int)


def test_a_number_out_of_range_is_answered_beside_the_field(form, qtbot):
    told = []
    form.edited.connect(told.append)
    box = _control(form, "nodes", QDoubleSpinBox)
    box.setFocus()
    box.lineEdit().selectAll()
    QTest.keyClicks(box.lineEdit(), "99")
    sentence = "Nodes is a whole number from 2 to 50; found '99'"
    assert sentence in [label.text() for label in form._rows["nodes"].findChildren(QLabel) if label.isVisible()]
    form.flush()
    assert told == []  # nothing runs with a wrong knob
    box.lineEdit().selectAll()
    QTest.keyClicks(box.lineEdit(), "9")
    assert form.errors() == {}
    form.flush()
    assert told[-1]["nodes"] == 9


def test_text_longer_than_allowed(form):
    edit = _control(form, "label", QLineEdit)
    edit.setFocus()
    QTest.keyClicks(edit, " and more")
    assert "at most 8 characters" in form.errors()["label"]
    assert form.values()["label"] in "Monday and more"


def test_one_reset_and_all_resets(form, qtbot):
    form.set_values({"nodes": 9, "loss": 0.5})
    undo = form._rows["nodes"]._undo
    assert undo.isVisible()
    assert undo.accessibleName() == "Reset Nodes to 5"
    with qtbot.waitSignal(form.edited) as caught:
        undo.click()
    assert caught.args[0]["nodes"] == 5
    assert not undo.isVisible()
    with qtbot.waitSignal(form.edited) as caught:
        form._reset.click()
    assert caught.args[0]["loss"] == 0.1
    assert not form._reset.isEnabled()


def test_setting_values_tells_nobody(form, qtbot):
    told = []
    form.edited.connect(told.append)
    form.set_values({"nodes": 7, "notes": True, "variant": "forgets the rumour after every crash", "label": "Tue"})
    qtbot.wait(350)
    assert told == []
    assert form.values()["notes"] is True


def test_a_wheel_over_a_control_without_focus_scrolls_the_page(form):
    slider = _control(form, "loss", QSlider)
    _control(form, "label", QLineEdit).setFocus()
    wheel = QWheelEvent(
        QPointF(5, 5), slider.mapToGlobal(QPointF(5, 5)), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QGuiApplication.sendEvent(slider, wheel)
    assert form.values()["loss"] == 0.1
    assert wheel.type() == QEvent.Type.Wheel


@pytest.mark.parametrize("percent", [100, 200])
def test_a_sidebar_of_280_pixels_is_wide_enough(qtbot, look, percent):
    look(theme.light, percent)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(ParamsForm(Knobs))
    qtbot.addWidget(area)
    area.resize(280, 600)
    area.show()
    QGuiApplication.processEvents()
    assert area.horizontalScrollBar().maximum() == 0


def test_everything_that_takes_the_focus_has_a_name(form):
    for widget in form.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.focusProxy() is None:
            named = widget.accessibleName() or getattr(widget, "text", str)()
            assert named or isinstance(widget.parent(), QDoubleSpinBox), widget


@given(st.data())
def test_slider_positions_give_allowed_numbers_and_come_back(qapp, data):
    low = data.draw(st.sampled_from([0, 1, 10, 0.001, 0.0]))
    high = low + data.draw(st.sampled_from([1, 9, 1000, 1_000_000]))
    log = data.draw(st.booleans())
    parent = QWidget()
    number = controls._Number(Slider(low, high, step=(high - low) / 100, log=log), False, parent)
    last = -1.0
    for position in range(0, number._last + 1, max(1, number._last // 20)):
        value = number._value(position)
        assert low <= value <= high
        assert value >= last
        last = value
    assert number._value(0) == low
    assert number._value(number._last) == high
    assert number._position(low) == 0
    assert number._position(high) == number._last


@dataclass(frozen=True)
class Parted:
    nodes: Annotated[int, Slider(2, 50)] = 5
    loss: Annotated[float, Slider(0.0, 1.0), Section("Network")] = 0.0
    delay: Annotated[int, Slider(0, 50)] = 1
    crash: Annotated[bool, Toggle("Crash"), Section("Faults")] = False


def test_parts_of_a_long_form_fold_and_one_with_a_changed_knob_is_open(qtbot):
    form = ParamsForm(Parted)
    qtbot.addWidget(form)
    form.resize(320, 800)
    form.show()
    shown = [name for name, row in form._rows.items() if row.isVisible()]
    assert shown == ["nodes"]
    form.set_values({"nodes": 7, "delay": 9})
    assert [name for name, row in form._rows.items() if row.isVisible()] == ["nodes", "loss", "delay"]
    assert [fold._head.text() for _, fold, _ in form._parts] == ["Network (1 changed)", "Faults"]
    form.set_values({"delay": 1})
    assert form._parts[0][1]._head.text() == "Network"
    assert form._rows["delay"].isVisible()  # what is open is not closed under somebody's hands
