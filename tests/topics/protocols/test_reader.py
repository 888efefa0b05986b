"""A large file is read in a process of its own, which answers with the same packets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.real.files import open_capture
from prayog_protocols.engine.real.reader import ReaderError

from . import talking


class Asking:
    """Whoever asks; `given_up` ends the wait."""

    given_up = False

    def check(self) -> None:
        if self.given_up:
            raise InterruptedError


def count_up(capture: Capture, most: int) -> Iterator[int]:
    yield from range(most)


def fail(capture: Capture) -> None:
    raise ValueError("this cannot be done")


def pid(capture: Capture) -> int:
    import os

    return os.getpid()


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capture]:
    path = tmp_path_factory.mktemp("capture") / "made.pcapng"
    path.write_bytes(talking.made())
    opened = open_capture(path)
    yield opened
    opened.close()


def test_packets_from_there_are_those_from_here(capture: Capture) -> None:
    assert capture.reader is not None
    for index in range(0, len(capture), 5):
        there, here = capture.reader.ask(Asking(), capture, Capture.packet, index), capture.packet(index)
        assert [source.data for source in there.sources] == [source.data for source in here.sources]
        assert there.notes == here.notes
        nodes = zip(there.walk(), here.walk(), strict=True)
        for a, b in nodes:
            assert a.field is b.field  # the same object: a panel compares fields by identity
            assert (a.source, a.start, a.bits, a.value, a.position) == (b.source, b.start, b.bits, b.value, b.position)


def test_what_was_said_about_a_port_is_known_there(capture: Capture) -> None:
    assert capture.reader is not None
    index = next(index for index in range(len(capture)) if capture.packet(index).layer("smtp") is not None)
    port = min(int(capture.columns.dport[index]), int(capture.columns.sport[index]))
    capture.decode_as(port, "imap")
    try:
        assert capture.reader.ask(Asking(), capture, Capture.packet, index).layer("imap") is not None
    finally:
        capture.decode_as(port, "smtp")
    assert capture.reader.ask(Asking(), capture, Capture.packet, index).layer("smtp") is not None


def test_a_search_keeps_nobody_waiting_and_can_be_given_up(capture: Capture) -> None:
    assert capture.reader is not None
    asking = Asking()
    numbers = capture.reader.stream(asking, capture, count_up, 10**9)
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    assert capture.reader.ask(Asking(), capture, Capture.packet, 0).number == 1
    asking.given_up = True
    with pytest.raises(InterruptedError):
        list(numbers)
    assert capture.reader.ask(Asking(), capture, Capture.packet, 1).number == 2


def test_what_fails_there_is_said_here_and_a_process_that_dies_is_started_anew(capture: Capture) -> None:
    import os
    import signal

    assert capture.reader is not None
    with pytest.raises(ReaderError, match="this cannot be done"):
        capture.reader.ask(Asking(), capture, fail)
    before = capture.reader.ask(Asking(), capture, pid)
    assert before != os.getpid()
    numbers = capture.reader.stream(Asking(), capture, count_up, 10**9)
    next(numbers)
    os.kill(before, signal.SIGTERM)
    with pytest.raises(ReaderError, match="has ended"):
        list(numbers)
    assert capture.reader.ask(Asking(), capture, pid) != before


def test_the_process_ends_with_the_capture(tmp_path: Path) -> None:
    import os
    import time

    path = tmp_path / "made.pcapng"
    path.write_bytes(talking.made("dns"))
    opened = open_capture(path)
    assert opened.reader is not None
    number = opened.reader.ask(Asking(), opened, pid)
    opened.close()
    for _ in range(200):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {number} is still there")
