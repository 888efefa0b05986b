"""Work that would hold up the window: run it in a worker thread or process, hear of it on the GUI thread.

    job = bench.jobs.submit(build_index, points)        # build_index(ctx, points) runs in a thread
    job.succeeded.connect(self.show_index)
    job.failed.connect(self.show_problem)               # (sentence, traceback)

Rules
1. Worker threads never touch a QObject: they put results on a queue that a GUI timer drains.  (Jobs that were
   parented and freed with ``deleteLater`` crashed PySide 6.11; a `Job` has no parent and is freed by Python.)
2. `fn` gets a `Ctx` first and calls ``ctx.progress`` or ``ctx.check`` often enough to be cancelled.
3. Pure Python that computes for more than about a second goes to `submit_process`; one long C call (a big
   ``sorted``, ``json.loads``) holds the interpreter lock just as well, so that is a process's work too.
4. After `shutdown` no signal is emitted any more, and what is submitted never runs.
"""

from __future__ import annotations

import concurrent.futures as cf
import threading
import traceback
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from prayog_sdk.qt import child
from prayog_sdk.run import Cancelled

__all__ = ["Cancelled", "Ctx", "Job", "JobManager"]


class Ctx:
    """Handed to the worker; thread-safe, no Qt."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.latest: tuple[int, int, str] | None = None

    def cancel(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raise `Cancelled` when the work was cancelled."""
        if self._event.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait; a cancel ends the wait with `Cancelled`."""
        if self._event.wait(seconds):
            raise Cancelled

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Report (total 0: unknown); the window shows the latest report only.  Checks for a cancel as well."""
        self.latest = (done, total, text)
        self.check()


class Job(QObject):
    """One piece of work, on the GUI thread.  Exactly one of succeeded, failed, cancelled comes, then finished."""

    progressed = Signal(object, object, str)
    """done, total (0: unknown), text; whole numbers of any size."""
    succeeded = Signal(object)
    failed = Signal(str, str)
    """A sentence for the learner, and the traceback."""
    cancelled = Signal()
    finished = Signal()

    def __init__(self, ctx: Ctx) -> None:
        super().__init__()
        self._ctx = ctx

    def cancel(self) -> None:
        """Ask the work to stop; `cancelled` follows when it did."""
        self._ctx.cancel()


class JobManager(QObject):
    """Runs jobs in `threads` worker threads and tells of them on the GUI thread every `interval_ms`."""

    idle = Signal()
    """No job is left."""

    def __init__(self, parent: QObject | None = None, threads: int = 4, interval_ms: int = 33) -> None:
        super().__init__(parent)
        self._queue: SimpleQueue[tuple[int, str, Any]] = SimpleQueue()
        self._live: dict[int, tuple[Job, Ctx, cf.Future[None]]] = {}
        self._count = 0
        self._closed = False
        self._pool = cf.ThreadPoolExecutor(threads, "job")
        self._timer = QTimer(self)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._drain)
        weakref.finalize(self, _let_go, self._pool, self._live)

    @property
    def busy(self) -> bool:
        return bool(self._live)

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Job:
        """Run ``fn(ctx, *args, **kwargs)`` in a worker thread."""
        ctx = Ctx()
        job = Job(ctx)
        if self._closed:
            return job
        self._count += 1
        future = self._pool.submit(_work, ctx, self._queue, self._count, lambda: fn(ctx, *args, **kwargs))
        self._live[self._count] = (job, ctx, future)
        self._timer.start()
        return job

    def submit_process(self, fn: Callable[..., Any], *args: Any) -> Job:
        """Run ``fn(ctx, *args)`` in a spawned process, killed by a cancel.

        `fn` is a module-level function of an importable module; `args` and the result are picklable.
        """
        return self.submit(child.run, fn, args, getattr(fn, "__name__", "job"))

    def shutdown(self, timeout: float = 2.0) -> bool:
        """Cancel everything, wait up to `timeout` seconds; True when all workers ended.  For closing time."""
        self._closed = True
        self._timer.stop()
        live = list(self._live.values())
        self._live.clear()
        for _, ctx, _ in live:
            ctx.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        # Futures cancelled by the pool never count as done in `wait`, so they are left out.
        return not cf.wait([future for _, _, future in live if not future.cancelled()], timeout).not_done

    def _drain(self) -> None:
        for job, ctx, _ in list(self._live.values()):
            latest, ctx.latest = ctx.latest, None
            if latest is not None:
                job.progressed.emit(*latest)
        while True:
            try:
                key, state, value = self._queue.get_nowait()
            except Empty:
                break
            record = self._live.pop(key, None)
            if record is None:
                continue
            job = record[0]
            if state == "succeeded":
                job.succeeded.emit(value)
            elif state == "failed":
                job.failed.emit(*value)
            else:
                job.cancelled.emit()
            job.finished.emit()
        if not self._live and not self._closed:
            self._timer.stop()
            self.idle.emit()


def _let_go(pool: cf.ThreadPoolExecutor, live: dict[int, tuple[Job, Ctx, cf.Future[None]]]) -> None:
    """The manager is gone without `shutdown`: let its workers end."""
    for _, ctx, _ in live.values():
        ctx.cancel()
    pool.shutdown(wait=False, cancel_futures=True)


def _work(ctx: Ctx, queue: SimpleQueue[tuple[int, str, Any]], key: int, call: Callable[[], Any]) -> None:
    state: str
    value: Any
    try:
        ctx.check()
        state, value = "succeeded", call()
    except Cancelled:
        state, value = "cancelled", None
    except child.ChildError as error:
        state, value = "failed", (error.sentence, error.details)
    except BaseException as error:  # noqa: BLE001 - shown as a problem card, whatever it is
        state, value = "failed", (child.sentence_of(error), traceback.format_exc())
    queue.put((key, state, value))
