"""A network that can be broken: a proxy on loopback between the wizard and a database.

The wizard connects to `Proxy.address` and everything is passed on to the server, until somebody cuts the line, lets
it stall (the connection stays up and nothing arrives), slows it down, or loses the answer to one particular request.
The last one is how a COMMIT becomes ambiguous: it was done, and the client is told that the connection broke.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["Proxy", "proxied"]

_BYTES = 1 << 16
_TICK_SECONDS = 0.1  # how often a thread at rest looks whether it may end


def proxied(url: str) -> tuple[Proxy, str]:
    """A proxy in front of the server of a PostgreSQL or MySQL URL, and the URL that goes through it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    port = parts.port or (5432 if parts.scheme.startswith("postgres") else 3306)
    folder = query.pop("host", "")
    if folder.startswith("/"):
        proxy = Proxy(Path(folder) / f".s.PGSQL.{query.pop('port', port)}")
    else:
        proxy = Proxy((folder or parts.hostname or "127.0.0.1", port))
    user, at, _ = parts.netloc.rpartition("@")
    host, number = proxy.address
    return proxy, urlunsplit(parts._replace(netloc=f"{user}{at}{host}:{number}", query=urlencode(query)))


class _Line:
    """One connection from the wizard and its counterpart to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.deaf = False  # what the server answers is lost

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Passes on to `server`: (host, port), or the path of a Unix socket.  Use it as a context, or call `close`."""

    def __init__(self, server: tuple[str, int] | Path) -> None:
        self._server = server
        self._lines: set[_Line] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._delay = 0.0
        self._refusing = False
        self._lose_after = b""
        self._budget: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_TICK_SECONDS)
        self._start(self._accept)

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect instead of the server."""
        host, port = self._listener.getsockname()
        return str(host), int(port)

    @property
    def lines(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._lines)

    def cut(self) -> None:
        """Every connection breaks, and new ones are refused until `heal`."""
        self._refusing = True
        self._break_all()

    def blip(self) -> None:
        """Every connection breaks; new ones work."""
        self._break_all()

    def stall(self) -> None:
        """Connections stay up, but nothing passes until `heal`."""
        self._flowing.clear()

    def delay(self, seconds: float) -> None:
        """Each piece that passes, up to 64 KiB, waits so long first."""
        self._delay = seconds

    def lose_answer_to(self, request: bytes) -> None:
        """Once: when `request` goes by it reaches the server, but the connection breaks before the answer."""
        self._lose_after = request

    def cut_after(self, count: int) -> None:
        """Once: every connection breaks when the wizard has sent `count` more bytes."""
        self._budget = count

    def heal(self) -> None:
        """The network is well again."""
        self._refusing, self._delay, self._lose_after, self._budget = False, 0.0, b"", None
        self._flowing.set()

    def close(self) -> None:
        """End all connections and threads."""
        self._closed.set()
        self._flowing.set()
        self._listener.close()
        self._break_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name="proxy", daemon=True)  # type: ignore[arg-type]
        with self._lock:
            self._threads = [old for old in self._threads if old.is_alive()]
            self._threads.append(thread)
        thread.start()

    def _break_all(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            line = _Line(client, server)
            with self._lock:
                self._lines.add(line)
            self._start(self._pump, line, client, server, True)
            self._start(self._pump, line, server, client, False)

    def _connect(self) -> socket.socket:
        if self._refusing:
            raise ConnectionRefusedError
        if isinstance(self._server, Path):
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server))
            except OSError:
                server.close()
                raise
            return server
        server = socket.create_connection(self._server, timeout=5)
        server.settimeout(None)
        return server

    def _pump(self, line: _Line, source: socket.socket, to: socket.socket, asking: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_BYTES):
                if self._delay:
                    self._closed.wait(self._delay)
                self._flowing.wait()
                if not asking and line.deaf:
                    break
                if asking:
                    data = self._ration(line, data)
                to.sendall(data)
                if asking and self._budget == 0:
                    self._budget = None
                    break
        with self._lock:
            self._lines.discard(line)
        line.close()

    def _ration(self, line: _Line, data: bytes) -> bytes:
        """What of `data` still gets through."""
        if self._lose_after and self._lose_after in data:
            self._lose_after, line.deaf = b"", True
        if self._budget is not None:
            data = data[: self._budget]
            self._budget -= len(data)
        return data
