"""ICMP for IPv6 (RFC 4443), with Neighbour Discovery (RFC 4861) and Multicast Listener Discovery (RFC 3810)."""

from __future__ import annotations

from functools import partial

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import icmp_parts as parts
from prayog_protocols.engine.protocols.names import domain_names
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Protocol,
    Repeat,
    bits,
    branch,
    bytes_,
    flag,
    marked,
    uint,
)
from prayog_protocols.engine.tree import Node

R, ND, MLD, MLD2 = "RFC 4443", "RFC 4861 §4", "RFC 2710 §3", "RFC 3810 §5"
TYPES = {
    1: "Destination unreachable", 2: "Packet too big", 3: "Time exceeded", 4: "Parameter problem", 128: "Echo request",
    129: "Echo reply", 130: "Multicast listener query", 131: "Multicast listener report",
        132: "Multicast listener done",
    133: "Router solicitation", 134: "Router advertisement", 135: "Neighbour solicitation",
        136: "Neighbour advertisement",
    137: "Redirect", 143: "Multicast listener report, version 2",
}  # fmt: skip
_CODES = {
    1: {0: "no route", 1: "forbidden by a filter", 2: "beyond the scope of the source address", 3: "address",
        4: "port: no program listens there", 5: "source address failed a filter", 6: "route rejected"},
    3: {0: "hop limit was used up", 1: "a fragment did not come in time"},
    4: {0: "wrong field", 1: "unknown next header", 2: "unknown option"},
}  # fmt: skip
_OPTION_TYPES = {
    1: "Source link-layer address", 2: "Target link-layer address", 3: "Prefix information", 4: "Redirected header",
    5: "MTU", 14: "Nonce", 24: "Route information", 25: "Recursive DNS servers", 31: "DNS search list",
    37: "Captive portal",
}  # fmt: skip
_FOREVER = {0xFFFFFFFF: "for ever"}


_code = partial(parts.code, "icmpv6", R)
_INNER, _REST = parts.quoted(0x86DD), Call(parts.rest)
_SUM = uint("icmpv6.checksum", 16, "Check sum", "Over the message and the IPv6 addresses.", f"{R} §2.3", hex=True,
            auto="transport_sum(58)")  # fmt: skip
STATUS = parts.status("icmpv6", R)
_STATUS = Derive(STATUS, "c.sum_status(data, start, end, 58, 'icmpv6')", "checksum", part=(0, 0))
RESPONSE_TO, RESPONSE_IN = parts.response_to("icmpv6"), parts.response_in("icmpv6")
RESPONSE_TIME = parts.response_time("icmpv6")


def _reserved(size: int) -> Field:
    return bytes_("icmpv6.reserved", size, "Reserved", "Zeros.", R, key=f"reserved_{size}")


def _address(name: str, label: str, meaning: str, source: str, key: str, **more: object) -> Field:
    return Field(name, label, Kind.IPV6, 128, meaning=meaning, source=source, key=key, **more)  # type: ignore[arg-type]


def _echo(c: Dissection, out: list[Node], data: bytes, at: int, end: int, kind: int, ident: int, seq: int) -> int:
    c.context.exchange(c, out, "icmpv6", kind == 128, (ident, seq))
    return parts.rest(c, out, data, at, end)


