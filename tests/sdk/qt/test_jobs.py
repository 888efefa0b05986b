"""Background jobs: results, cancels, errors, and closing at the worst moments."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QLabel, QWidget

from prayog_sdk.params import ParamError
from prayog_sdk.qt.jobs import JobManager


def _double(ctx, value):
    for i in range(5):
        ctx.progress(i, 5, "doubling")
        ctx.sleep(0.01)
    return value * 2


def _forever(ctx):
    while True:
        ctx.sleep(0.005)


def _raises(ctx):
    raise ParamError("nodes is a whole number from 2 to 50; found 'x'")


# run in a spawned process, so they are found by import: this module is importable only as a file (see `spawned`)
CHILD = """
import os, time
def square(ctx, n):
    ctx.progress(1, 2, "half way")
    return os.getpid(), n * n
def hang(ctx, path):
    open(path, "w").write(str(os.getpid()))
    while True: time.sleep(0.01)
def fails(ctx):
    raise KeyError("n9")
def dies(ctx):
    os._exit(7)
"""


@pytest.fixture
def spawned(tmp_path, monkeypatch):
    (tmp_path / "job_specimen.py").write_text(CHILD)
    monkeypatch.syspath_prepend(str(tmp_path))
    import job_specimen

    yield job_specimen
    import sys

    del sys.modules["job_specimen"]


@pytest.fixture
def jobs(qapp):
    manager = JobManager(interval_ms=5)
    yield manager
    assert manager.shutdown()


def test_a_result_arrives_on_the_gui_thread_with_progress(jobs, qtbot):
    seen, threads = [], []
    job = jobs.submit(_double, 21)
    job.progressed.connect(lambda done, total, text: seen.append((done, total, text)))
    job.succeeded.connect(lambda _value: threads.append(QThread.currentThread()))
    results = []
    job.succeeded.connect(results.append)
    with qtbot.waitSignals([job.succeeded, job.finished, jobs.idle]):
        pass
    assert results == [42]
    assert seen
    assert seen[-1][1:] == (5, "doubling")
    assert threads == [jobs.thread()]


def test_progress_can_count_bytes_beyond_32_bits(jobs, qtbot):
    def big(ctx):
        ctx.progress(5_000_000_000, 9_000_000_000, "copied")
        ctx.sleep(0.05)

    job = jobs.submit(big)
    with qtbot.waitSignal(job.progressed) as caught:
        pass
    assert caught.args[:2] == [5_000_000_000, 9_000_000_000]
    with qtbot.waitSignal(jobs.idle):
        pass


def test_cancel(jobs, qtbot):
    job = jobs.submit(_forever)
    with qtbot.waitSignal(job.cancelled):
        job.cancel()


def test_an_error_is_a_sentence_and_a_traceback(jobs, qtbot):
    job = jobs.submit(_raises)
    with qtbot.waitSignal(job.failed) as caught:
        pass
    assert caught.args[0] == "nodes is a whole number from 2 to 50; found 'x'"
    assert "ParamError" in caught.args[1]


def test_an_error_of_python_itself_keeps_its_name(jobs, qtbot):
    job = jobs.submit(lambda ctx: {}["n9"])
    with qtbot.waitSignal(job.failed) as caught:
        pass
    assert caught.args[0] == "KeyError: 'n9'"


@pytest.mark.parametrize("_", range(30))
def test_closing_during_six_jobs(qapp, _):
    manager = JobManager(interval_ms=1)
    label = QLabel("open")
    for _i in range(6):
        job = manager.submit(_forever)
        job.finished.connect(lambda: label.setText("finished"))
    qapp.processEvents()
    assert manager.shutdown()
    label.deleteLater()
    qapp.processEvents()


@pytest.mark.parametrize("_", range(30))
def test_destroying_the_window_without_closing(qapp, _):
    window = QWidget()
    manager = JobManager(window, interval_ms=1)
    for _i in range(6):
        manager.submit(_forever)
    qapp.processEvents()
    del manager, window
    gc.collect()
    qapp.processEvents()
    deadline = time.monotonic() + 5
    while any(t.name.startswith("job_") for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.002)
    assert not [t for t in threading.enumerate() if t.name.startswith("job_")]


def test_submit_and_shutdown_from_a_callback(jobs, qtbot):
    late = []

    def first_done(_value):
        late.append(jobs.submit(_double, 1))
        jobs.shutdown()
        late.append(jobs.submit(_double, 2))  # after closing: never runs, never raises
        late[1].finished.connect(lambda: late.append("ran"))

    job = jobs.submit(_double, 0)
    job.succeeded.connect(first_done)
    with qtbot.waitSignal(job.succeeded):
        pass
    qtbot.wait(30)
    assert len(late) == 2


def test_fifty_jobs_leave_nothing(jobs, qtbot):
    refs = [weakref.ref(jobs.submit(lambda ctx, n: n, i)) for i in range(50)]
    with qtbot.waitSignal(jobs.idle):
        pass
    gc.collect()
    assert not [ref for ref in refs if ref() is not None]


def test_a_process_gives_its_result_and_progress(jobs, qtbot, spawned):
    job = jobs.submit_process(spawned.square, 12)
    told = []
    job.progressed.connect(lambda *report: told.append(report))
    with qtbot.waitSignal(job.succeeded, timeout=20_000) as caught:
        pass
    assert told == [(1, 2, "half way")]
    pid, result = caught.args[0]
    assert result == 144
    assert pid != os.getpid()


def test_cancel_kills_the_process(jobs, qtbot, spawned, tmp_path):
    note = tmp_path / "pid"
    job = jobs.submit_process(spawned.hang, str(note))
    qtbot.waitUntil(lambda: note.exists() and note.read_text() != "", timeout=20_000)
    with qtbot.waitSignal(job.cancelled):
        job.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_a_failing_and_a_dying_process_are_told_apart(jobs, qtbot, spawned):
    with qtbot.waitSignal(jobs.submit_process(spawned.fails).failed, timeout=20_000) as caught:
        pass
    assert caught.args[0] == "KeyError: 'n9'"
    assert "in fails" in caught.args[1]
    with qtbot.waitSignal(jobs.submit_process(spawned.dies).failed, timeout=20_000) as caught:
        pass
    assert caught.args[0] == "the worker process ended with code 7 before it had a result"
