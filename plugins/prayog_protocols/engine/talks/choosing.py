"""Which application speaks on a connection: as somebody said, by port, or by the first bytes."""

from __future__ import annotations

from collections.abc import Callable

from prayog_protocols.engine.protocols.http import start_line
from prayog_protocols.engine.talks.dns import Dns
from prayog_protocols.engine.talks.http import Http
from prayog_protocols.engine.talks.http2 import MAGIC, Http2
from prayog_protocols.engine.talks.lines import Ftp, FtpData, Imap, Pop, Smtp
from prayog_protocols.engine.talks.talk import Application, Cut, Unit
from prayog_protocols.engine.talks.tls import Tls
from prayog_protocols.engine.talks.websocket import WebSocket
from prayog_protocols.engine.tls.keylog import KeyLog

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

    def __init__(self, secure: bool = False) -> None:
        self.secure = secure

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        speaker = guess(direction, bytes(data[:4096]), self.secure) or Plain()
        cut = speaker.cut(direction, data, fresh, index)
        return None if cut is None else Cut(cut.size, cut.protocol, cut.state, cut.then or speaker)


def _tls(keys: KeyLog) -> Application:
    return Tls(keys, _inside_tls)


def _inside_tls(name: bytes) -> Application:
    """Who speaks inside TLS, by the name that both sides settled on."""
    if name == b"http/1.1":
        return Http(secure=True)
    if name == b"h2":
        return Http2(secure=True)
    return Guess(secure=True)


APPLICATIONS: dict[str, Callable[[], Application]] = {
    "http": Http, "dns": Dns, "smtp": Smtp, "pop": Pop, "imap": Imap,
    "ftp": Ftp, "ftp-data": FtpData, "websocket": WebSocket, "http2": Http2,
}  # fmt: skip
PORTS = {80: "http", 3128: "http", 3132: "http", 5985: "http", 8080: "http", 8088: "http", 11371: "http", 8000: "http",
         53: "dns", 25: "smtp", 587: "smtp", 110: "pop", 143: "imap", 21: "ftp", 20: "ftp-data"}  # fmt: skip


def secured(inner: Callable[[], Application], keys: KeyLog) -> Application:
    """TLS, with an application inside."""
    return Tls(keys, lambda _: inner())


TLS_PORTS = {443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 8443, 5061}


def after_upgrade(name: str, headers: dict[bytes, bytes]) -> Application:
    """Who speaks after 101 Switching Protocols."""
    if name == "h2c":
        return Http2()
    if name == "websocket":
        return WebSocket(headers.get(b"sec-websocket-extensions", b""))
    return Plain()


def guess(direction: int, data: bytes, secure: bool = False, keys: KeyLog | None = None) -> Application | None:
    """Who begins like this; None when nobody does."""
    if data[:24] == MAGIC:
        return Http2(secure)
    line = data.split(b"\n")[0].rstrip(b"\r")
    if b"\n" in data and start_line(line)[1]:
        return Http(secure)
    if len(data) >= 6 and data[0] == 22 and data[1] == 3 and data[2] <= 4 and data[5] in (1, 2):
        return _tls(keys or KeyLog())
    return None


def _made(name: str, keys: KeyLog) -> Application:
    speaker = APPLICATIONS[name]()
    if hasattr(speaker, "keys"):
        speaker.keys = keys
    return speaker


def choose(
    ports: tuple[int, int], said: str, direction: int, data: bytes, keys: KeyLog
) -> Application | None:  # fmt: skip
    """The application for a connection between two ports; `said` is what its user knows ("" nothing)."""
    if said == "tls":
        return _tls(keys)
    if said in APPLICATIONS:
        return _made(said, keys)
    sure = guess(direction, data, keys=keys)
    if sure is not None:
        return sure
    for port in sorted(ports):
        if port in PORTS:
            return _made(PORTS[port], keys)
        if port in TLS_PORTS:
            return _tls(keys)
    return None
