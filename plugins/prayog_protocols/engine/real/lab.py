"""The lab process: real servers on an event loop of their own, real clients in the main thread, one tap for all.

``python -m prayog_protocols.engine.real.lab FOLDER [private]``; questions come in on standard input, what happens goes
out on standard output (see `pipe`).  ``private``: in a network of its own, where the kernel is watched too (Linux).

Rules
1. The tap is installed before anything else is imported.
2. Nothing waits for ever: sockets time out after `PATIENCE` seconds, calls into the loop too.
3. When standard input ends the process ends, whatever it is doing: its owner is gone.
"""

from __future__ import annotations

import sys

from prayog_protocols.engine.real import tap as _tap

TAP = _tap.install(("/real/clients/", "/real/servers/"))

import asyncio  # noqa: E402
import contextlib  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Coroutine  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from prayog_protocols.engine.conversations import SERVERS  # noqa: E402
from prayog_protocols.engine.real.pipe import Pipe, receive  # noqa: E402

if TYPE_CHECKING:
    from prayog_protocols.engine.real.kernel import KernelView
    from prayog_protocols.engine.real.secure import Authority
    from prayog_protocols.engine.real.servers.listening import Server

__all__ = ["PATIENCE", "Lab"]

PATIENCE = 5.0
_EVERY_S = 0.01


class Lab:
    """What programs of the lab find: ports of servers, an authority for certificates, and somebody to tell."""

    def __init__(self, pipe: Pipe, folder: Path, kernel: KernelView | None) -> None:
        self.tap, self.folder, self.kernel = TAP, folder, kernel
        self._pipe = pipe
        self._flushing = threading.Lock()
        self._servers: dict[str, Server] = {}
        self._authority: Authority | None = None
        self._told_keys = ""
        self._lines: dict[str, socket.socket] = {}  # connections that are spoken on by hand
        # The proactor loop of Windows works past Python's sockets, so the tap would hear nothing.
        self.loop = self._quiet_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    @staticmethod
    def _quiet_loop() -> asyncio.AbstractEventLoop:
        with TAP.quiet():
            return asyncio.SelectorEventLoop()

    # -- for clients and servers -----------------------------------------------------------------------------------

    def tell(self, kind: str, /, **facts: Any) -> None:
        """Something that the programs know and the bytes do not say."""
        with self._flushing:
            self._flush()
            self._pipe.tell("fact", (kind, facts))

    def server(self, name: str) -> Server:
        """The server of that name; it is started when it does not run yet."""
        running = self._servers.get(name)
        if running is None:
            module, _, kind = _SERVING[name].partition(":")
            made: Server = getattr(importlib.import_module(f"{__package__}.servers.{module}"), kind)(
                self, SERVERS[name]
            )
            self.do(made.open())
            running = self._servers[name] = made
            self._pipe.tell("listens", (name, made.port, SERVERS[name].speaks, SERVERS[name].transport))
        return running

    def port(self, name: str) -> int:
        """Where the server of that name listens."""
        return self.server(name).port

    @property
    def authority(self) -> Authority:
        """Whoever signs the certificates of the lab."""
        if self._authority is None:
            from prayog_protocols.engine.real.secure import Authority

            self._authority = Authority(self.folder)
        return self._authority

    def do(self, work: Coroutine[Any, Any, Any], seconds: float = PATIENCE) -> Any:
        """Do something on the servers' loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def keys(self, log: str) -> None:
        """Secrets that read what was encrypted."""
        self._pipe.tell("keys", log)

    def inside(self, data: bytes, time_ns: int) -> None:
        """An SCTP packet as it was before DTLS hid it."""
        TAP.records.append([time_ns, "inside", 0, data, None])

    # -- the process -----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Hand over what was recorded."""
        with self._flushing:
            self._flush()

    def _flush(self) -> None:
        if records := TAP.taken():
            self._pipe.tell("records", [tuple(record) for record in records])
        if self._authority is not None and (log := self._authority.keys()) != self._told_keys:
            self._pipe.tell("keys", log[len(self._told_keys) :])
            self._told_keys = log

    def flushing(self) -> None:
        """Hand over again and again, so that a conversation is seen while it goes on."""
        while True:
            time.sleep(_EVERY_S)
            with contextlib.suppress(OSError):
                self.flush()

    def answer(self, what: str, words: dict[str, Any]) -> None:
        """Do what the owner asks for."""
        if what == "talk":
            for server in self._servers.values():
                server.reset()
            TAP.closed_doors.clear()
            module = importlib.import_module(f"{__package__}.clients.{words['conversation']}")
            getattr(module, words["variant"].replace(" ", "_").replace(".", "_"))(self)
        elif what in ("request", "command", "say", "hang_up", "send"):
            by_hand = importlib.import_module(f"{__package__}.clients.by_hand")
            getattr(by_hand, what)(self, self._lines, **words)
        else:
            raise ValueError(f"the lab does not know {what!r}")

    def settle(self) -> None:
        """Wait until connections have said their goodbyes: nothing was recorded for a while."""
        until, quiet_since, seen = time.monotonic() + 0.5, time.monotonic(), -1
        while time.monotonic() < until and time.monotonic() - quiet_since < 0.04:
            count = TAP.count
            if count != seen:
                seen, quiet_since = count, time.monotonic()
            time.sleep(0.005)


_SERVING = {
    "http": "web:Web", "https": "web:SecureWeb", "http2": "web2:Web2", "http2s": "web2:SecureWeb2",
    "smtp": "mail:Relay", "submission": "mail:Submission", "ftp": "files:Files", "pop3": "pop3:Pop3",
    "imap": "imap:Imap", "websocket": "chat:Chat", "dns": "names:Names", "count": "counting:Count",
    "stream": "counting:Stream",
}  # fmt: skip


def main() -> None:
    """Serve the owner until it goes away."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to standard error, not between the messages
    asking = os.fdopen(0, "rb")
    pipe = Pipe(out)
    folder = Path(sys.argv[1])

    def go(*_: object) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    signal.signal(signal.SIGINT, go)  # what the owner's guard sends when the owner is gone
    kernel = None
    if "private" in sys.argv[2:]:
        from prayog_protocols.engine.real import kernel as watching

        try:
            kernel = watching.private()
        except OSError as error:
            pipe.tell("no kernel", str(error))
    socket.setdefaulttimeout(PATIENCE)
    lab = Lab(pipe, folder, kernel)
    asked: list[tuple[str, Any]] = []
    arrived = threading.Semaphore(0)

    def listen() -> None:
        while (message := receive(asking)) is not None:
            asked.append(message)
            arrived.release()
        go()

    threading.Thread(target=listen, name="owner", daemon=True).start()
    threading.Thread(target=lab.flushing, name="flush", daemon=True).start()
    pipe.tell("ready", {"pid": os.getpid(), "private": kernel is not None})
    while True:
        arrived.acquire()
        what, words = asked.pop(0)
        outcome: dict[str, Any] = {}
        try:
            lab.answer(what, words)
        except Exception as error:  # noqa: BLE001 - the owner shows it as a sentence
            outcome = {"sentence": str(error) or type(error).__name__, "type": type(error).__name__}
        lab.settle()
        lab.flush()
        if kernel is not None:
            pipe.tell("kernel", kernel.taken())
        pipe.tell("done", outcome)


if __name__ == "__main__":
    main()
