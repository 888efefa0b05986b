"""The Domain Name System (RFC 1034, RFC 1035) over UDP and TCP, with EDNS (RFC 6891); also multicast DNS (RFC 6762)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.dns_records import OPTIONS, RDATA, TYPES, name
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    When,
    bits,
    branch,
    bytes_,
    flag,
    marked,
    uint,
)
from prayog_protocols.engine.tree import Node, walk

__all__ = ["DnsExchange"]

R = "RFC 1035 §4.1.1"
CLASSES = {1: "IN, Internet", 3: "CH, Chaos", 4: "HS, Hesiod", 254: "NONE", 255: "ANY"}
OPCODES = {
    0: "question",
    1: "inverse question (obsolete)",
    2: "status",
    4: "notify",
    5: "update",
    6: "stateful operations",
}
RCODES = {
    0: "no error", 1: "the question is malformed", 2: "the server failed", 3: "there is no such name",
    4: "not implemented", 5: "refused", 6: "name exists and should not", 7: "records exist and should not",
    8: "records should exist", 9: "not authorised", 10: "name is not in the zone", 16: "bad version or signature",
    23: "bad cookie",
}  # fmt: skip


@dataclass(slots=True)
class DnsExchange:
    """A question and its answer, by index of their packets; -1 where one was not seen."""

    question: int = -1
    answer: int = -1
    repeats: int = -1  # this one is sent again; the first was in that packet


RESPONSE_TO = Field(
    "dns.response_to", "Answers packet", Kind.FRAME, derived=True, meaning="The question with the same number."
)
RESPONSE_IN = Field("dns.response_in", "Answered in packet", Kind.FRAME, derived=True, meaning="Where the answer is.")
TIME = Field("dns.time", "Time to answer", Kind.DURATION, derived=True, unit="s", meaning="From question to answer.")
REPEATED_REQUEST = Field(
    "dns.retransmit_request_in",
    "Asked first in packet",
    Kind.FRAME,
    derived=True,
    meaning="The first packet with the same question.",
)
REPEATED_RESPONSE = Field(
    "dns.retransmit_response_in",
    "Answered first in packet",
    Kind.FRAME,
    derived=True,
    meaning="The first packet with the same answer.",
)
REPEATED = Field(
    "dns.retransmission",
    "Sent again",
    Kind.BOOL,
    derived=True,
    meaning="The same number was seen before: the client lost patience.",
)

_FLAGS = bits("dns.flags", 16, "Flags", marked(16,
    flag("dns.flags.response", "Answer", "Set: an answer; not set: a question.", R),
    uint("dns.flags.opcode", 4, "Operation", "What is wanted.", R, values=OPCODES),
    flag("dns.flags.authoritative", "Authoritative", "The server is responsible for the zone itself.", R),
    flag("dns.flags.truncated", "Truncated", "The answer did not fit: ask again over TCP.", R),
    flag("dns.flags.recdesired", "Recursion wanted", "Please ask others for me.", R),
    flag("dns.flags.recavail", "Recursion offered", "I ask others for you.", R),
    flag("dns.flags.z", "Reserved", "Must be 0.", R),
    flag("dns.flags.authenticated", "Authenticated", "The server has checked the signatures.", "RFC 4035 §3.2.3"),
    flag("dns.flags.checkdisable", "Do not check", "I check the signatures myself.", "RFC 4035 §3.2.2"),
    uint("dns.flags.rcode", 4, "Result", "How it went.", R, values=RCODES),
), "Question or answer, and how it went.", R, default=0x0100)  # fmt: skip


def _counts(first: str, second: str, third: str) -> tuple[Item, ...]:
    return (
        uint(f"dns.count.{first}", 16, "Questions", "How many follow.", R, auto="count('questions')", key="qd"),
        uint(f"dns.count.{second}", 16, "Answers", "How many follow.", R, auto="count('answers')", key="an"),
        uint(
            f"dns.count.{third}", 16, "Authorities", "How many follow.", R, auto="count('authorities')", key="ns_count"
        ),
        uint("dns.count.add_rr", 16, "Additional", "How many follow.", R, auto="count('additional')", key="ar"),
    )


def _class(prefix: str, key: str, multicast: bool, top: Field) -> tuple[Item, ...]:
    if not multicast:
        return (uint(f"{prefix}.class", 16, "Class", "1: the Internet.", "RFC 1035 §3.2.4", hex=True, values=CLASSES,
            default=1,
                     key=key),)  # fmt: skip
    return marked(16, top, uint(f"{prefix}.class", 15, "Class", "1: the Internet.", "RFC 1035 §3.2.4", hex=True,
        values=CLASSES,
                                default=1, key=key))  # fmt: skip


_NAME_LENGTH = Field(
    "dns.qry.name.len", "Length of the name", derived=True, key="", meaning="How many letters the name has."
)
_LABELS = Field("dns.count.labels", "Labels", derived=True, key="", meaning="Parts between the dots.")
_UNICAST = flag("dns.qry.qu", "Answer to me only", "Please do not answer to everybody.", "RFC 6762 §5.4")
_FLUSH = flag("dns.resp.cache_flush", "Flush", "Forget what you knew about this name.", "RFC 6762 §10.2")


def _questions(multicast: bool) -> Block:
    row = Block(branch("", "Question", caption="{qry_name}: {qry_type}"), (
        name("dns.qry.name", "Name", "What is looked for.", "RFC 1035 §4.1.2", "qry_name", _NAME_LENGTH, _LABELS),
        uint("dns.qry.type", 16, "Type", "Which kind of record.", "RFC 1035 §3.2.2", values=TYPES, default=1,
            key="qry_type"),
        *_class("dns.qry", "qry_class", multicast, _UNICAST),
    ))  # fmt: skip
    return Block(branch("", "Questions", "What is asked."), (Repeat("questions", (row,), count="qd"),))


def _service(c: Dissection, out: list[Node], data: bytes, at: int, end: int, rtype: int, owner: str) -> int:
    """The parts of a service's name: _sip._tcp.example.in (RFC 2782)."""
    parts = owner.split(".", 2)
    if rtype == 33 and len(parts) == 3 and out:
        place = out[0]
        for field, value in zip((SERVICE, TRANSPORT, DOMAIN), parts, strict=True):
            out.append(Node(field, place.source, place.start, place.bits, value))
    return at


