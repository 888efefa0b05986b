"""The network that can be broken."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from prayog_migration.engine.real.proxy import Proxy


@pytest.fixture
def echo() -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """A server that answers what it is asked, and what it got."""
    got: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(line: socket.socket) -> None:
        with line, suppress(OSError):
            while data := line.recv(4096):
                got.append(data)
                line.sendall(data)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname(), got
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def ask(line: socket.socket, data: bytes) -> bytes:
    line.sendall(data)
    return line.recv(4096)


def test_what_can_happen_to_a_line(echo: tuple[tuple[str, int], list[bytes]]) -> None:
    server, got = echo
    with Proxy(server) as proxy:
        line = socket.create_connection(proxy.address)
        line.settimeout(5)
        assert ask(line, b"namaste") == b"namaste"
        proxy.stall()
        line.sendall(b"waiting")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(4096)
        line.settimeout(5)
        proxy.heal()
        assert line.recv(4096) == b"waiting"
        proxy.cut()
        assert line.recv(4096) == b""
        refused = socket.create_connection(proxy.address)
        refused.settimeout(5)
        with suppress(ConnectionError):
            assert refused.recv(4096) == b""
        proxy.heal()
        again = socket.create_connection(proxy.address)
        again.settimeout(5)
        assert ask(again, b"back") == b"back"
        proxy.lose_answer_to(b"COMMIT")
        again.sendall(b"COMMIT")
        with suppress(ConnectionError):
            assert again.recv(4096) == b"", "the connection breaks before the answer"
        assert got[-1] == b"COMMIT", "but the server got it"
        for end in (line, refused, again):
            end.close()
    until = time.monotonic() + 5
    while any(thread.name == "proxy" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(thread.name == "proxy" for thread in threading.enumerate())


def test_a_line_that_breaks_after_some_bytes(echo: tuple[tuple[str, int], list[bytes]]) -> None:
    server, got = echo
    with Proxy(server) as proxy:
        proxy.cut_after(10)
        with socket.create_connection(proxy.address) as line:
            line.settimeout(5)
            with suppress(ConnectionError):
                line.sendall(b"x" * 100)
                while line.recv(4096):
                    pass
        until = time.monotonic() + 5
        while sum(map(len, got)) < 10 and time.monotonic() < until:
            time.sleep(0.01)
        assert sum(map(len, got)) == 10
