"""Captures made for the tests: conversations written down as who says what, with real headers around them."""

from __future__ import annotations

import io
from collections.abc import Iterable

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.protocols import REGISTRY

MSS = 1460
Said = tuple[str, bytes]  # (">" from the client or "<" from the server, bytes)
SYN, ACK, PSH, FIN = 2, 16, 8, 1


class Made:
    """A capture that grows packet by packet; `done` gives its bytes."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._writer = Writer(self._file, "made for a test")
        self._writer.interface(1, "test")
        self._now = 1_700_000_000_000_000_000
        self._id = 0
        self._port = 40000

    def secrets(self, log: str) -> None:
        """Keys for the packets that follow."""
        self._writer.secrets(log)

    def frame(self, data: bytes, comment: str = "", wait_us: int = 1000) -> None:
        """One packet, some time after the one before."""
        self._now += wait_us * 1000
        self._writer.packet(data, self._now, comment=comment)

    def packet(self, *layers: Draft | bytes, src: str = "10.0.0.1", dst: str = "10.0.0.2", wait_us: int = 1000) -> None:
        """One IPv4 packet."""
        self._id += 1
        ip = Draft("ip", {"src": src, "dst": dst, "id": self._id})
        self.frame(build(REGISTRY, [Draft("eth"), ip, *layers]).data, wait_us=wait_us)

    def udp(self, port: int, said: Iterable[Said], client: int = 0) -> None:
        """Datagrams between a client and the server's `port`."""
        self._port += 1
        client = client or self._port
        for who, data in said:
            if who == ">":
                self.packet(Draft("udp", {"srcport": client, "dstport": port}), data)
            else:
                ports = {"srcport": port, "dstport": client}
                self.packet(Draft("udp", ports), data, src="10.0.0.2", dst="10.0.0.1")

    def tcp(self, port: int, said: Iterable[Said], mss: int = MSS, client: int = 0, close: bool = True) -> None:
        """A whole connection to the server's `port`: handshake, what is said in segments of `mss`, and the end."""
        self._port += 1
        client = client or self._port
        seq = {">": 1000, "<": 5000}
        other = {">": "<", "<": ">"}

        def send(who: str, flags: int, data: bytes = b"", options: list[dict[str, int]] | None = None) -> None:
            ports = {"srcport": client, "dstport": port} if who == ">" else {"srcport": port, "dstport": client}
            ack = seq[other[who]] if flags & ACK else 0
            head = {
                **ports,
                "seq_raw": seq[who],
                "ack_raw": ack,
                "flags": flags,
                **({"options": options} if options else {}),
            }
            src, dst = ("10.0.0.1", "10.0.0.2") if who == ">" else ("10.0.0.2", "10.0.0.1")
            self.packet(Draft("tcp", head), data, src=src, dst=dst)
            seq[who] += len(data) + bool(flags & (SYN | FIN))

        options = [{"option_kind": 2, "mss_val": mss}, {"option_kind": 1}, {"option_kind": 3, "shift": 7}]
        send(">", SYN, options=options)
        send("<", SYN | ACK, options=options)
        send(">", ACK)
        for who, data in said:
            for at in range(0, len(data), mss):
                send(who, ACK | (PSH if at + mss >= len(data) else 0), data[at : at + mss])
            send(other[who], ACK)
        if close:
            for who in (">", "<"):
                send(who, ACK | FIN)
                send(other[who], ACK)

    def done(self) -> bytes:
        """The file."""
        return self._file.getvalue()
