"""What does not come straight onto the bench: a saved run, whose code may be strange, and a run that cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from prayog.ui.bench.consent import Consent
from prayog.ui.bench.starts import Start
from prayog.ui.problem_card import centred, problem_card
from prayog_sdk.code.draft import Trusted
from prayog_sdk.manifest import Problem
from prayog_sdk.params import ParamError
from prayog_sdk.saved import SavedRun

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage

__all__ = ["Door"]


class Door(QObject):
    """Made once per page."""

    def __init__(self, page: BenchPage) -> None:
        super().__init__(page)
        self._page = page

    def open_saved(self, saved: SavedRun) -> None:
        """Show a saved run at its end, after a question when it brings code that was never seen here."""
        page = self._page
        page.coach.end()
        if saved.topic != page.topic.id:
            page.warn(self.tr("This run belongs to the topic {topic}.").format(topic=saved.topic))
            return
        for skipped in saved.skipped:
            page.said.emit(self.tr("Not understood in this file, so left out: {what}").format(what=skipped))
        page.filing.notes = saved.notes
        code = self._strange_code(saved)
        if code:
            self._ask_first(code, saved)
        else:
            page.runs.begin_saved(saved)

    def _strange_code(self, saved: SavedRun) -> str:
        """The code in a saved run, when it was neither written nor run here; empty for all others."""
        topic = self._page.topic
        try:
            params = topic.params(saved.params)
        except ParamError:
            return ""  # it cannot be made, and says why
        if saved.kind != "world" or not topic.brings_code(params):
            return ""
        spec = topic.code(params)
        text = str(getattr(params, spec.knob)) if spec is not None else ""
        return "" if text in Trusted(self._page.host.data_dir()) else text

    def _ask_first(self, code: str, saved: SavedRun) -> None:
        page, asked = self._page, Consent(code)

        def agree() -> None:
            Trusted(page.host.data_dir()).add(code)
            page.centre.to_panels()
            page.runs.begin_saved(saved)

        asked.agreed.connect(agree)
        asked.refused.connect(page.left)
        page.head.show_titles(page.topic.manifest.title, saved.scenario, real=False)
        page.centre.show_instead(asked)
        asked.first.setFocus()

    def not_made(self, start: Start, problem: Problem) -> None:
        """Say why there is no run: over the one that is shown, or in its place when there is none."""
        page = self._page
        if page.driver.branch is not None:
            page.warn(problem.sentence)
        else:
            title = page.topic.manifest.title
            page.head.show_titles(title, page.scenario_title(start), real=start.kind == "session")
            card = problem_card(problem, title)
            card.retry.connect(lambda: page.runs.begin(start))
            instead = centred(card)
            show = lambda: page.centre.show_instead(instead)  # noqa: E731
            QTimer.singleShot(0, instead, show)  # after the sign of waiting is gone
            page.said.emit(problem.sentence)
        if problem.stage != "services":  # what is not installed is no fault of the topic's
            page.problem.emit(problem)
