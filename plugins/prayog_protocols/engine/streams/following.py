"""What a capture knows about a packet beside its bytes: the context that is handed to a dissection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_protocols.engine.dissection import Context, Dissection
from prayog_protocols.engine.protocols import frame as frame_fields
from prayog_protocols.engine.protocols import icmp, icmpv6, ipv4, ipv6, tcp_derived, udp
from prayog_protocols.engine.protocols.tcp_options import EDGES
from prayog_protocols.engine.spec import Field
from prayog_protocols.engine.streams.analysis import Finding, Label
from prayog_protocols.engine.talks.talk import Unit
from prayog_protocols.engine.tree import Marked, Node, Piece

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Following"]

T = tcp_derived
_LABELS: tuple[tuple[Label, Field], ...] = (
    (Label.RETRANSMISSION, T.RETRANSMISSION), (Label.FAST, T.FAST), (Label.SPURIOUS, T.SPURIOUS),
    (Label.OUT_OF_ORDER, T.OUT_OF_ORDER), (Label.LOST, T.LOST), (Label.ACK_LOST, T.ACK_LOST),
    (Label.DUPLICATE_ACK, T.DUPLICATE), (Label.KEEP_ALIVE, T.KEEP_ALIVE), (Label.KEEP_ALIVE_ACK, T.KEEP_ALIVE_ACK),
    (Label.WINDOW_UPDATE, T.WINDOW_UPDATE), (Label.WINDOW_FULL, T.WINDOW_FULL), (Label.ZERO_WINDOW, T.ZERO_WINDOW),
    (Label.PROBE, T.PROBE), (Label.PROBE_ACK, T.PROBE_ACK), (Label.REUSED, T.REUSED),
)  # fmt: skip
_UNUSUAL = Label.OUT_OF_ORDER | Label.LOST | Label.ACK_LOST | Label.WINDOW_FULL | Label.ZERO_WINDOW
# Link types of capture files, as Wireshark numbers them inside.
_ENCAPSULATIONS = {1: 1, 0: 15, 108: 15, 12: 7, 14: 7, 101: 7, 228: 129, 229: 130, 113: 25, 276: 210, 248: 149}
_PLAIN = {"imf": "Mail"}
_LETTERS = "RRRACEUAPRSF"


class Following(Context):
    """The context of one packet of a capture."""

    def __init__(self, capture: Capture, index: int) -> None:
        self.capture, self.index = capture, index

    def moment(self) -> int | None:
        return int(self.capture.records.times[self.index])

    def moment_of(self, index: int) -> int | None:
        return int(self.capture.records.times[index]) if index >= 0 else None

    # ── the frame ───────────────────────────────────────────────────────────────────────────────────────────────

    def frame(self, c: Dissection) -> None:
        records, index = self.capture.records, self.index
        times = records.times
        now = int(times[index])
        f = frame_fields
        layer = Node(f.FRAME.own, 0, 0, len(c.data) * 8, None, [])
        layer.children = out = []
        number = 0 if records.interface is None else int(records.interface[index])
        if records.format == "pcapng":
            interface = Node(f.INTERFACE, 0, 0, 0, number, [])
            out.append(interface)
            described = records.interfaces[number]
            names = [(f.INTERFACE_NAME, described.name), (f.INTERFACE_DESCRIPTION, described.description)]
            interface.children = [Node(field, 0, 0, 0, text) for field, text in names if text]
        encapsulation = _ENCAPSULATIONS.get(self.capture.interface(index).link, 0)
        if records.format == "pcapng":
            out.insert(0, Node(f.SECTION, 0, 0, 0, 1))
        values: list[tuple[Field, object]] = [
            (f.ENCAPSULATION, encapsulation), (f.TIME, now), (f.EPOCH, now),
            (f.DELTA, now - int(times[index - 1]) if index else 0),
            (f.RELATIVE, now - int(times[0])), (f.NUMBER, index + 1), (f.LENGTH, int(records.lengths[index])),
            (f.CAPTURED, len(c.data)),
        ]  # fmt: skip
        out += [Node(field, 0, 0, 0, value) for field, value in values]
        out += [Node(f.COMMENT, 0, 0, 0, comment) for comment in records.comments.get(index, ())]
        c.packet.layers.append(layer)

    # ── fragments and pings ─────────────────────────────────────────────────────────────────────────────────────

    def fragment(self, c: Dissection, out: list[Node], at: int, end: int) -> tuple[int, int, int] | None:
        datagram = self.capture.flows.fragments.of.get(self.index) if c.source == 0 and not c.quoted else None
        if datagram is None or datagram.done < 0:
            return None
        module = ipv4 if c.outer["name"] == "ip" else ipv6
        if datagram.done != self.index:
            out.append(Node(module.REASSEMBLED_IN, c.source, at * 8, 0, datagram.done + 1))
            return None
        data = datagram.bytes_from(self.capture.data, self.capture.records)
        pieces = tuple(
            (part.index + 1, part.offset, part.at, part.size)
            for part in sorted(datagram.parts, key=lambda one: one.offset)
        )
        source = c.add_pieces("Reassembled " + c.outer["name"].replace("ip", "IP"), data, pieces)
        begin = c.layer.start >> 3 if c.layer is not None else 0
        shown = data if module is ipv4 else None
        whole = Marked(module.FRAGMENTS, source, 0, len(data) * 8, shown, begin, len(data), [])
        whole.children = [
            Node(module.FRAGMENT, source, offset * 8, size * 8, frame) for frame, offset, _, size in pieces
        ]
        whole.children.append(Node(module.FRAGMENT_COUNT, source, 0, 0, len(pieces)))
        whole.children.append(Node(module.REASSEMBLED_LENGTH, source, 0, 0, len(data)))
        whole.children.append(Node(module.REASSEMBLED_DATA, source, 0, len(data) * 8, data))
        out.append(whole)
        return source, 0, len(data)

    def exchange(self, c: Dissection, out: list[Node], protocol: str, asks: bool, key: tuple[int, ...]) -> None:
        if c.quoted:
            return
        answers, asked = self.capture.pings
        module = icmp if protocol == "icmp" else icmpv6
        start = c.layer.start if c.layer else 0
        if asks:
            answer = answers.get(self.index)
            if answer is not None:
                out.append(Node(module.RESPONSE_IN, c.source, start, 0, answer + 1))
            return
        request = asked.get(self.index)
        if request is not None:
            times = self.capture.records.times
            out.append(Node(module.RESPONSE_TO, c.source, start, 0, request + 1))
            took = (int(times[self.index]) - int(times[request])) / 1e6
            out.append(Node(module.RESPONSE_TIME, c.source, start, 0, took))

    # ── transport ───────────────────────────────────────────────────────────────────────────────────────────────

    def transport(self, c: Dissection, out: list[Node], data: bytes, at: int, end: int, src: int, dst: int) -> bool:
        flows = self.capture.flows
        own = flows.of(self.index) if c.depth_of_ip == 1 else None
        found = flows.quoted.get(self.index) if c.quoted else own
        if found is None:
            return False
        proto, number = found
        start = c.layer.start if c.layer else 0
        if proto == 6:
            return self._tcp(c, out, data, at, end, number, start)
        return self._udp(c, out, data, at, end, number, src, dst)

    def _udp(
        self, c: Dissection, out: list[Node], data: bytes, at: int, end: int, number: int, src: int, dst: int
    ) -> bool:
        place = at * 8
        out.append(Node(udp.STREAM, c.source, place, 0, number))
        place -= 64
        if c.quoted:
            udp.payload(c, out, data, at, end)
            c.quoted_payload(at, end)
            return True
        times, indexes = self.capture.records.times, self.capture.flows.indexes(17, number)
        here = int(indexes.searchsorted(self.index))
        now = int(times[self.index])
        out.append(Node(udp.RELATIVE, c.source, place, 0, now - int(times[indexes[0]])))
        out.append(Node(udp.DELTA, c.source, place, 0, now - int(times[indexes[max(0, here - 1)]])))
        udp.payload(c, out, data, at, end)
        talked = self.capture.datagrams(number)
        name = talked.protocol.get(self.index, "")
        c.queue.append((c.registry.protocols.get(name), c.source, at, end, talked.state.get(self.index)))
        return True

    def _tcp(self, c: Dissection, out: list[Node], data: bytes, at: int, end: int, number: int, start: int) -> bool:
        s = c.source
        if c.quoted:
            out.insert(2, Node(T.STREAM, s, start, 0, number))
            return True
        finding = self.capture.findings(number).get(self.index)
        if finding is None:
            return False
        size = end - at
        header = next((node.value for node in out if node.name == "tcp.hdr_len"), 20)
        said = max(size, c.outer.get("size", 0) - header)  # also what the capture cut off
        before = out[:]
        out.clear()
        for node in before:
            name = node.field.name
            if name == "tcp.seq_raw":
                out += [
                    Node(T.STREAM, s, start, 0, number), Node(T.COMPLETENESS, s, start, 0, finding.completeness),
                    Node(T.LENGTH, s, start, 0, said), Node(T.SEQ, s, node.start, 32, finding.seq),
                ]  # fmt: skip
            elif name == "tcp.ack_raw":
                out.append(Node(T.NEXT_SEQ, s, start, 0, finding.next_seq))
                out.append(Node(T.ACK, s, node.start, 32, finding.ack))
            out.append(node)
            if name == "tcp.flags":
                node.children = [*node.children, Node(T.FLAG_LETTERS, s, node.start - 4, 16, _letters(node.value))]
            elif name == "tcp.window_size_value":
                out.append(Node(T.WINDOW, s, node.start, 16, finding.window))
                if finding.scale is not None:
                    out.append(Node(T.SCALE, s, node.start, 16, finding.scale))
            elif name == "tcp.options":
                _relative_edges(node, finding.peer_base)
        out.append(Node(T.RELATIVE, s, start, 0, finding.since_first_ns))
        out.append(Node(T.DELTA, s, start, 0, finding.since_last_ns))
        _analysis(c, out, s, start, finding)
        if size > 0:
            out.append(Node(T.PAYLOAD, s, at * 8, size * 8, data[at:end]))
        if size > 0 or finding.flags & 1:
            self._messages(c, out, data, at, end, number)
        return True

    def _messages(self, c: Dissection, out: list[Node], data: bytes, at: int, end: int, number: int) -> None:
        """The application's messages that end in this segment, and what belongs to later ones."""
        talk, s = self.capture.talk(number), c.source
        pieces = list(talk.rest.get(self.index, ()))
        units = talk.ending.get(self.index, [])
        for unit in units:
            if len(unit.parts) > 1:
                pieces += [part for part in unit.parts if part.index == self.index]
        if not units and not pieces and end > at:  # seen before, or only a part of what was sent
            out.append(Node(T.SEGMENT_DATA, s, at * 8, (end - at) * 8, data[at:end]))
            return
        for part in sorted(pieces, key=lambda one: one.at):
            first, last = part.at - part.before, part.at + part.size
            out.append(Node(T.SEGMENT_DATA, s, first * 8, (last - first) * 8, data[first:last]))
        if self.index in talk.later:
            out.append(Node(T.REASSEMBLED_IN, s, at * 8, 0, talk.later[self.index] + 1))
        for unit in units:
            self._unit(c, out, unit, s, at, end)

    def _unit(self, c: Dissection, out: list[Node], unit: Unit, source: int, first: int, last: int) -> None:
        """Queue one message, and show what it was put together from.

        Of a conversation in an unknown language all that the segment carries is shown, from `first` to `last`.
        """
        part = unit.parts[0]
        at, end = (first, last) if not unit.protocol else (part.at, part.at + part.size)
        if len(unit.parts) > 1 or part.index != self.index:
            whole = b"".join(self.capture.piece(one.index, one.at, one.size) for one in unit.parts)
            pieces = tuple(Piece(one.index + 1, one.at, one.size) for one in unit.parts)
            source = c.add_source("Reassembled TCP", whole, pieces)
            branch = Node(T.SEGMENTS, source, 0, len(whole) * 8, None, [])
            segments = _segments(unit, source)
            segments.append(Node(T.SEGMENT_COUNT, source, 0, 0, len(segments)))
            segments.append(Node(T.REASSEMBLED_LENGTH, source, 0, 0, len(whole)))
            segments.append(Node(T.REASSEMBLED_DATA, source, 0, len(whole) * 8, whole))
            branch.children = segments
            out.append(branch)
            at, end = 0, len(whole)
        c.stream = True
        c.queue.append((self.capture.registry.protocols.get(unit.protocol), source, at, end, unit.state))
        for inner in unit.inner:
            if inner.plain is not None:
                plain = c.add_source(_PLAIN.get(inner.protocol, "Inside"), inner.plain)
                c.queue.append(
                    (self.capture.registry.protocols.get(inner.protocol), plain, 0, len(inner.plain), inner.state)
                )


