"""A capture: the records of a file, their columns, and packets dissected when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol

from prayog_protocols.engine.capture import columns, packed, pcap, pcapng
from prayog_protocols.engine.capture.columns import Columns
from prayog_protocols.engine.capture.records import Bytes, CaptureError, Interface, Records
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.listing import Row, row
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.streams.analysis import Finding, Label, analyse
from prayog_protocols.engine.streams.assembly import Side, assemble
from prayog_protocols.engine.streams.flows import Flows
from prayog_protocols.engine.streams.following import Following
from prayog_protocols.engine.streams.kept import Kept
from prayog_protocols.engine.streams.pings import match_pings
from prayog_protocols.engine.streams.segments import datagrams_of, segments_of
from prayog_protocols.engine.streams.transfers import ftp_transfers
from prayog_protocols.engine.talks.choosing import choose
from prayog_protocols.engine.talks.datagrams import Talked, listen
from prayog_protocols.engine.talks.talk import Talk, repeat, talk
from prayog_protocols.engine.tls.keylog import KeyLog
from prayog_protocols.engine.tree import Packet

__all__ = ["Capture"]

_RESENT = Label.RETRANSMISSION | Label.SPURIOUS


class Reader(Protocol):
    """Another process that has the same file open (`real.reader`)."""

    def ask(self, context: Any, capture: Capture, fn: Callable[..., Any], *args: Any) -> Any:
        """``fn(capture, *args)``."""
        ...

    def stream(self, context: Any, capture: Capture, fn: Callable[..., Any], *args: Any) -> Iterator[Any]:
        """What ``fn(capture, *args)`` yields."""
        ...


class Capture:
    """A capture file in memory or mapped.  Packets are counted from 0 here, and from 1 in `Packet.number`.

    Raises `CaptureError` when the bytes are no capture.  What is damaged is in `records.problems`, and the packets
    before it can be read.
    """

    def __init__(
        self, data: Bytes, name: str = "", registry: Registry = REGISTRY, progress: Callable[[int], bool] | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.data, self.name, self.registry = data, name, registry
        self.records: Records = _read(data, progress)
        self.columns: Columns = columns.read(data, self.records)
        self._findings = Kept[dict[int, Finding]]()
        self._talks = Kept[Talk]()
        self._listened = Kept[Talked]()
        self.keys = KeyLog()  # secrets of TLS sessions; those of the file are in it
        for secrets in self.records.secrets:
            self.keys.add(secrets.data)
        self.speaks: dict[int, str] = {}  # port -> protocol, where the port does not tell: "smtp", "http", …
        self.verify = False  # compute check sums of packets again
        self.reader: Reader | None = None  # answers what would take long, where the bytes are those of a file
        self._release = release  # gives back the file

    def __len__(self) -> int:
        return len(self.records)

    def close(self) -> None:
        """Give back the file.  Nothing can be read after that."""
        self.data = b""
        self._release()

    def raw(self, index: int) -> bytes:
        """The bytes of a packet."""
        at = int(self.records.offsets[index])
        return bytes(self.data[at : at + int(self.records.captured[index])])

    def interface(self, index: int) -> Interface:
        """Where a packet was captured."""
        number = 0 if self.records.interface is None else int(self.records.interface[index])
        return self.records.interfaces[number]

    def packet(self, index: int) -> Packet:
        """A packet taken apart, with what the packets before it tell."""
        c = Dissection(
            self.registry,
            self.raw(index),
            index + 1,
            Following(self, index),
            int(self.records.lengths[index]),
            self.verify,
        )
        c.run(self.registry.find("link", self.interface(index).link))
        return c.packet

    def row(self, index: int) -> Row:
        """A packet as one line of a list."""
        since = int(self.records.times[index]) - int(self.records.times[0])
        return row(self.registry, self.packet(index), since, int(self.records.lengths[index]))

    def decode_as(self, port: int, protocol: str) -> None:
        """From now on `port` speaks `protocol`; conversations are read anew."""
        self.speaks[port] = protocol
        self._talks, self._listened = Kept[Talk](), Kept[Talked]()
        self.__dict__.pop("transfers", None)

    # ── what packets tell about each other, worked out when first asked ─────────────────────────────────────────

    @cached_property
    def flows(self) -> Flows:
        """Connections and conversations."""
        return Flows(self.data, self.records, self.columns)

    def findings(self, number: int) -> dict[int, Finding]:
        """What analysis tells about the segments of a TCP connection, by index of the packet."""
        known = self._findings.get(number)
        if known is None:
            segments = segments_of(self, number)
            found = analyse(segments, number in self.flows.again, self.transfers.get(number, "PORT") != "PORT")
            known = {segment.index: finding for segment, finding in zip(segments, found, strict=True)}
            self._findings[number] = known
        return known

    def piece(self, index: int, at: int, size: int) -> bytes:
        """Some bytes of a packet."""
        start = int(self.records.offsets[index]) + at
        return bytes(self.data[start : start + size])

    def sides(self, number: int) -> tuple[Side, Side]:
        """The bytes of a TCP connection in order: of the server, and of the client."""
        return assemble(segments_of(self, number))

    def talk(self, number: int) -> Talk:
        """The messages of a TCP connection."""
        known = self._talks.get(number)
        if known is None:
            flow = self.flows.flow(6, number)
            ports = (flow.server[1], flow.client[1])  # a client's port may be one where another server listened
            said = next((self.speaks[port] for port in ports if port in self.speaks), "")
            if not said and number in self.transfers:
                said = "ftp-data"
            sides = self.sides(number)
            known = talk(sides, self.piece, lambda direction, data: choose(ports, said, direction, data, self.keys))
            for direction, side in enumerate(sides):
                if side.again:
                    labels = self.findings(number)
                    # As in Wireshark, a plain retransmission is not part of what is put together.
                    repeat(known, direction, (one for one in side.again if not labels[one.index].labels & _RESENT))
            self._talks[number] = known
        return known

    @cached_property
    def transfers(self) -> dict[int, str]:
        """TCP connections that an FTP control connection announced for data, and with which word."""
        return ftp_transfers(self)

    def datagrams(self, number: int) -> Talked:
        """What is known about the datagrams of a UDP conversation."""
        known = self._listened.get(number)
        if known is None:
            flow = self.flows.flow(17, number)
            ports = (flow.server[1], flow.client[1])  # a client's port may be one where another server listened
            said = next((self.speaks[port] for port in ports if port in self.speaks), "")
            known = listen(ports, said, datagrams_of(self, number), self.piece, self.keys)
            self._listened[number] = known
        return known

    @cached_property
    def pings(self) -> tuple[dict[int, int], dict[int, int]]:
        """Echo request -> reply, and reply -> request, by index."""
        return match_pings(self)


def _read(data: Bytes, progress: Callable[[int], bool] | None) -> Records:
    magic = bytes(data[:4])
    if magic == pcapng.MAGIC:
        return pcapng.read(data, progress)
    if magic in pcap.MAGICS:
        return pcap.read(data, progress)
    if magic.startswith(packed.MAGIC):
        raise CaptureError("this is packed with gzip: open it as a file (`open_capture`), which unpacks it")
    found = magic.hex(" ") if magic else "nothing: the file is empty"
    raise CaptureError("no capture file: pcap and pcapng begin with a1 b2 c3 d4 (in either order) or 0a 0d 0d 0a, "
                       f"this one with {found}")  # fmt: skip
