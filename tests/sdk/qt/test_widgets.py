"""Small widgets: icons, text, cards, flow, folds and the three states."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAccessible, QColor, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_sdk.qt import icons, markdown, theme
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconButton
from prayog_sdk.qt.state import EmptyState, LoadingState, ProblemCard
from prayog_sdk.qt.text import MarkdownView


def _colours(pixmap):
    image = pixmap.toImage()
    seen = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
            if image.pixelColor(x, y).alpha() == 255}  # fmt: skip
    return seen


def test_an_icon_takes_the_colour_of_the_theme_and_follows_a_change(qtbot, look):
    button = IconButton("stop", "Stop", size=72)
    qtbot.addWidget(button)
    button.show()

    def ink():
        return _colours(button.icon().pixmap(72, 72))

    assert theme.light.text in ink()
    look(theme.dark)
    assert theme.dark.text in ink()
    assert theme.light.text not in ink()


def test_a_disabled_icon_is_faint(qapp):
    from PySide6.QtGui import QIcon

    pixmap = icons.icon("stop", size=72).pixmap(72, 72, QIcon.Mode.Disabled)
    assert theme.light.faint in _colours(pixmap)


def test_icons_are_sharp_on_a_double_density_screen(qapp):
    picture = icons.pixmap("play", scale=2.0)
    assert picture.width() == 36
    assert picture.devicePixelRatio() == 2.0


def test_a_missing_icon_is_a_square_and_a_warning(qapp):
    with pytest.warns(UserWarning, match="no icon 'nonesuch'"):
        assert not icons.icon("nonesuch").isNull()


def test_an_icon_button_has_a_name_and_a_large_enough_target(qtbot):
    button = IconButton("play", "Play")
    qtbot.addWidget(button)
    button.set_title("Play", "Space")
    button.show()
    interface = QAccessible.queryAccessibleInterface(button)
    assert interface.text(QAccessible.Text.Name) == "Play"
    assert button.toolTip() == "Play (Space)"
    assert min(button.width(), button.height()) >= 24


def test_text_links_to_actions_come_as_a_signal(qtbot):
    view = MarkdownView("[kill it](lab:crash?node=n1)")
    qtbot.addWidget(view)
    with qtbot.waitSignal(view.link) as caught:
        view.anchorClicked.emit(QUrl("lab:crash?node=n1"))
    assert caught.args == ["lab:crash?node=n1"]


def test_text_shows_live_numbers_and_lays_out_only_when_they_change(qtbot, monkeypatch):
    view = MarkdownView("After {rounds} rounds, {informed} know; loss {loss}.")
    qtbot.addWidget(view)
    assert view.measures() == {"rounds", "informed", "loss"}
    assert view.toPlainText().strip() == "After — rounds, — know; loss —."
    view.set_values({"rounds": 1234, "informed": True, "loss": 0.5, "other": 1})
    assert view.toPlainText().strip() == "After 1,234 rounds, yes know; loss 0.5."
    monkeypatch.setattr(view, "_render", lambda: pytest.fail("laid out again for nothing"))
    view.set_values({"rounds": 1234, "other": 2})


def test_text_is_as_high_as_its_words(qtbot, look):
    view = MarkdownView("word " * 200)
    qtbot.addWidget(view)
    view.resize(600, 10)
    view.show()
    wide = view.height()
    view.resize(300, view.height())
    assert view.height() > 1.7 * wide
    before = view.height()
    look(theme.light, 200)
    QGuiApplication.processEvents()
    assert view.height() > 1.8 * before


def test_markdown_shows_html_as_text_and_marks_callouts(qapp):
    page = markdown.html("<script>x</script>\n\n> [!MYTH] Notes say\n> it is *always* so\n\n> plain", {})
    assert "&lt;script&gt;" in page
    assert "Notes say" in page
    assert "[!MYTH]" not in page
    assert theme.light.warn_soft in page
    assert page.count("<table") == 2
    assert "<em>always</em>" in page


def test_a_live_number_cannot_smuggle_markup(qapp):
    assert "<b>" not in markdown.html("{name}", {"name": "<b>x</b>"})


def test_a_card_is_a_button(qtbot):
    card = CardButton("Gossip", "How a rumour spreads")
    qtbot.addWidget(card)
    card.body.addWidget(QLabel("Gossip"))
    card.show()
    clicks = []
    card.clicked.connect(lambda: clicks.append(1))
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        QTest.keyClick(card, key)
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert len(clicks) == 3
    interface = QAccessible.queryAccessibleInterface(card)
    assert interface.role() == QAccessible.Role.Button
    assert interface.text(QAccessible.Text.Name) == "Gossip"
    assert interface.text(QAccessible.Text.Description) == "How a rumour spreads"


def test_flow_breaks_lines_and_asks_for_the_height(qtbot):
    page = QWidget()
    flow = FlowLayout(page, 8)
    for i in range(6):
        flow.addWidget(QPushButton(f"Button {i}"))
    qtbot.addWidget(page)
    one = flow.heightForWidth(2000)
    assert flow.heightForWidth(page.sizeHint().width()) >= 6 * one
    page.resize(250, 400)
    page.show()
    tops = {flow.itemAt(i).geometry().top() for i in range(6)}
    assert len(tops) > 1
    assert all(flow.itemAt(i).geometry().right() <= 250 for i in range(6))


def test_flow_of_cards_makes_equal_columns(qtbot):
    page = QWidget()
    flow = FlowLayout(page, 10, stretch=True)
    for i in range(3):
        flow.addWidget(QPushButton("x" * (i + 1)))
    qtbot.addWidget(page)
    page.resize(310, 100)
    page.show()
    assert {flow.itemAt(i).geometry().width() for i in range(3)} == {96}


def test_a_fold_opens_by_keyboard(qtbot):
    inside = QLabel("traceback")
    fold = Fold("Details", inside)
    qtbot.addWidget(fold)
    fold.show()
    assert not inside.isVisible()
    QTest.keyClick(fold._head, Qt.Key.Key_Space)
    assert inside.isVisible()


def test_a_problem_card_copies_its_report_and_offers_ways_on(qtbot):
    card = ProblemCard("Map stopped", "The file ends early.", "Traceback: …", can_disable=True)
    qtbot.addWidget(card)
    card.show()
    buttons = {button.text(): button for button in card.findChildren(QPushButton)}
    with qtbot.waitSignal(card.retry):
        buttons["Try again"].click()
    with qtbot.waitSignal(card.disable):
        buttons["Disable"].click()
    buttons["Copy report"].click()
    assert QGuiApplication.clipboard().text() == "Map stopped\n\nThe file ends early.\n\nTraceback: …"
    assert card.findChild(QLabel, options=Qt.FindChildOption.FindChildrenRecursively) is not None


def test_loading_waits_a_moment_before_it_shows(qtbot):
    page = LoadingState("Building")
    qtbot.addWidget(page)
    page.show()
    assert not page._bar.isVisible()
    qtbot.waitUntil(page._bar.isVisible)
    page.progress(1, 4, "a quarter")
    assert page._bar.value() == 250
    with qtbot.waitSignal(page.cancelled):
        page.findChild(QPushButton).click()


def test_an_empty_state_has_its_actions(qtbot):
    done = []
    page = EmptyState(
        "Nothing here yet", "Start from an example.", icon="canvas", actions=[("Open", lambda: done.append(1))]
    )
    qtbot.addWidget(page)
    page.findChild(QPushButton).click()
    assert done == [1]


def test_widgets_go_away_with_their_parent(qtbot):
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addWidget(MarkdownView("x"))
    layout.addWidget(ProblemCard("a", "b", "c"))
    page.show()
    page.close()
    page.deleteLater()
    QGuiApplication.processEvents()
    del page, layout
    gc.collect()


def test_nothing_is_collected_while_qt_styles_its_widgets(qtbot, look):
    seen = []

    class Told(QWidget):
        def changeEvent(self, event):
            seen.append(gc.isenabled())

    widget = Told()
    qtbot.addWidget(widget)
    look(theme.dark)
    assert seen
    assert not any(seen)
    assert gc.isenabled()


def test_contrast_of_text_on_its_grounds():
    def luminance(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(colour).getRgbF()[:3]]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    def contrast(a, b):
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for look in (theme.light, theme.dark):
        for ground in (look.surface, look.window):
            for ink in (look.text, look.muted, look.accent, look.bad, look.good, look.warn):
                assert contrast(ink, ground) >= 4.5, (look.name, ink, ground)
            assert contrast(look.edge, ground) >= 3, (look.name, ground)
        for ink, ground in ((look.warn, look.warn_soft), (look.good, look.good_soft), (look.bad, look.bad_soft),
                            (look.accent, look.accent_soft), (look.on_accent, look.accent)):  # fmt: skip
            assert contrast(ink, ground) >= 4.5, (look.name, ink, ground)
        for colour in look.cycle:
            assert contrast(colour, look.surface) >= 3, (look.name, colour)