def _segments(unit: Unit, source: int) -> list[Node]:
    """The segments that a message was put together from, with those that brought nothing new."""
    found: list[tuple[int, int, int, bool]] = []  # place, packet, bytes, some of them a second time
    place = 0
    for one in unit.parts:
        before = min(one.before, place)
        found.append((place - before, one.index, one.size + before, before > 0))
        place += one.size
    found += [(chunk.position - unit.position, chunk.index, chunk.size, True) for chunk in unit.again]
    nodes = []
    if all(one.index != unit.index for one in unit.parts):  # the end of the connection ended the message
        found.append((place, unit.index, 0, False))
    for at, index, size, again in sorted(found):
        overlap = [Node(T.OVERLAP, source, at * 8, 0, 1)] if again else []
        nodes.append(Node(T.SEGMENT, source, at * 8, size * 8, index + 1, overlap))
    return nodes


def _letters(flags: int) -> str:
    return "".join(letter if flags >> (11 - place) & 1 else "·" for place, letter in enumerate(_LETTERS))


def _relative_edges(options: Node, base: int) -> None:
    for option in options.children:
        for node in option.children:
            if node.field in EDGES:
                node.value = node.value - base & 0xFFFFFFFF


def _analysis(c: Dissection, out: list[Node], source: int, start: int, finding: Finding) -> None:
    """The branch with what analysis found, and a note for each label."""
    values: list[tuple[Field, object]] = [
        (T.ACKS_FRAME, finding.acks), (T.ACK_RTT, finding.ack_rtt_ns if finding.acks else 0),
        (T.INITIAL_RTT, finding.initial_rtt_ns), (T.IN_FLIGHT, finding.in_flight), (T.PUSH_SENT, finding.push_sent),
    ]  # fmt: skip
    children = [Node(field, source, start, 0, value) for field, value in values if value]
    alone = len(children) == 1 and children[0].field is T.INITIAL_RTT
    if alone and not finding.labels and not finding.rto_since and not finding.counted:
        return
    if finding.labels:
        flags = Node(T.FLAGS, source, start, 0, None, [])
        labels = finding.labels
        if labels & (Label.FAST | Label.SPURIOUS):
            labels |= Label.RETRANSMISSION
        flags.children = [
            Node(field, source, start if field is T.DUPLICATE else 0, 0, None)
            for label, field in _LABELS
            if labels & label
        ]
        children.append(flags)
        for label, field in _LABELS:
            if label & finding.labels:
                severity = "warning" if label & _UNUSUAL else "chat" if label is Label.WINDOW_UPDATE else "note"
                c.note(severity, f"{field.label}: {field.meaning}", start + 32, 32, field=field)
    if finding.duplicate:
        children.append(Node(T.DUPLICATE_NUMBER, source, start, 0, finding.duplicate))
        children.append(Node(T.DUPLICATE_OF, source, start, 0, finding.duplicate_of))
    if finding.rto_since:
        children.append(Node(T.RTO, source, start, 0, finding.rto_ns))
        children.append(Node(T.RTO_FRAME, source, start, 0, finding.rto_since))
    if children:
        out.append(Node(T.ANALYSIS, source, start, 0, None, children))