SERVICE = Field("dns.srv.service", "Service", Kind.TEXT, derived=True, source="RFC 2782", meaning="Which one.")
TRANSPORT = Field(
    "dns.srv.proto", "Protocol", Kind.TEXT, derived=True, source="RFC 2782", meaning="Over which transport."
)
DOMAIN = Field("dns.srv.name", "Domain", Kind.TEXT, derived=True, source="RFC 2782", meaning="Of whom.")


def _records(label: str, key: str, count: str, multicast: bool) -> When:
    data = Block(branch("", "Data", "What the record says."), (Choose("rtype", RDATA),), "rdlength",
                 bytes_("dns.data", 0, "Data", "Of a type that this program does not read.", key="rdata"),
                 keeps=True)  # fmt: skip
    length = uint(
        "dns.resp.len",
        16,
        "Data length",
        "How many bytes of data follow.",
        "RFC 1035 §4.1.3",
        unit="bytes",
        auto="after",
        key="rdlength",
    )
    kind = uint("dns.resp.type", 16, "Type", "Which kind of record.", "RFC 1035 §3.2.2", values=TYPES, default=1,
                key="rtype")  # fmt: skip
    plain = (
        Call(_service, ("rtype", "owner"), fields=(SERVICE, TRANSPORT, DOMAIN)),
        kind,
        *_class("dns.resp", "rclass", multicast, _FLUSH),
        uint("dns.resp.ttl", 32, "Time to live", "How long the answer may be remembered.", "RFC 1035 §4.1.3", unit="s",
             default=300, key="ttl"),
        length, data,
    )  # fmt: skip
    options = (
        replace(kind, default=41),
        uint("dns.rr.udp_payload_size", 16, "Largest UDP answer",
            "How much the sender can take; without EDNS it is 512.",
             "RFC 6891 §6.1.2", unit="bytes", default=1232, key="payload_size"),
        uint("dns.resp.ext_rcode", 8, "More bits of the result",
            "The upper eight bits; the lower four are in the header.", "RFC 6891 §6.1.3", hex=True,
                                                                 key="ext_rcode"),
        uint("dns.resp.edns0_version", 8, "EDNS version", "0.", "RFC 6891 §6.1.3", key="edns_version"),
        bits("dns.resp.z", 16, "Flags", marked(16,
            flag("dns.resp.z.do", "DNSSEC wanted", "Send signatures, too.", "RFC 3225 §3", key="dnssec"),
            uint("dns.resp.z.reserved", 15, "Reserved", "Zeros.", "RFC 6891", hex=True, key="edns_reserved"),
        ), "Flags of EDNS.", "RFC 6891 §6.1.4", key="edns_flags"),
        length, Block(branch("", "Options"), (OPTIONS,), "rdlength", bytes_("", 0, "Rest", key="opt_end"), keeps=True),
    )  # fmt: skip
    row = Block(branch("", "Record", caption="{owner}: {rtype}"), (
        name("dns.resp.name", "Name", "Whose record it is.", "RFC 1035 §4.1.3", "owner"),
        Choose("rtype", {41: options}, plain, peek=16, made="given.get('rtype', 1)"),
    ))  # fmt: skip
    return When(f"{count} > 0", (Block(branch("", label), (Repeat(key, (row,), count=count),)),))


