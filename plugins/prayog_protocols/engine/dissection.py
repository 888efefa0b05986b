"""How layers follow each other, and what they know while a packet is taken apart.

Bytes may be broken, cut short or made to hurt.  Rules
1. Nothing raises: a layer that cannot go on says why, at the bit where it stopped, and the rest is shown as bytes.
2. Nothing hangs: every loop takes bytes or ends, layers are at most `DEEPEST` deep.
3. Nothing is believed about a length before it has been compared with what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from prayog_protocols.engine.checksum import internet, pseudo_header
from prayog_protocols.engine.spec import Field, Kind, Protocol
from prayog_protocols.engine.tree import Node, Note, Packet, Piece, Source

if TYPE_CHECKING:
    from prayog_protocols.engine.registry import Registry

__all__ = ["DEEPEST", "Context", "Dissection", "Stop"]

DEEPEST = 40
MOST_SOURCES = 400  # put-together and decrypted sources of one packet


class Stop(Exception):
    """A layer cannot be read further, and the note about it has been made.

    With an argument the layer goes up to that byte all the same: something in it is broken; without one it ends where
    it stopped: a rule of it is broken.
    """


class Context:
    """What is known beside the packet's own bytes.  This one knows nothing: a packet alone.

    A capture has one that knows the packets before it (`streams.following`).
    """

    def frame(self, c: Dissection) -> None:
        """Add what is known about the frame as a whole."""

    def transport(self, c: Dissection, out: list[Node], data: bytes, at: int, end: int, src: int, dst: int) -> bool:
        """Add what is known about a TCP segment or UDP datagram between ports, and its application layers.

        False when nothing is known about it, so that the payload is looked at alone.
        """
        return False

    def fragment(self, c: Dissection, out: list[Node], at: int, end: int) -> tuple[int, int, int] | None:
        """The put-together datagram that ends with this fragment, as (source, at, end)."""
        return None

    def exchange(self, c: Dissection, out: list[Node], protocol: str, asks: bool, key: tuple[int, ...]) -> None:
        """Add which packet answers this one of a ping, or which one it answers."""

    def moment(self) -> int | None:
        """When the packet was captured; None when nobody knows."""
        return None

    def moment_of(self, index: int) -> int | None:
        """When another packet was captured."""
        return None


ALONE = Context()


class Dissection:
    """One packet at work."""

    __slots__ = (
        "context", "covered", "data", "depth", "depth_of_ip", "following", "fragment", "hello", "later", "layer",
        "number", "outer", "over_tcp", "packet", "payload_end", "queue", "quoted", "registry", "source", "state",
        "stream", "verify", "wire_size",
    )  # fmt: skip

    def __init__(
        self, registry: Registry, data: bytes, number: int = 1, context: Context = ALONE, wire_size: int | None = None,
        verify: bool = False,
    ) -> None:  # fmt: skip
        self.registry = registry
        self.packet = Packet(number, [Source("Frame", data)])
        self.number = number
        self.context = context
        self.source = 0  # in which the layer at work lies
        self.data = data
        self.wire_size = len(data) if wire_size is None else wire_size  # before the capture cut it
        self.layer: Node | None = None  # at work
        self.following: tuple[Protocol | None, int, int, int] | None = None  # (protocol, source, at, end)
        self.depth_of_ip = (
            0  # how many IP headers there were: what is inside a tunnel is no conversation of the capture
        )
        self.queue: list[
            tuple[Protocol | None, int, int, int, Any]
        ] = []  # further layers beside each other, with state
        self.later: list[Callable[[], None]] = []  # to be done when all layers are known
        self.depth = 0
        self.covered = -1
        self.outer: dict[str, Any] = {}  # what upper layers want to know of lower ones: "src", "dst", "proto" of IP
        self.state: Any = None  # of a conversation, for the protocol that asked for it
        self.verify = verify  # compute check sums again (loopback and the sending machine often leave them unfinished)
        self.fragment = False  # inside a piece of a packet: what follows is not whole
        self.stream = False  # the packet is of a TCP connection
        self.hello = 0  # type of the handshake message at work, where it does not stand before it
        self.over_tcp = False  # the layer at work is a message from a TCP stream
        self.quoted = False  # inside an ICMP error: only the beginning of a packet that went wrong
        self.payload_end: int | None = None  # where the packet that the frame carries ends

    # ── what a spec says while it runs ──────────────────────────────────────────────────────────────────────────

    def follow(self, table: str, key: Any, at: int, end: int) -> None:
        """The next layer is the one that `table` has under `key`; unknown ones are shown as data."""
        self.following = (self.registry.find(table, key), self.source, at, end)

    def follow_protocol(self, protocol: Protocol | None, source: int, at: int, end: int) -> None:
        """The next layer is `protocol`, which may lie in another source."""
        self.following = (protocol, source, at, end)

    def follow_port(self, table: str, src: int, dst: int, at: int, end: int) -> None:
        """The next layer is the one of either port, the lower one first, as servers sit there."""
        tables = self.registry.tables.get(table, {})
        low, high = min(src, dst), max(src, dst)
        self.following = (tables.get(low) or tables.get(high), self.source, at, end)

    def packet_end(self, at: int) -> None:
        """The packet inside the frame ends here; what comes after it is padding."""
        self.depth_of_ip += 1
        if self.payload_end is None and self.source == 0:
            self.payload_end = at

    def tls_version(self) -> int:
        """The version of TLS that is spoken, as far as it is known."""
        return int(getattr(self.state, "version", 0x0303))

    def key_exchange(self) -> str:
        """How the TLS keys are agreed on: "ecdhe", or empty for others."""
        return str(getattr(self.state, "exchange", ""))

    def cover(self, end: int) -> None:
        """The layer at work holds everything up to here, although other layers follow inside."""
        self.covered = end

    def sum_status(self, data: bytes, start: int, end: int, proto: int, name: str) -> int:
        """Whether the check sum of an ICMP message fits: 0 no, 1 yes, 2 it cannot be told."""
        if self.is_cut(end) or self.fragment or self.quoted:
            return 2
        pseudo = (
            pseudo_header(self.outer["src"], self.outer["dst"], proto, end - start) if proto and self.outer else b""
        )
        good = internet(pseudo, data[start:end]) == 0
        if not good:
            self.note("error", "The check sum does not fit.", (start + 2) * 8, 16)
        return int(good)

    def is_cut(self, end: int) -> bool:
        """The capture kept only the beginning of these bytes."""
        return self.source == 0 and len(self.data) < self.wire_size and end >= len(self.data)

    def note(
        self, severity: str, sentence: str, start: int = 0, bits: int = 0, source: int | None = None,
        field: Field | None = None,
    ) -> None:  # fmt: skip
        """Say something about some bits."""
        if len(self.packet.notes) < 1000:
            where = self.source if source is None else source
            self.packet.notes.append(Note(severity, sentence, where, start, bits, field))

    def cut(self, out: list[Node], field: Field, at: int, end: int, needed: int) -> NoReturn:
        """`field` needs `needed` bytes and there are fewer: say so, show what is there, and stop the layer."""
        there = max(0, end - at)
        label = field.label or field.name
        if needed < 0:
            self.note("error", f"{label}: its length works out as {needed} bytes.", at * 8, there * 8)
            raise Stop
        if self.is_cut(end):
            self.note(
                "note", f"The capture kept {len(self.data)} of {self.wire_size} bytes; {label} is cut off after "
                        f"{there} of {needed} bytes.", at * 8, there * 8,
            )  # fmt: skip
        else:
            self.note("error", f"{label} needs {needed} bytes, and {there} are left.", at * 8, there * 8)
        if there and field.kind in (Kind.BYTES, Kind.TEXT):
            piece = self.packet.sources[self.source].data[at:end]
            value = piece if field.kind is Kind.BYTES else piece.decode(field.encoding, "replace")
            out.append(Node(field, self.source, at * 8, there * 8, value))
        raise Stop(end)

    def quoted_payload(self, at: int, end: int) -> None:
        """What an ICMP error quotes beyond the headers is shown as data."""
        self.following = (None, self.source, at, end) if end > at else None

    def add_pieces(self, name: str, data: bytes, pieces: tuple[tuple[int, int, int, int], ...]) -> int:
        """A source put together from (frame, offset in the whole, offset in the frame, size)."""
        return self.add_source(name, data, tuple(Piece(frame, at, size) for frame, _, at, size in pieces))

    def add_source(self, name: str, data: bytes, pieces: tuple[Piece, ...] = ()) -> int:
        """A further source of bytes; returns its number."""
        if len(self.packet.sources) >= MOST_SOURCES:
            self.note("warning", f"More than {MOST_SOURCES} put-together parts: the rest is not shown.")
            raise Stop
        self.packet.sources.append(Source(name, data, pieces))
        return len(self.packet.sources) - 1

    # ── the driver ──────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, protocol: Protocol | None, at: int = 0, end: int | None = None, source: int = 0) -> None:
        """Take `protocol` and everything after it apart, from byte `at` to byte `end` of a source."""
        sources = self.packet.sources
        stop = len(sources[source].data) if end is None else end
        if not self.depth:
            self.context.frame(self)
        layers, nothing, code = self.packet.layers, self.registry.data, self.registry.code
        while True:
            self.depth += 1
            if self.depth > DEEPEST:
                self.note("error", f"More than {DEEPEST} layers in one packet: the rest is shown as data.", at * 8, 0)
                protocol = None
            if protocol is None:
                protocol = nothing
            node = Node(protocol.own, source, at << 3, 0, None, [])
            layers.append(node)
            self.layer, self.source, self.covered, self.following = node, source, -1, None
            try:
                last = code(protocol).tree(self, node.children, sources[source].data, at, stop)
                node.bits = ((last if last > self.covered else self.covered) << 3) - node.start
            except Stop as stopped:
                self._stopped(node, stopped)
            except Exception as problem:  # noqa: BLE001 - rule 1; the fuzz tests ask that it is never needed
                self.note("error", f"{protocol.title} could not be read ({problem!r}); this is a fault of the program.",
                          at * 8, (stop - at) * 8)  # fmt: skip
                self._stopped(node, Stop())
            following = self.following
            if following is not None and following[2] < following[3] and self.depth <= DEEPEST:
                protocol, source, at, stop = following
            elif self.queue:
                protocol, source, at, stop, self.state = self.queue.pop(0)
                self.depth, self.over_tcp = 1, self.stream
            else:
                break
        while self.later:
            self.later.pop()()

    def _stopped(self, node: Node, stopped: Stop) -> None:
        """A layer could not be read to its end."""
        self.following = None
        close(node)
        if stopped.args:
            node.bits = stopped.args[0] * 8 - node.start


def close(node: Node) -> None:
    """Give the branches that a stop left open the bits of what was read."""
    for child in node.children[-1:]:
        if child.bits == 0 and child.children:
            close(child)
    node.bits = max(
        max((child.end for child in node.children if child.source == node.source), default=0) - node.start, 0
    )
