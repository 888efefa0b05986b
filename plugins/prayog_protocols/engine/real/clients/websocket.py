"""WebSocket: an HTTP request that becomes a line for both."""

from __future__ import annotations

from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


def enter(lab: Any) -> ClientConnection:
    where = f"ws://127.0.0.1:{lab.port('websocket')}/chat"
    return connect(
        where, compression=None, ping_interval=None, open_timeout=5, close_timeout=1, user_agent_header="browser"
    )


def chat(lab: Any) -> None:
    asha, ravi = enter(lab), enter(lab)
    asha.send("Namaste Ravi")
    first = ravi.recv(5)
    ravi.send("Namaste Asha")
    second = asha.recv(5)
    asha.close()
    ravi.close()
    lab.tell("chat", heard=[first, second], connections=2, direct=False)


def fragments(lab: Any) -> None:
    line = enter(lab)

    def words() -> Any:
        yield "The train "
        line.ping(b"still there?")
        yield "leaves "
        yield "at five."

    line.send(words())
    lab.tell("fragments", frames=3, answer=line.recv(5))
    line.close()


def closing(lab: Any) -> None:
    line = enter(lab)
    line.send("bye")
    try:
        line.recv(5)
    except ConnectionClosed as end:
        code, reason = (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
        lab.tell("closed", code=code, reason=reason, first="server" if end.rcvd_then_sent else "client")


def large(lab: Any) -> None:
    line = enter(lab)
    line.send(bytes(70_000))
    lab.tell("large", answer=line.recv(5))
    line.close()
