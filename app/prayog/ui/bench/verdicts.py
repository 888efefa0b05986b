"""Checks and measures of what is shown, computed in the background while the run goes on.

A check may look at a hundred thousand steps, so it never runs on the GUI thread.  One job at a time; while it
works, newer moments wait and only the newest is computed next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

from PySide6.QtCore import QObject, QTimer, Signal

from prayog.catalog import problem_of
from prayog.ui.bench.host import Host
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.claims import Given
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sim.trace import Step, Trace

__all__ = ["Judge", "Judged", "Paced", "judge"]

_PAUSE_MS = 200
_WORK_S, _REST_S = 0.001, 0.004


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts and measures of the trace up to step `at`; what raised has a sentence in `errors`."""

    at: int
    verdicts: Mapping[str, Verdict]
    measures: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)


def judge(
    trace: Trace, checks: Mapping[str, Check], measures: Mapping[str, Callable[[Trace], Any]],
    answers: Mapping[str, Given], ctx: Ctx | None = None,
) -> Judged:  # fmt: skip
    """All verdicts and measures of `trace`; one that raises does not spoil the others."""
    verdicts: dict[str, Verdict] = {}
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, check in checks.items():
        if ctx is not None:
            ctx.check()
        try:
            verdicts[name] = check.judge(trace, answers)
        except Exception as error:  # noqa: BLE001 - the topic's code
            errors[name] = problem_of(error, "check", name).sentence
    for name, measure in measures.items():
        if ctx is not None:
            ctx.check()
        try:
            values[name] = measure(trace)
        except Exception as error:  # noqa: BLE001 - the topic's code
            errors[name] = problem_of(error, "measure", name).sentence
    return Judged(len(trace) - 1, verdicts, values, errors)


class Paced(Trace):
    """The first `upto` steps of a growing trace, for a worker that must not slow the window down.

    Two threads of Python share one lock, and Qt gives it back at every call: beside a busy worker a frame of
    5 ms takes 50.  So whoever walks over this trace works for a millisecond and rests for four.
    """

    def __init__(self, trace: Trace, upto: int) -> None:
        super().__init__()
        self._whole = trace
        self._upto = upto

    def __len__(self) -> int:
        return self._upto

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self._whole[i] for i in range(*index.indices(self._upto))]
        if not -self._upto <= index < self._upto:
            raise IndexError(index)
        return self._whole[index % self._upto]

    def __iter__(self) -> Iterator[Step]:
        began = time.perf_counter()
        for seq in range(self._upto):
            yield self._whole[seq]
            if seq % 16 == 15 and time.perf_counter() - began > _WORK_S:
                time.sleep(_REST_S)
                began = time.perf_counter()


class Judge(QObject):
    """Keeps verdicts and measures up to date with the shown moment."""

    judged = Signal(object)
    """A `Judged`."""

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._job: Job | None = None
        self._again = False
        self._seen: tuple[int, int] = (0, -2)
        self.checks: dict[str, Check] = {}
        self.answers: Mapping[str, Given] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._start)

    def set_checks(self, checks: Mapping[str, Check]) -> None:
        """What is to be judged from now on."""
        if self._job is not None:  # its answers are to other questions
            self._job.cancel()
            self._job = None
        self._again = False
        self.checks = dict(checks)
        self._seen = (0, -2)
        self.ask()

    def ask(self) -> None:
        """The shown moment may have changed: judge it soon."""
        if self._host.driver.branch is None or self._seen == self._key():
            return
        if self._job is not None:
            self._again = True
        elif not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        self._timer.stop()
        self._again = False
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _key(self) -> tuple[int, int]:
        return id(self._host.run), self._host.at

    def _start(self) -> None:
        host = self._host
        if host.driver.branch is None:
            return
        self._again = False
        self._seen = self._key()
        trace, upto = host.trace, host.at + 1
        checks, measures, answers = dict(self.checks), dict(host.measures), dict(self.answers)
        key = self._seen

        def work(ctx: Ctx) -> Judged:
            return judge(Paced(trace, upto), checks, measures, answers, ctx)

        self._job = job = host.jobs.submit(work)
        job.succeeded.connect(lambda found: self._done(job, found, key))
        job.failed.connect(lambda _sentence, _details: self._ended(job))
        job.cancelled.connect(lambda: self._ended(job))

    def _done(self, job: Job, found: Judged, key: tuple[int, int]) -> None:
        if job is not self._job:
            return
        if self._host.driver.branch is not None and id(self._host.run) == key[0]:
            self._host.measured = found.measures
            self.judged.emit(found)
        self._ended(job)

    def _ended(self, job: Job) -> None:
        if job is not self._job:
            return
        self._job = None
        if self._again:
            self._again = False
            self.ask()