def _after(c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, response: int) -> int:
    exchange, s, place = c.state, c.source, start * 8
    if not isinstance(exchange, DnsExchange):
        return at
    if exchange.repeats >= 0:
        out.append(Node(REPEATED_RESPONSE if response else REPEATED_REQUEST, s, place, 0, exchange.repeats + 1))
        out.append(Node(REPEATED, s, place, 0, 1))
        return at
    if response and exchange.question >= 0:
        out.append(Node(RESPONSE_TO, s, place, 0, exchange.question + 1))
        asked, answered = c.context.moment_of(exchange.question), c.context.moment()
        if asked is not None and answered is not None:
            out.append(Node(TIME, s, place, 0, answered - asked))
    elif not response and exchange.answer >= 0:
        out.append(Node(RESPONSE_IN, s, place, 0, exchange.answer + 1))
    return at


def _items(multicast: bool) -> tuple[Item, ...]:
    return (
        When("c.over_tcp", (uint("dns.length", 16, "Length", "Over TCP each message stands behind its length.",
                                 "RFC 1035 §4.2.2", unit="bytes", auto="after", key="tcp_length"),)),
        Let("base", "at"),
        uint("dns.id", 16, "Number", "Question and answer have the same.", R, hex=True, default=0x2A2A),
        _FLAGS,
        Choose("opcode", {5: _counts("zones", "prerequisites", "updates")}, _counts("queries", "answers", "auth_rr")),
        When("qd > 0", (_questions(multicast),)),
        _records("Answers", "answers", "an", multicast),
        _records("Authorities", "authorities", "ns_count", multicast),
        _records("Additional", "additional", "ar", multicast),
        Call(_after, ("start", "response")),
    )  # fmt: skip


_TOLD = ("a", "aaaa", "cname", "ns", "exchange", "ptr")


def _info(layer: Node) -> str:
    kind = str(TYPES.get(layer.child("qry_type"), layer.child("qry_type") or "")).partition(",")[0]
    asked = " ".join(word for word in (kind, str(layer.child("qry_name") or "")) if word)
    if not layer.child("dns.flags.response"):
        return f"Question: {asked}"
    code = layer.child("dns.flags.rcode")
    found = [
        literal(node)
        for node in walk(layer.children)
        if node.field.key in ("a", "aaaa", "cname", "ns", "exchange", "ptr")
    ]
    told = RCODES.get(code, str(code)) if code else ", ".join(found[:4]) + (", …" if len(found) > 4 else "")
    return f"Answer: {asked}{' → ' + told if told else ''}"


DNS = Protocol(
    "dns", "Domain Name System", short="DNS", source="RFC 1034, RFC 1035", info=_info,
    meaning="Finds what belongs to a name: addresses, mail servers, texts. A question goes to a server, an answer "
            "comes back.",
    entries={"udp.port": (53,), "tcp.port": (53,)},
    items=_items(False), extra=(RESPONSE_TO, RESPONSE_IN, TIME, REPEATED_REQUEST, REPEATED_RESPONSE, REPEATED),
)  # fmt: skip
MDNS = Protocol(
    "mdns", "Multicast Domain Name System", short="MDNS", source="RFC 6762", info=_info,
    meaning="DNS without a server: everybody on the network hears the question, and who knows answers.",
    entries={"udp.port": (5353,)}, items=_items(True),
)  # fmt: skip
LLMNR = Protocol(
    "llmnr", "Link-Local Multicast Name Resolution", short="LLMNR", source="RFC 4795", info=_info,
    meaning="Names on a small network, as Windows asks for them.", entries={"udp.port": (5355,)}, items=_items(False),
)  # fmt: skip

PROTOCOLS = (DNS, MDNS, LLMNR)
