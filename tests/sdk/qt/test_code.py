"""The editor, the panel around it, and what becomes of the learner's text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from fakebench import FakeBench, world
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget

from prayog_sdk.checks import Verdict
from prayog_sdk.code.draft import Draft, Trusted
from prayog_sdk.code.told import rows
from prayog_sdk.grading import ChallengeResult, SeedResult
from prayog_sdk.qt import theme
from prayog_sdk.qt.codeedit import CodeEdit
from prayog_sdk.qt.codepanel import CodePanel
from prayog_sdk.qt.codetrial import CodeTrial
from prayog_sdk.specs import CodeSpec
from prayog_sim.trace import Effect, Step

STARTER = "def double(n):\n    return n + 2\n"
SPEC = CodeSpec("double", "code", "Double it", "Return twice the number.", STARTER)


@pytest.fixture
def edit(qtbot):
    made = CodeEdit("Your function")
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    made.setFocus()
    return made


@pytest.fixture
def bench(qtbot, tmp_path):
    made = FakeBench(world(), tmp_path)
    made.code = SPEC
    made.params = SimpleNamespace(code="")
    yield made
    made.close()


@pytest.fixture
def panel(qtbot, bench):
    made = CodePanel()
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    bench.show(made)
    return made


def told(bench, panel, *effects):
    """The next step of the run told this."""
    step = Step(len(bench.trace), 5, "timer", "n1", {}, -1, tuple(Effect(kind, data) for kind, data in effects))
    bench.trace.append(step)
    panel.on_step(step)
    panel.on_frame()


# -- the editor ------------------------------------------------------------------------------------------------------


def test_tab_and_shift_tab_indent_lines_by_four(qtbot, edit) -> None:
    edit.load("if x:\ny = 1\nz = 2\n")
    edit.go_to(2)
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.text().splitlines()[1] == "    y = 1"
    qtbot.keyClick(edit, Qt.Key.Key_Backtab)
    edit.selectAll()
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.text() == "    if x:\n    y = 1\n    z = 2\n"
    edit.undo()
    assert edit.text() == "if x:\ny = 1\nz = 2\n"


def test_a_new_line_keeps_the_indentation_and_a_colon_adds_to_it(qtbot, edit) -> None:
    edit.load("def f(n):")
    edit.moveCursor(edit.textCursor().MoveOperation.End)
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    qtbot.keyClicks(edit, "return n")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == "def f(n):\n    return n\n    "
    qtbot.keyClick(edit, Qt.Key.Key_Backspace)
    assert edit.text() == "def f(n):\n    return n\n"


def test_escape_and_then_tab_leaves_the_editor_both_ways(qtbot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    column = QVBoxLayout(page)
    before, edit, after = QLineEdit(), CodeEdit("Your function"), QLineEdit()
    for widget in (before, edit, after):
        column.addWidget(widget)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    for key, target in ((Qt.Key.Key_Tab, after), (Qt.Key.Key_Backtab, before)):
        edit.load("x")
        edit.setFocus()
        qtbot.waitUntil(edit.hasFocus)
        qtbot.keyClick(edit, key)
        assert edit.hasFocus()
        edit.load("x")
        hints: list[bool] = []
        edit.leaving.connect(hints.append)
        qtbot.keyClick(edit, Qt.Key.Key_Escape)
        assert hints == [True]
        qtbot.keyClick(QApplication.focusWidget(), key)
        qtbot.waitUntil(target.hasFocus)
        assert edit.text() == "x"
        edit.leaving.disconnect(hints.append)
    edit.setFocus()
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    qtbot.keyClicks(edit, "y")  # thought better of it
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.hasFocus()


def test_a_mark_is_a_ground_and_a_sentence_and_is_drawn_beside_its_number(edit) -> None:
    edit.load("a = 1\nb = 1 / 0\n")
    edit.set_marks({2: "Line 2: division by zero."})
    assert (edit.mark(1), edit.mark(2)) == ("", "Line 2: division by zero.")
    picture = edit.grab().toImage()
    middle = round(edit.fontMetrics().lineSpacing() * 1.5) + 8
    seen = {picture.pixelColor(x, y).name() for x in range(4, 40) for y in range(middle - 6, middle + 6)}
    assert theme.current().bad in seen


def test_python_is_coloured_over_lines_that_belong_together(edit) -> None:
    edit.load('def f(n):\n    """One\n    two"""\n    return "x" + 1  # why\n')
    colours = theme.current()

    def at(line: int, place: int) -> str:
        formats = edit.document().findBlockByNumber(line).layout().formats()
        return next(
            (f.format.foreground().color().name() for f in formats if f.start <= place < f.start + f.length), ""
        )

    assert at(0, 0) == colours.accent
    assert at(1, 6) == at(2, 6) == at(3, 12) == colours.good
    assert at(3, 5) == colours.accent
    assert at(3, 17) == colours.warn
    assert at(3, 21) == colours.muted


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_a_text_is_kept_whole_and_what_is_replaced_lies_beside_it(tmp_path: Path) -> None:
    draft = Draft(tmp_path, "double", STARTER)
    assert draft.read() == STARTER
    draft.write("mine")
    assert Draft(tmp_path, "double", STARTER).read() == "mine"
    draft.replace(STARTER)
    assert draft.read() == STARTER
    assert (tmp_path / "code" / "double.before.py").read_text() == "mine"
    assert not list(tmp_path.glob("code/*.part"))


def test_a_folder_that_takes_nothing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "code").write_text("a file is in the way")
    draft = Draft(tmp_path, "double", STARTER)
    draft.write("mine")
    assert "could not be kept" in draft.problem
    assert draft.read() == STARTER
    Trusted(tmp_path).add("x")
    assert "x" not in Trusted(tmp_path)


def test_what_was_run_here_is_known_again(tmp_path: Path) -> None:
    assert STARTER not in Trusted(tmp_path)
    Trusted(tmp_path).add(STARTER)
    assert STARTER in Trusted(tmp_path)
    assert STARTER + " " not in Trusted(tmp_path)


def test_what_was_told_is_read_from_the_trace_and_equal_mistakes_once() -> None:
    said = ("printed", {"line": 2, "text": "hello"})
    wrong = ("code_error", {"line": 3, "sentence": "Line 3: no.", "what": "error"})
    steps = [Step(seq, 0, "timer", "n1", {}, -1, (Effect(*said), Effect(*wrong))) for seq in range(3)]
    steps.append(Step(3, 0, "code_error", "", {"line": 3, "sentence": "Line 3: no.", "what": "error"}))
    found = rows(steps)
    assert [(row.at, row.line, row.wrong) for row in found] == [
        (0, 2, False),
        (0, 3, True),
        (1, 2, False),
        (2, 2, False),
    ]


# -- the panel -------------------------------------------------------------------------------------------------------


def test_the_panel_shows_the_first_text_and_keeps_what_is_written(qtbot, bench, panel, tmp_path) -> None:
    assert panel.edit.text() == STARTER
    assert bench.draft == STARTER
    panel.edit.exchange("def double(n):\n    return 2 * n\n")
    assert bench.draft == panel.edit.text()
    qtbot.waitUntil((tmp_path / "code" / "double.py").exists)
    again = CodePanel()
    qtbot.addWidget(again)
    bench.show(again)
    assert again.edit.text() == "def double(n):\n    return 2 * n\n"


def test_the_text_is_kept_when_the_panel_goes_at_once(qtbot, bench, tmp_path) -> None:
    panel = CodePanel()
    qtbot.addWidget(panel)
    bench.show(panel)
    panel.edit.exchange("mine")
    panel.unbind()
    assert (tmp_path / "code" / "double.py").read_text() == "mine"
    assert bench.draft is None
    bench.panels.clear()


def test_run_puts_the_text_on_the_bench_also_by_key(qtbot, bench, panel) -> None:
    panel.edit.exchange("def double(n):\n    return 2 * n\n")
    qtbot.keyClick(panel.edit, Qt.Key.Key_F5)
    next(b for b in panel.findChildren(QPushButton) if b.text() == "Run").click()
    assert bench.ran == [panel.edit.text()] * 2


def test_mistakes_stand_at_their_line_while_the_text_is_that_of_the_run(bench, panel) -> None:
    told(bench, panel, ("printed", {"line": 1, "text": "hello"}),
         ("code_error", {"line": 2, "sentence": "Line 2: no.", "what": "error"}))  # fmt: skip
    assert panel.edit.mark(2) == "Line 2: no."
    assert "Line 2: no." in panel.outline()
    panel.edit.exchange(STARTER + "# changed\n")
    assert panel.edit.mark(2) == ""
    assert "Not run yet" in panel.outline()
    panel._told.cellActivated.emit(1, 0)
    assert bench.sought == [len(bench.trace) - 1]


def test_going_back_shows_what_was_told_until_then(bench, panel) -> None:
    bench.step(3)
    told(bench, panel, ("code_error", {"line": 2, "sentence": "Line 2: no.", "what": "error"}))
    bench.seek(1)
    bench.frame()
    assert panel.edit.mark(2) == ""
    bench.seek(len(bench.trace) - 2)
    bench.frame()
    assert panel.edit.mark(2) == ""


def test_reset_asks_first_and_can_be_taken_back(bench, panel, tmp_path) -> None:
    def press(text: str) -> None:
        next(b for b in panel.findChildren(QPushButton) if b.text() == text and b.isVisibleTo(panel)).click()

    panel.edit.exchange("mine")
    press("Reset…")
    press("Keep mine")
    assert panel.edit.text() == "mine"
    press("Reset…")
    press("Reset")
    assert panel.edit.text() == STARTER
    assert (tmp_path / "code" / "double.before.py").read_text() == "mine"
    press("Undo")
    assert panel.edit.text() == "mine"


def test_the_code_of_somebody_elses_run_is_shown_when_it_is_asked_for(bench, panel) -> None:
    def theirs() -> bool:
        return panel._theirs.isVisibleTo(panel)

    panel.edit.exchange("mine")
    assert not theirs()
    bench.params = SimpleNamespace(code="def double(n):\n    return n + n\n")
    bench.change_run(bench.run)
    bench.frame()
    assert theirs()
    panel._theirs.click()
    assert panel.edit.text() == "def double(n):\n    return n + n\n"
    panel.edit.undo()
    assert panel.edit.text() == "mine"


def test_where_there_is_nothing_to_write_the_panel_says_so(bench, panel) -> None:
    bench.code = None
    bench.change_run(bench.run)
    assert "nothing to write" in panel.outline()


def test_the_trial_shows_every_seed_and_opens_one_by_key(qtbot) -> None:
    trial = CodeTrial()
    qtbot.addWidget(trial)
    trial.resize(300, 120)
    asked: list[SeedResult] = []
    trial.seed_asked.connect(asked.append)
    wrong = SeedResult(2, (("ran", Verdict(False, "it did not", 4)),), at=4)
    trial.show_result(
        ChallengeResult(False, "Holds on 1 of 2 seeds. On seed 2: it did not", (SeedResult(1), wrong)), [1, 2, 3]
    )
    trial.show()
    assert "On seed 2" in trial.outline()
    squares = trial._squares
    assert squares.accessibleDescription() == "seed 2: it did not"
    squares.setFocus()
    qtbot.keyClick(squares, Qt.Key.Key_Return)
    qtbot.keyClick(squares, Qt.Key.Key_Right)
    assert squares.accessibleDescription() == "seed 3 was not tried"
    next(b for b in trial.findChildren(QPushButton) if b.text() == "Show seed 2").click()
    assert asked == [wrong, wrong]
    picture = squares.grab().toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
    assert {theme.current().good, theme.current().bad} <= colours


def test_everything_fits_at_twice_the_text(qtbot, bench, panel) -> None:
    theme.apply(QApplication.instance(), theme.dark, 200)
    try:
        panel.on_theme()
        panel.resize(640, 420)
        qtbot.wait(20)
        assert panel.edit.height() >= 8 * panel.edit.fontMetrics().lineSpacing()
        assert panel.edit.width() <= panel.width()
    finally:
        theme.apply(QApplication.instance(), theme.light, 100)
