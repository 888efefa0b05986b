"""The lab is killed, with all that it had in memory, and opened again: the same page, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from prayog_migration.engine.real.unfinished import Unfinished
from prayog_sdk.services import Services

from .killed_lab import WAYS
from .room import Bench, opened

ROOT = Path(__file__).parents[3]


def kill_at(step: str, folder: Path) -> None:
    """A lab that begins in `folder`, comes to `step`, and gets SIGKILL."""
    command = [sys.executable, "-m", "tests.topics.migration.killed_lab", str(folder), step]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ) as lab:
        assert lab.stdout is not None
        try:
            assert lab.stdout.readline().strip() == "there"
        finally:
            lab.send_signal(signal.SIGKILL)


def go_on(bench: Bench) -> Any:
    """Open the topic again, and press the one button that stands out."""
    bench.open("lost_minutes")
    wizard = bench.panel("wizard")
    plan = wizard.page("plan")
    bench.until(lambda: not plan._offer.isHidden())
    assert "3,000 rows" in plan._told.text()
    plan._go_on.click()
    bench.until(lambda: bench.page.host.run.kind == "session")
    return bench.panel("wizard")


NEXT = {
    "assess": ("schema",), "data": ("validate",), "sync": ("switch",), "switch": ("back", "audit", "clean"),
}  # fmt: skip


@pytest.mark.parametrize("step", WAYS)
def test_a_killed_lab_comes_back_to_the_same_page(step: str, qtbot: QtBot, tmp_path: Path) -> None:
    kill_at(step, tmp_path)
    with opened(qtbot, tmp_path) as bench:
        wizard = go_on(bench)
        bench.until(lambda: wizard._shown == step)
        if step == "data":
            bench.until(lambda: bench.happened("done", "copy"))  # nobody asked for it again
            assert any(one.data["rows"] for one in bench.page.host.trace if one.kind == "chunk")
        if step == "sync":
            bench.until(lambda: any(one.kind == "lag" for one in bench.page.host.trace))  # changes flow
        for name in NEXT[step]:
            wizard.act(name)
            bench.until(lambda name=name: bench.happened("done", name))  # type: ignore[misc]
            assert not any(one.kind in ("refused", "failed") for one in bench.page.host.trace)
        bench.frame()
        if step == "switch":
            assert wizard._course.badge == "lost 0 · duplicated 0 · quarantined 0"
            assert Unfinished(bench.page.host.services).found() is None, "it was cleaned up"


def test_a_closed_lab_comes_back_too(qtbot: QtBot, tmp_path: Path) -> None:
    with opened(qtbot, tmp_path) as bench:
        bench.open("lost_minutes")
        wizard = bench.panel("wizard")
        plan = wizard.page("plan")
        plan.rows.setValue(3_000)
        plan.target.kind.setCurrentIndex(1)
        plan._begin.click()
        bench.until(lambda: bench.page.host.run.kind == "session")
        for name in ("assess", "schema"):
            wizard.act(name)
            bench.until(lambda name=name: bench.happened("done", name))  # type: ignore[misc]
    with opened(qtbot, tmp_path) as bench:
        wizard = go_on(bench)
        bench.until(lambda: wizard._shown == "schema")
        wizard.act("copy")
        bench.until(lambda: bench.happened("done", "copy"))


def test_knobs_that_cannot_be_read_are_no_offer(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    unfinished = Unfinished(services)
    assert unfinished.found() is None
    for text in ("", "[]", '{"rows": 5, "unknown": 1}', "{"):
        (services.folder("migration") / "unfinished.json").write_text(text, encoding="utf-8")
        assert unfinished.found() is None
    services.close()