def _end(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    c.cover(end)
    return at


def _option(label: str, source: str, *items: Item) -> tuple[Item, ...]:
    own = branch("icmpv6.opt", label, "An option of the message.", source, key="")
    return (Block(own, (_TYPE, _SIZE, *items), "8 * data[at + 1] if end - at > 1 and data[at + 1] else end - at",
                  Field("icmpv6.opt.padding", "Padding", Kind.NONE, key="option_rest",
                      meaning="Fills up to eight bytes."), pad=8),)  # fmt: skip


_TYPE = uint("icmpv6.opt.type", 8, "Type", "Which option.", f"{ND}.6", values=_OPTION_TYPES, key="option_type")
_SIZE = uint("icmpv6.opt.length", 8, "Length", "In words of 8 bytes, the whole option.", f"{ND}.6", key="option_words",
             unit="× 8 bytes", auto="(size + 7) // 8")  # fmt: skip


def _link(which: str) -> Field:
    return Field("icmpv6.opt.linkaddr", "Hardware address", Kind.MAC, 48, meaning="Where frames for it should go.",
                 source=f"{ND}.6.1", key="linkaddr", aliases=(f"icmpv6.opt.{which}_linkaddr",))  # fmt: skip


def _lifetime(name: str, label: str, key: str = "") -> Field:
    return uint(f"icmpv6.opt.{name}", 32, label, "Seconds; all ones: for ever.", ND, unit="s", values=_FOREVER, key=key)


def _reserved_option(size: int) -> Field:
    return Field(
        "icmpv6.opt.reserved",
        "Reserved",
        Kind.NONE,
        size * 8,
        key=f"option_reserved_{size}",
        source=ND,
        meaning="Zeros.",
    )


_PREFIX = _address("icmpv6.opt.prefix", "Prefix", "The network’s addresses begin so.", f"{ND}.6.2", "prefix")
_PREFIX_LENGTH = uint("icmpv6.opt.prefix.length", 8, "Prefix length", "How many bits of it count.", f"{ND}.6.2",
                      key="prefix_length", default=64)  # fmt: skip


def _short_prefix(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """A prefix of which trailing zeros are left out."""
    size = min(16, end - at)
    if size:
        out.append(Node(_PREFIX, c.source, at * 8, size * 8, data[at : at + size].ljust(16, b"\0")))
    return at + size


OPTION = Choose("option_type", {
    1: _option("Source link-layer address", f"{ND}.6.1", _link("src")),
    2: _option("Target link-layer address", f"{ND}.6.1", _link("target")),
    3: _option("Prefix information", f"{ND}.6.2", _PREFIX_LENGTH,
        bits("icmpv6.opt.prefix.flag", 8, "Flags", marked(8,
            flag("icmpv6.opt.prefix.flag.l", "On-link", "Hosts with this prefix are on this network.", f"{ND}.6.2"),
            flag("icmpv6.opt.prefix.flag.a", "Autonomous", "Hosts may make themselves an address with it.",
                f"{ND}.6.2"),
            flag("icmpv6.opt.prefix.flag.r", "Router address", "The prefix is the router’s whole address.",
                "RFC 6275 §7.2"),
            uint("icmpv6.opt.prefix.flag.reserved", 5, "Reserved", "Zeros.", ND, key="prefix_reserved"),
        ), "What the prefix is for.", f"{ND}.6.2", key="prefix_flags"),
        _lifetime("prefix.valid_lifetime", "Valid for"), _lifetime("prefix.preferred_lifetime", "Preferred for"),
        _reserved_option(4), _PREFIX),
    4: _option("Redirected header", f"{ND}.6.3", _reserved_option(6)),
    5: _option("MTU", f"{ND}.6.4", _reserved_option(2), uint("icmpv6.opt.mtu", 32, "MTU",
        "The largest packet on this network.", f"{ND}.6.4", unit="bytes", default=1500)),
    14: _option("Nonce", "RFC 3971 §5.3",
        bytes_("icmpv6.opt.nonce", "max(0, option_words * 8 - 2)", "Nonce", "Used once.",
                                                 "RFC 3971 §5.3", key="option_nonce")),
    24: _option("Route information", "RFC 4191 §2.3", _PREFIX_LENGTH,
        bits("icmpv6.opt.route_info.flag", 8, "Flags", (
            uint("", 3, "Reserved", key="route_reserved_1"),
            uint("icmpv6.opt.route_info.flag.route_preference", 2, "Preference", "1 high, 0 medium, 3 low.",
                "RFC 4191 §2.1"),
            uint("", 3, "Reserved", key="route_reserved_2"),
        ), "How much the route is preferred.", "RFC 4191 §2.3", key="route_flags"),
        _lifetime("route_lifetime", "Valid for"),
        Call(_short_prefix, (), lambda values: values.get("prefix", b""), (_PREFIX,))),
    25: _option("Recursive DNS servers", "RFC 8106 §5.1", _reserved_option(2), _lifetime("rdnss.lifetime", "Valid for",
                "rdnss_lifetime"),
                Repeat("servers",
                    (_address("icmpv6.opt.rdnss", "DNS server", "Ask here.", "RFC 8106 §5.1", "rdnss"),))),
    31: _option("DNS search list", "RFC 8106 §5.2", _reserved_option(2), _lifetime("dnssl.lifetime", "Valid for",
                "dnssl_lifetime"),
                domain_names("icmpv6.opt.dnssl", "Domain", "Tried behind a short name.", "RFC 8106 §5.2")),
}, _option("Option", ND), peek=8)  # fmt: skip
_OPTIONS = (Repeat("options", (OPTION,)), Call(_end, ()))
_TARGET = _address("icmpv6.nd.ns.target_address", "Target", "Who has this address?", f"{ND}.3", "target")
_CASES: dict[object, tuple[Item, ...]] = {
    1: (_code(_CODES[1]), _SUM, _STATUS, _reserved(4), _INNER),
    2: (_code({}), _SUM, _STATUS, uint("icmpv6.mtu", 32, "MTU", "The largest packet that gets through.", f"{R} §3.2",
                                       unit="bytes"), _INNER),
    3: (_code(_CODES[3]), _SUM, _STATUS, _reserved(4), _INNER),
    4: (_code(_CODES[4]), _SUM, _STATUS, uint("icmpv6.pointer", 32, "Pointer", "The byte that is wrong.", f"{R} §3.4"),
        _INNER),
    (128, 129): (_code({}), _SUM, _STATUS,
        uint("icmpv6.echo.identifier", 16, "Identifier", "Which ping program it belongs to.", f"{R} §4.1", hex=True,
            default=1),
        uint("icmpv6.echo.sequence_number", 16, "Sequence number", "Which ping of the row.", f"{R} §4.1", default=1),
        Call(_echo, ("type", "identifier", "sequence_number"))),
    (130, 131, 132): (_code({}), _SUM, _STATUS,
        Choose("end - start > 24 and type == 130", {True: (
            uint("icmpv6.mld.maximum_response_code", 16, "Longest delay", "Coded milliseconds.", f"{MLD2}.1"),
            _reserved(2),
            _address("icmpv6.mld.multicast_address", "Group", "Which group; all zeros: every group.", f"{MLD2}.1",
                "group"),
            bits("icmpv6.mld.flag", 8, "Flags", marked(8,
                uint("icmpv6.mld.flag.reserved", 4, "Reserved", "Zeros.", MLD2, key="mld_reserved"),
                flag("icmpv6.mld.flag.s", "Suppress", "Routers need not restart their timers.", f"{MLD2}.1"),
                uint("icmpv6.mld.flag.qrv", 3, "Robustness", "How many losses are survived.", f"{MLD2}.1"),
            ), "How the router asks.", f"{MLD2}.1", key="mld_flags"),
            uint("icmpv6.mld.qqi", 8, "Query interval", "Coded seconds.", f"{MLD2}.1"),
            uint("icmpv6.mld.nb_sources", 16, "Sources", "How many follow.", f"{MLD2}.1", key="mld_sources",
                 auto="count('sources')"),
            Repeat("sources", (_address("icmpv6.mld.source_address", "Source", "A source that the question is about.",
                f"{MLD2}.1", "source_address"),),
                   count="mld_sources"),
        )}, (
            uint("icmpv6.mld.maximum_response_delay", 16, "Longest delay", "Answer within this time.", MLD, unit="ms"),
            _reserved(2),
            _address("icmpv6.mld.multicast_address", "Group", "Which group; all zeros: every group.", MLD, "group"),
        ), made="'sources' in given"), _REST),
    133: (_code({}), _SUM, _STATUS, _reserved(4), *_OPTIONS),
    134: (_code({}), _SUM, _STATUS,
        uint("icmpv6.nd.ra.cur_hop_limit", 8, "Hop limit", "That hosts should use.", f"{ND}.2", default=64),
        bits("icmpv6.nd.ra.flag", 8, "Flags", marked(8,
            flag("icmpv6.nd.ra.flag.m", "Managed", "Ask DHCPv6 for an address.", f"{ND}.2"),
            flag("icmpv6.nd.ra.flag.o", "Other", "Ask DHCPv6 for the rest.", f"{ND}.2"),
            flag("icmpv6.nd.ra.flag.h", "Home agent", "The router is a home agent of mobile hosts.", "RFC 6275 §7.1"),
            uint("icmpv6.nd.ra.flag.prf", 2, "Preference", "1 high, 0 medium, 3 low.", "RFC 4191 §2.2"),
            flag("icmpv6.nd.ra.flag.p", "Proxy", "The router passes neighbour discovery on for others.", "RFC 4389"),
            uint("icmpv6.nd.ra.flag.rsv", 2, "Reserved", "Zeros.", ND, key="ra_reserved"),
        ), "What hosts should do.", f"{ND}.2", key="ra_flags"),
        uint("icmpv6.nd.ra.router_lifetime", 16, "Router lifetime",
            "How long it may be the default router; 0: it is none.",
             f"{ND}.2", unit="s", default=1800),
        uint("icmpv6.nd.ra.reachable_time", 32, "Reachable time", "How long a neighbour counts as reachable.",
            f"{ND}.2",
             unit="ms"),
        uint("icmpv6.nd.ra.retrans_timer", 32, "Ask again after",
            "How long to wait before a question is asked again.", f"{ND}.2", unit="ms"), *_OPTIONS),
    135: (_code({}), _SUM, _STATUS, _reserved(4), _TARGET, *_OPTIONS),
    136: (_code({}), _SUM, _STATUS,
        bits("icmpv6.nd.na.flag", 32, "Flags", marked(32,
            flag("icmpv6.nd.na.flag.r", "Router", "I am one.", f"{ND}.4"),
            flag("icmpv6.nd.na.flag.s", "Solicited", "This answers a question.", f"{ND}.4"),
            flag("icmpv6.nd.na.flag.o", "Override", "Forget what you knew.", f"{ND}.4"),
            uint("icmpv6.nd.na.flag.rsv", 29, "Reserved", "Zeros.", ND, key="na_reserved"),
        ), "What the answer means.", f"{ND}.4", key="na_flags"),
        _address("icmpv6.nd.na.target_address", "Target", "This address is mine.", f"{ND}.4", "target"), *_OPTIONS),
    137: (_code({}), _SUM, _STATUS, _reserved(4),
          _address("icmpv6.nd.rd.target_address", "Better next hop", "Send packets for the destination there.",
              f"{ND}.5", "target"),
          _address("icmpv6.rd.na.destination_address", "Destination",
              "The destination that there is a better way to.", f"{ND}.5", "destination"), *_OPTIONS),
    143: (_code({}), _SUM, _STATUS, _reserved(2),
        uint("icmpv6.mldr.nb_mcast_records", 16, "Records", "How many follow.", f"{MLD2}.2", auto="count('records')"),
        Repeat("records", (Block(branch("icmpv6.mldr.mar", "Group record", "A group, and from whom it is wanted.",
            f"{MLD2}.2"), (
            uint("icmpv6.mldr.mar.record_type", 8, "Type", "What changed about the sources that are wanted.",
                f"{MLD2}.2.12", values={
                1: "is include", 2: "is exclude", 3: "changed to include", 4: "changed to exclude",
                    5: "allow new sources",
                6: "block old sources"}),
            uint("icmpv6.mldr.mar.aux_data_len", 8, "Further data", "In words of 4 bytes.", f"{MLD2}.2.6"),
            uint("icmpv6.mldr.mar.nb_sources", 16, "Sources", "How many follow.", f"{MLD2}.2.7", key="record_sources"),
            _address("icmpv6.mldr.mar.multicast_address", "Group", "The group that somebody listens to.",
                f"{MLD2}.2.8", "record_group"),
            Repeat("record_list",
                (_address("icmpv6.mldr.mar.source_address", "Source", "A source that is wanted, or is not.",
                    f"{MLD2}.2.9", "record_source"),),
                   count="record_sources"),
            bytes_("icmpv6.mldr.mar.auxiliary_data", "aux_data_len * 4", "Further data", "Nothing is defined for it.",
                f"{MLD2}.2.10"),
        )),), count="nb_mcast_records"), _REST),
}  # fmt: skip


def _info(layer: Node) -> str:
    kind, code = layer.child("type"), layer.child("code")
    words = TYPES.get(kind, f"type {kind}")
    said = _CODES.get(kind, {}).get(code, "") if code is not None else ""
    numbers = [f"{key}={value}" for key in ("ident", "seq") if (value := layer.child(key)) is not None]
    answer = layer.child("icmpv6.resp_in"), layer.child("icmpv6.resp_to")
    numbers += [
        f"{word} packet {frame}" for word, frame in zip(("answered in", "answers"), answer, strict=True) if frame
    ]
    return " ".join([f"{words}: {said}" if said else words, ", ".join(numbers)]).strip()


ICMPV6 = Protocol(
    "icmpv6", "Internet Control Message Protocol v6", short="ICMPv6", source=R,
    meaning="Errors and pings as in IPv4, and what ARP and router discovery were: who is on this network?", info=_info,
    entries={"ip.proto": (58,)},
    items=(
        uint("icmpv6.type", 8, "Type", "Below 128: an error; above: a message of its own.", f"{R} §2.1", values=TYPES,
             default=128),
        Choose("type", _CASES, (_code({}), _SUM, _STATUS, _REST)),
    ),
    extra=(RESPONSE_TO, RESPONSE_IN, RESPONSE_TIME),
)  # fmt: skip

PROTOCOLS = (ICMPV6,)
