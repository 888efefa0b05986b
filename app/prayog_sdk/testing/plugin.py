"""pytest plugin for the lab and for topics: leak checks, golden scripts, topics by folder, the `gui` marker.

Fixtures: `no_leaks` (fails a test that leaves something behind), `topic_of` (opens the topic in a folder and closes
it again), `golden` (plays a scenario and compares it with its file; ``--rewrite-golden`` rewrites the file).

Qt is imported only when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from prayog_sdk.topic import Topic

REWRITTEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("prayog").addoption(
        "--rewrite-golden", action="store_true", help="write what happens now into the .lab files as what is expected"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gui: uses Qt (set by itself for tests that use qapp or qtbot)")
    config.stash[REWRITTEN] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"qapp", "qtbot"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.gui)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rewritten := config.stash[REWRITTEN]:
        terminalreporter.section("golden scripts")
        terminalreporter.line(f"Rewritten: {', '.join(rewritten)}.")
        terminalreporter.line(
            "Read every change as if you had made it by hand: what happened now, right or wrong, is what is expected."
        )


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test when a thread, file, child process, window, timer or QThread is left behind."""
    from prayog_sdk.testing.leaks import left_since, now_held

    if "qapp" in request.fixturenames:
        request.getfixturevalue("qapp")
    before = now_held()
    yield
    if left := left_since(before):
        pytest.fail("\n".join(left))


@pytest.fixture
def topic_of() -> Iterator[Callable[[Path], Topic]]:
    """``topic_of(folder)`` opens the topic in a folder; all are closed after the test."""
    from prayog_sdk.manifest import read_folder
    from prayog_sdk.topic import Topic

    opened: list[Topic] = []

    def open_topic(folder: Path) -> Topic:
        opened.append(Topic.load(read_folder(folder)))
        return opened[-1]

    yield open_topic
    for topic in opened:
        topic.close()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Topic, str], None]:
    """``golden(topic, scenario_id)`` plays a scenario; fails where it differs from its expected lines or a check fails.

    A failing check that the script expects (as a line of a verdict) is no failure.
    """
    from prayog_sdk.testing.golden import play_golden

    def play(topic: Topic, scenario_id: str) -> None:
        scenario = topic.scenario(scenario_id)
        if play_golden(topic, scenario, rewrite_file=request.config.getoption("--rewrite-golden")):
            request.config.stash[REWRITTEN].append(scenario_id)

    return play
