"""Which application speaks on a connection: as somebody said, by port, or by the first bytes."""

from __future__ import annotations

from collections.abc import Callable

from prayog_protocols.engine.protocols.http import start_line
from prayog_protocols.engine.talks.http import Http
from prayog_protocols.engine.talks.talk import Application, Cut, Unit

__all__ = ["APPLICATIONS", "Guess", "Plain", "after_upgrade", "choose", "guess"]


class Plain(Application):
    """Bytes without a known meaning: each segment as it is."""

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        return Cut(len(data), "")

    def lost(self, direction: int) -> None:
        pass

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []


class Guess(Plain):
    """Looks at the first bytes, and hands over to whom they fit."""

    def __init__(self) -> None:
        self.chosen: Application | None = None

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        speaker = guess(direction, bytes(data[:4096])) or Plain()
        cut = speaker.cut(direction, data, fresh, index)
        return None if cut is None else Cut(cut.size, cut.protocol, cut.state, cut.then or speaker)


APPLICATIONS: dict[str, Callable[[], Application]] = {"http": Http}
PORTS = {80: "http", 3128: "http", 3132: "http", 5985: "http", 8080: "http", 8088: "http", 11371: "http", 8000: "http"}


def after_upgrade(name: str, headers: dict[bytes, bytes]) -> Application:
    """Who speaks after 101 Switching Protocols."""
    return Plain()


def guess(direction: int, data: bytes) -> Application | None:
    """Who begins like this; None when nobody does."""
    line = data.split(b"\n")[0].rstrip(b"\r")
    if b"\n" in data and start_line(line)[1]:
        return Http()
    return None


def choose(ports: tuple[int, int], said: str, direction: int, data: bytes) -> Application | None:
    """The application for a connection between two ports; `said` is what its user knows ("" nothing)."""
    if said in APPLICATIONS:
        return APPLICATIONS[said]()
    sure = guess(direction, data)
    if sure is not None:
        return sure
    for port in sorted(ports):
        if port in PORTS:
            return APPLICATIONS[PORTS[port]]()
    return None
