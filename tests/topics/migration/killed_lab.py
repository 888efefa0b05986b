"""A lab in a process of its own, which is killed in the middle of a migration: ``python -m … FOLDER STEP``.

It begins a migration to a SQLite file, goes on to STEP as a learner would, says ``there``, and waits for its end.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import prayog_migration
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog.ui.startup import make_application
from prayog_sdk import manifest
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic

WAYS: dict[str, tuple[str, ...]] = {
    "assess": ("assess",),
    "data": ("assess", "schema", "slow", "copy"),
    "sync": ("assess", "schema", "copy", "validate", "sync"),
    "switch": ("assess", "schema", "copy", "validate", "sync", "switch"),
}
"""What was done before the end; the copy is so slow that the end comes in its middle."""


def main(folder: Path, step: str) -> None:
    app = make_application()
    topic = Topic.load(manifest.read_folder(Path(prayog_migration.__file__).parent, "built-in"))
    services = Services(folder / "services", environ={})
    page = BenchPage(
        topic, jobs=JobManager(), services=services, store=None, settings=Settings(), data_dir=folder / "data"
    )
    page.resize(1280, 800)
    page.show()

    def until(test: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not test():
            app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > end:
                raise TimeoutError(step)

    def happened(*wanted: tuple[str, str]) -> bool:
        return any((one.kind, one.node) in wanted for one in page.host.trace)

    page.open_scenario(topic.scenario("lost_minutes"))
    until(lambda: page.driver.branch is not None)
    dock = page.docks.dock("wizard")
    assert dock is not None
    dock.show()
    dock.raise_()
    until(lambda: dock.slot.panel is not None)
    wizard: Any = dock.slot.panel
    plan = wizard.page("plan")
    plan.rows.setValue(3_000)
    plan.target.kind.setCurrentIndex(1)
    plan._begin.click()
    until(lambda: page.host.run.kind == "session")
    for name in WAYS[step]:
        if name == "slow":
            wizard.act("throttle", rate=500)
            continue
        wizard.act(name)
        if name == "copy" and "slow" in WAYS[step]:
            until(lambda: any(one.kind == "chunk" and one.data["rows"] > 0 for one in page.host.trace))
        else:
            until(lambda name=name: happened(("done", name)))  # type: ignore[misc]
    if step == "sync":
        until(lambda: happened(("caught_up", "forward")))
    print("there", flush=True)
    until(lambda: False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
