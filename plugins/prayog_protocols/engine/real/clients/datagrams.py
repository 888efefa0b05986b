"""UDP and TCP: the same words, with and without borders, with and without anybody who notices a loss."""

from __future__ import annotations

import socket
from typing import Any

WORDS = (b"Hi", b"okay", b"start")


def borders(lab: Any) -> None:
    with socket.create_connection(("127.0.0.1", lab.port("stream")), 5) as line:
        for word in WORDS:
            line.sendall(word)
        line.shutdown(socket.SHUT_WR)
        lab.tell("stream", writes=len(WORDS), answer=line.recv(100).decode())
    lab.server("count").heard.clear()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for word in (*WORDS, b"how many?"):
            line.sendto(word, ("127.0.0.1", lab.port("count")))
        lab.tell("datagrams", writes=len(WORDS), answer=line.recvfrom(100)[0].decode())


def loss(lab: Any) -> None:
    lab.server("count").heard.clear()
    port = lab.port("count")
    lab.tap.lose(port, {4, 9, 15})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for number in range(1, 21):
            line.sendto(b"price %d" % number, ("127.0.0.1", port))
        line.sendto(b"how many?", ("127.0.0.1", port))
        lab.tell("delivered", sent=20, answer=line.recvfrom(100)[0].decode())
    lab.tap.lose(port, set())
