"""The real components: what is here, what is missing, and a way to start, stop or name one.

An address may hold a password, so it stays in memory; only an address without one is kept in the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.page import Page
from prayog.ui.pieces import button, chip, column, flow, heading, overline, row, text
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.services import Services, ServiceState

__all__ = ["ServiceCard", "ServicesPage", "has_password"]


def has_password(url: str) -> bool:
    """The address must not be written anywhere."""
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False


class ServiceCard(Surface):
    """One service.  `show_state` paints what a probe found."""

    def __init__(self, desk: Desk, name: str) -> None:
        from prayog_sdk.services.urls import KINDS

        super().__init__(margin=3 * theme.UNIT)
        self.desk, self.name = desk, name
        title = KINDS[name].title if name in KINDS else name  # until a probe knows more
        self.state: ServiceState | None = None
        self._icon = IconLabel("services", role="muted", size=22)
        self._title = heading(title, 1)
        self._chip = chip("")
        self._chip.hide()
        self._sentence = text(self.tr("Looking…"), "muted")
        self._version = overline("")
        head = row(self._icon, gap=12)
        head.addWidget(self._title, 1)
        head.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignTop)
        self.start = button(self.tr("Start"), "", "play")
        self.stop = button(self.tr("Stop"), "", "stop")
        self.again = button(self.tr("Check again"))
        self.start.clicked.connect(lambda: self._work(_start, self.tr("{0} runs.")))
        self.stop.clicked.connect(lambda: self._work(_stop, self.tr("{0} is stopped.")))
        self.again.clicked.connect(self.check)
        self.url = QLineEdit()
        self.url.setAccessibleName(self.tr("Address of {0}").format(title))
        self.url.setPlaceholderText("scheme://user@127.0.0.1:port/name")
        self.url.returnPressed.connect(self.use)
        use = button(self.tr("Use it"))
        use.clicked.connect(self.use)
        back = button(self.tr("Forget it"), "link")
        back.clicked.connect(self.forget)
        self._problem: QLabel = text("", "bad")
        self._problem.hide()
        inside = QWidget()
        note = self.tr("An address with a password is kept until the lab closes, and never written down.")
        inside.setLayout(column(self.url, self._problem, overline(note), flow(use, back, gap=16)))
        self.body.addLayout(head)
        self.body.addWidget(self._sentence)
        self.body.addWidget(self._version)
        self.body.addLayout(flow(self.start, self.stop, self.again))
        self.body.addWidget(Fold(self.tr("Another one, by address"), inside))
        self.body.addStretch(1)
        for each in (self.start, self.stop):
            each.hide()

    def show_state(self, state: ServiceState) -> None:
        """Paint `state`."""
        self.state = state
        words, tone, role = {
            "running": (self.tr("✓ Running"), "good", "good"),
            "ready": (self.tr("✓ Found"), "good", "good"),
            "missing": (self.tr("Missing"), "", "muted"),
            "failed": (self.tr("Failed"), "bad", "bad"),
        }[state.status]
        self._title.setText(state.title)
        self._icon.set_icon("services", role)
        self._chip.setProperty("tone", tone)
        self._chip.style().unpolish(self._chip)
        self._chip.style().polish(self._chip)
        self._chip.setText(words)
        self._chip.show()
        self._chip.updateGeometry()
        self._sentence.setText(" ".join(part for part in (state.sentence, state.way_forward) if part))
        self._version.setText(self.tr("Version {0}").format(state.version))
        self._version.setVisible(bool(state.version))
        self.start.setVisible(state.status == "ready")
        self.stop.setVisible(state.can_stop)
        self.setAccessibleName(f"{state.title}: {words}")
        self.setAccessibleDescription(self._sentence.text())

    def check(self) -> None:
        """Look again."""
        self._chip.setText(self.tr("Looking…"))
        self.desk.probe([self.name])

    def use(self) -> None:
        """Use the address in the field from now on."""
        url = self.url.text().strip()
        try:
            self.desk.services.set_url(self.name, url)
        except ValueError as error:
            self._problem.setText(str(error))
            self._problem.show()
            return
        self._problem.hide()
        if not has_password(url):
            self.desk.change(services={**self.desk.settings.services, self.name: url})
        self.check()

    def forget(self) -> None:
        """Back to what the lab finds by itself."""
        self.url.clear()
        self._problem.hide()
        self.desk.services.set_url(self.name, None)
        kept = {name: url for name, url in self.desk.settings.services.items() if name != self.name}
        self.desk.change(services=kept)
        self.check()

    def _work(self, work: Callable[[Ctx, Services, str], None], done: str) -> None:
        title = self.state.title if self.state else self.name
        for each in (self.start, self.stop, self.again):
            each.setEnabled(False)
        self._chip.setText(self.tr("Working…"))
        job = self.desk.jobs.submit(work, self.desk.services, self.name)
        job.succeeded.connect(lambda _: self.desk.say(done.format(title), important=True))
        job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))
        job.finished.connect(self._worked)

    def _worked(self) -> None:
        for each in (self.start, self.stop, self.again):
            each.setEnabled(True)
        self.check()


class ServicesPage(Page):
    """Every service the lab knows."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self.title.setText(self.tr("Services"))
        self.setAccessibleName(self.tr("Services"))
        self.lead.setText(
            self.tr("Real components for the reality checks. Simulations work without them. All stay on this machine.")
        )
        self.lead.show()
        again = button(self.tr("Check all again"), "", "restart")
        again.clicked.connect(lambda _checked=False: desk.probe())
        self.tools.addWidget(again)
        self.cards = {name: ServiceCard(desk, name) for name in desk.services.names()}
        grid = CardGrid(least=360, most=3)
        for card in self.cards.values():
            grid.add(card)
        self.body.addLayout(grid)
        desk.services_changed.connect(self.refresh)

    def shown(self) -> None:
        self.desk.probe()

    def fill(self) -> None:
        """Paint what is known of each service."""
        for name, state in self.desk.states.items():
            if name in self.cards:
                self.cards[name].show_state(state)


def _start(ctx: Ctx, services: Services, name: str) -> None:
    services.url(name)


def _stop(ctx: Ctx, services: Services, name: str) -> None:
    services.stop(name)
