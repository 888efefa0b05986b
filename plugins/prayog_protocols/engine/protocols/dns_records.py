"""What a resource record holds, by its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.names import encode_name, read_name
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Repeat,
    When,
    bits,
    branch,
    bytes_,
    flag,
    marked,
    text,
    uint,
)
from prayog_protocols.engine.tree import Node

__all__ = ["ALGORITHMS", "OPTIONS", "RDATA", "TYPES", "name"]

TYPES = {
    1: "A, an IPv4 address", 2: "NS, a name server", 5: "CNAME, the real name", 6: "SOA, start of a zone",
    12: "PTR, a name", 13: "HINFO, a host's kind", 15: "MX, a mail server", 16: "TXT, text",
    17: "RP, responsible person", 18: "AFSDB", 24: "SIG", 25: "KEY", 28: "AAAA, an IPv6 address", 29: "LOC, a place",
    33: "SRV, a service", 35: "NAPTR, rewriting", 37: "CERT", 39: "DNAME, a renamed subtree",
    41: "OPT, extensions (EDNS)", 43: "DS, a key below", 44: "SSHFP", 46: "RRSIG, a signature",
    47: "NSEC, what comes next", 48: "DNSKEY, a key", 50: "NSEC3, what comes next (hashed)", 51: "NSEC3PARAM",
    52: "TLSA, a certificate", 59: "CDS", 60: "CDNSKEY", 64: "SVCB, a service",
        65: "HTTPS, a web service",
    99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR, a zone's changes", 252: "AXFR, a whole zone",
    255: "ANY, everything", 256: "URI", 257: "CAA, who may certify",
}  # fmt: skip
ALGORITHMS = {5: "RSA/SHA-1", 7: "RSA/SHA-1 with NSEC3", 8: "RSA/SHA-256", 10: "RSA/SHA-512", 13: "ECDSA P-256",
    14: "ECDSA P-384", 15: "Ed25519", 16: "Ed448"}  # fmt: skip
R = "RFC 1035"


def name(field_name: str, label: str, meaning: str, source: str, key: str, *sizes: Field) -> Call:
    """A domain name; pointers count from `base`.  `sizes`: fields for its length and its labels."""
    own = Field(field_name, label, Kind.TEXT, meaning=meaning, source=source, key=key)

    def read(c: Dissection, out: list[Node], data: bytes, at: int, end: int, base: int) -> tuple[int, str]:
        found, after, labels = read_name(c, data, at, end, base)
        out.append(Node(own, c.source, at * 8, (after - at) * 8, found))
        for field, value in zip(sizes, (len(found), labels), strict=False):
            out.append(Node(field, c.source, at * 8, (after - at) * 8, value))
        return after, found

    def write(values: Mapping[str, Any]) -> bytes:
        return encode_name(str(values.get(key, "")))

    return Call(read, ("base",), write, (own, *sizes), key)


def _counted(prefix: str, label: str, meaning: str, source: str, key: str) -> tuple[Item, ...]:
    """A text behind its length of one byte."""
    stem, _, tail = prefix.rpartition(".")
    length = f"{prefix}.length" if prefix in ("dns.txt", "dns.spf") else f"{stem}.{tail}_length"
    return (
        uint(
            length,
            8,
            f"Length of {label.lower()}",
            "How many bytes follow.",
            source,
            unit="bytes",
            auto=f"sizeof('{key}')",
            key=f"{key}_length",
        ),
        text(prefix, f"{key}_length", label, meaning, source, key=key, encoding="utf-8"),
    )


def _texts(prefix: str, label: str) -> Repeat:
    return Repeat("texts", _counted(prefix, label, "Any text, up to 255 bytes.", f"{R} §3.3.14", "text"))


def _types(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """A bit map of record types: blocks of 256 types each (RFC 4034 §4.1.2)."""
    while at + 2 <= end:
        window, size = data[at], data[at + 1]
        at += 2
        for place in range(at, min(at + size, end)):
            for bit in range(8):
                if data[place] >> (7 - bit) & 1:
                    number = window * 256 + (place - at) * 8 + bit
                    out.append(Node(COVERED, c.source, place * 8 + bit, 1, number))
        at = min(at + size, end)
    return at


COVERED = Field("dns.resp.type", "Type that exists", values=TYPES, meaning="The name has records of this type.",
    source="RFC 4034 §4.1.2",
                key="covered")  # fmt: skip
_KEY_FLAGS = bits("dns.dnskey.flags", 16, "Flags", (
    uint("", 7, "Reserved", key="dnskey_reserved_1"),
    flag("dns.dnskey.flags.zone_key", "Zone key", "The key of a zone.", "RFC 4034 §2.1.1", lead=0, trail=0),
    flag("dns.dnskey.flags.key_revoked", "Revoked", "No longer to be used.", "RFC 5011 §3"),
    uint("", 6, "Reserved", key="dnskey_reserved_2"),
    flag("dns.dnskey.flags.secure_entry_point", "Entry point", "Signs the other keys.", "RFC 4034 §2.1.1"),
), "What the key is for.", "RFC 4034 §2.1.1", key="dnskey_flags")  # fmt: skip


def _wide(field: Field) -> Field:
    """The same field with its parts marked as whole words."""

    return replace(field, parts=marked(field.bits, *field.parts))


def _ds(prefix: str) -> tuple[Item, ...]:
    return (
        uint(f"{prefix}.key_id", 16, "Key tag", "A short number of the key.", "RFC 4034 §5.1", hex=True, key="ds_key"),
        uint(
            f"{prefix}.algorithm", 8, "Algorithm", "Of the key.", "RFC 4034 §5.1", values=ALGORITHMS, key="ds_algorithm"
        ),
        uint(
            f"{prefix}.digest_type",
            8,
            "Digest type",
            "How the digest was made.",
            "RFC 4034 §5.1",
            values={1: "SHA-1", 2: "SHA-256", 4: "SHA-384"},
        ),
        bytes_(f"{prefix}.digest", "rest", "Digest", "Of the key below.", "RFC 4034 §5.1", key="ds_digest"),
    )


def _hash_parts() -> tuple[Item, ...]:
    return (
        uint("dns.nsec3.iterations", 16, "Iterations", "How often it is hashed again.", "RFC 5155 §3.1.3"),
        uint(
            "dns.nsec3.salt_length",
            8,
            "Salt length",
            "How many bytes follow.",
            "RFC 5155 §3.1.4",
            auto="sizeof('salt_value')",
        ),
        bytes_(
            "dns.nsec3.salt_value",
            "salt_length",
            "Salt",
            "Goes into each hash, so that no table can be made for all zones.",
            "RFC 5155 §3.1.5",
        ),
    )


_B32 = "0123456789abcdefghijklmnopqrstuv"


def _hash(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, bytes]:
    """A hashed name, written in base 32."""
    if at >= end:
        c.cut(out, HASH_LENGTH, at, end, 1)
    size = data[at]
    out.append(Node(HASH_LENGTH, c.source, at * 8, 8, size))
    if at + 1 + size > end:
        c.cut(out, HASH, at + 1, end, size)
    piece = data[at + 1 : at + 1 + size]
    number, width = int.from_bytes(piece, "big"), -(-size * 8 // 5)
    number <<= width * 5 - size * 8
    shown = "".join(_B32[number >> 5 * (width - 1 - place) & 31] for place in range(width))
    out.append(Node(HASH, c.source, (at + 1) * 8, size * 8, shown))
    return at + 1 + size, piece


HASH_LENGTH = uint("dns.nsec3.hash_length", 8, "Hash length", "How many bytes follow.", "RFC 5155 §3.1.6")
HASH = Field("dns.nsec3.hash_value", "Next hashed name", Kind.TEXT,
    meaning="No name lies between this record's and this one.",
             source="RFC 5155 §3.1.7", key="hash_value")  # fmt: skip

_SVC_KEYS = {0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint"}
_SVC = (
    uint("dns.svcb.svcpriority", 16, "Priority", "0: an alias; otherwise the smallest first.", "RFC 9460 §2.4.1"),
    name("dns.svcb.targetname", "Target", "Where the service is; the root: here.", "RFC 9460 §2.5", "svc_target"),
    Repeat("svc_params", (Block(branch("dns.svcb.svcparam", "Parameter", "Something to know before connecting.",
        "RFC 9460 §2.2"), (
        uint("dns.svcb.svcparam.key", 16, "Key", "What it says.", "RFC 9460 §14.3", values=_SVC_KEYS, key="svc_key"),
        uint("dns.svcb.svcparam.value.length", 16, "Length", "How many bytes follow.", "RFC 9460 §2.2",
            key="svc_length", auto="after"),
        Block(branch("", "Value"), (Choose("svc_key", {
            1: (Repeat("alpns", (
                uint("dns.svcb.svcparam.alpn.length", 8, "Length", "How many bytes follow.", "RFC 9460 §7.1",
                    key="alpn_length",
                     auto="sizeof('alpn')"),
                text("dns.svcb.svcparam.alpn", "alpn_length", "Protocol", "A protocol that the server speaks.",
                    "RFC 9460 §7.1"),
            )),),
            3: (uint("dns.svcb.svcparam.port", 16, "Port", "The port to connect to.", "RFC 9460 §7.2"),),
            4: (Repeat("hints4",
                (Field("dns.svcb.svcparam.ipv4hint.ip", "Address", Kind.IPV4, 32, source="RFC 9460 §7.3",
                                        key="hint4", meaning="An address to begin with."),)),),
            6: (Repeat("hints6",
                (Field("dns.svcb.svcparam.ipv6hint.ip", "Address", Kind.IPV6, 128, source="RFC 9460 §7.3",
                                        key="hint6", meaning="An address to begin with."),)),),
        }),), "svc_length", bytes_("dns.svcb.svcparam.value", 0, "Value", "As bytes.", "RFC 9460", key="svc_value")),
    )),)),
)  # fmt: skip

RDATA: dict[Any, tuple[Item, ...]] = {
    1: (Field("dns.a", "Address", Kind.IPV4, 32, meaning="The IPv4 address of the name.", source=f"{R} §3.4.1",
        key="a"),),
    2: (name("dns.ns", "Name server", "Knows the zone.", f"{R} §3.3.11", "ns"),),
    5: (name("dns.cname", "Real name", "Look there: this name is only another one for it.", f"{R} §3.3.1", "cname"),),
    6: (name("dns.soa.mname", "First server", "Where the zone is kept.", f"{R} §3.3.13", "mname"),
        name("dns.soa.rname", "Mailbox", "Who looks after the zone; the first dot stands for @.", f"{R} §3.3.13",
            "rname"),
        uint("dns.soa.serial_number", 32, "Serial number", "Grows with each change.", f"{R} §3.3.13", key="serial"),
        uint("dns.soa.refresh_interval", 32, "Refresh", "How often copies ask for news.", f"{R} §3.3.13", unit="s",
            key="refresh"),
        uint("dns.soa.retry_interval", 32, "Retry", "And after a failure.", f"{R} §3.3.13", unit="s", key="retry"),
        uint("dns.soa.expire_limit", 32, "Expire", "When a copy must no longer answer.", f"{R} §3.3.13", unit="s",
            key="expire"),
        uint("dns.soa.minimum_ttl", 32, "Minimum", "How long “there is no such name” may be remembered.", "RFC 2308 §4",
             unit="s", key="minimum")),
    12: (name("dns.ptr.domain_name", "Name", "The name that belongs to an address.", f"{R} §3.3.12", "ptr"),),
    13: (*_counted("dns.hinfo.cpu", "Processor", "What kind of machine it is.", f"{R} §3.3.2", "cpu"),
        *_counted("dns.hinfo.os", "System", "What it runs.",
         f"{R} §3.3.2", "os")),
    15: (uint("dns.mx.preference", 16, "Preference", "The smallest is tried first.", f"{R} §3.3.9"),
         name("dns.mx.mail_exchange", "Mail server", "Takes mail for the name.", f"{R} §3.3.9", "exchange")),
    16: (_texts("dns.txt", "Text"),),
    17: (name("dns.rp.mailbox", "Mailbox", "Of the person who is responsible; the first dot stands for @.",
        "RFC 1183 §2.2", "rp_mailbox"),
         name("dns.rp.txt_rr", "Text", "A name under which more is said about the person.", "RFC 1183 §2.2",
             "rp_text")),
    28: (Field("dns.aaaa", "Address", Kind.IPV6, 128, meaning="The IPv6 address of the name.", source="RFC 3596 §2.2",
               key="aaaa"),),
    29: (uint("dns.loc.version", 8, "Version", "0.", "RFC 1876 §2", key="loc_version"),
         uint("dns.loc.size", 8, "Size", "How large the place is: digit and power of ten, in centimetres.",
             "RFC 1876 §2", key="loc_size"),
         uint("dns.loc.horizontal_precision", 8, "Horizontal precision", "How exact the place is, in the same way.",
             "RFC 1876 §2"),
         uint("dns.loc.vertical_precision", 8, "Vertical precision", "How exact the height is, in the same way.",
             "RFC 1876 §2"),
         uint("dns.loc.latitude", 32, "Latitude", "2³¹ is the equator; thousandths of a second.", "RFC 1876 §2"),
         uint("dns.loc.longitude", 32, "Longitude", "2³¹ is Greenwich.", "RFC 1876 §2"),
         uint("dns.loc.altitude", 32, "Altitude", "Centimetres above 100 km below the sea.", "RFC 1876 §2")),
    33: (uint("dns.srv.priority", 16, "Priority", "The smallest is tried first.", "RFC 2782"),
         uint("dns.srv.weight", 16, "Weight", "Among equals: how often.", "RFC 2782"),
         uint("dns.srv.port", 16, "Port", "Where the service listens.", "RFC 2782", key="srv_port"),
         name("dns.srv.target", "Target", "On which host.", "RFC 2782", "srv_target")),
    35: (uint("dns.naptr.order", 16, "Order", "Smaller ones are tried first.", "RFC 3403 §4.1"),
        uint("dns.naptr.preference", 16, "Preference", "Smaller ones are tried first among those of the same order.",
         "RFC 3403 §4.1", key="naptr_preference"),
         *_counted("dns.naptr.flags", "Flags", "What the result of the rule is.", "RFC 3403 §4.1", "naptr_flags"),
         *_counted("dns.naptr.service", "Service", "What can be reached in this way.", "RFC 3403 §4.1",
             "naptr_service"),
         *_counted("dns.naptr.regex", "Rewriting", "How the name is rewritten.", "RFC 3403 §4.1", "naptr_regex"),
         name("dns.naptr.replacement", "Replacement", "The next name to look for.", "RFC 3403 §4.1",
             "naptr_replacement")),
    39: (name("dns.dname", "Real name of the subtree", "All names below the owner are found below this one.",
        "RFC 6672", "dname"),),
    37: (uint("dns.cert.type", 16, "Type", "1: X.509, 3: OpenPGP.", "RFC 4398 §2.1", key="cert_type"),
         uint("dns.cert.key_tag", 16, "Key tag", "Short for the key in it.", "RFC 4398 §2", hex=True, key="cert_tag"),
         uint("dns.cert.algorithm", 8, "Algorithm", "Of the key.", "RFC 4398 §2", values=ALGORITHMS,
              key="cert_algorithm"),
         bytes_("dns.cert.certificate", "rest", "Certificate", "Or a list of revoked ones.", "RFC 4398 §2",
                key="cert_data")),
    (43, 59, 32769): _ds("dns.ds"),
    62: (uint("dns.csync.soa", 32, "Serial", "Of the zone that this holds for.", "RFC 7477 §2.1.1", key="csync_soa"),
         bits("dns.csync.flags", 16, "Flags", marked(16,
              uint("", 14, "Reserved", key="csync_reserved"),
              flag("dns.csync.flags.soaminimum", "From this serial", "Only if the zone is at least that new.",
                   "RFC 7477 §2.1.1.2", key="csync_minimum"),
              flag("dns.csync.flags.immediate", "At once", "The parent may act without asking.", "RFC 7477 §2.1.1.1",
                   key="csync_immediate")), "When the parent may copy the records.", "RFC 7477 §2.1.1",
              key="csync_flags"),
         bytes_("dns.csync.type_bitmap", "rest", "Types", "Which records are to be copied.", "RFC 7477 §2.1.2",
                key="csync_types")),
    44: (uint("dns.sshfp.algorithm", 8, "Algorithm", "Of the key.", "RFC 4255 §3.1.1", key="sshfp_algorithm"),
         uint("dns.sshfp.fingerprint.type", 8, "Type", "How the fingerprint was made.", "RFC 4255 §3.1.2",
             key="sshfp_type"),
         bytes_("dns.sshfp.fingerprint", "rest", "Fingerprint", "Of the host's key.", "RFC 4255 §3.1.3")),
    46: (uint("dns.rrsig.type_covered", 16, "Type covered", "Which records are signed.", "RFC 4034 §3.1", values=TYPES),
         uint("dns.rrsig.algorithm", 8, "Algorithm", "How it was signed.", "RFC 4034 §3.1", values=ALGORITHMS,
             key="rrsig_algorithm"),
         uint("dns.rrsig.labels", 8, "Labels", "Of the signed name.", "RFC 4034 §3.1", key="rrsig_labels"),
         uint("dns.rrsig.original_ttl", 32, "Original TTL",
             "The time to live in the zone: caches count theirs down, and the signature covers this "
             "one.", "RFC 4034 §3.1",
                                                            unit="s"),
         Field("dns.rrsig.signature_expiration", "Valid until", Kind.TIME, 32, scale=10**9, source="RFC 4034 §3.1",
               key="expiration", meaning="From then on the signature does not hold."),
         Field("dns.rrsig.signature_inception", "Valid from", Kind.TIME, 32, scale=10**9, source="RFC 4034 §3.1",
               key="inception", meaning="Before then it does not hold yet."),
         uint("dns.rrsig.key_tag", 16, "Key tag", "Which key signed.", "RFC 4034 §3.1"),
         name("dns.rrsig.signers_name", "Signer", "The zone whose key signed.", "RFC 4034 §3.1", "signer"),
         bytes_("dns.rrsig.signature", "rest", "Signature", "Over the records of this name and type.",
             "RFC 4034 §3.1")),
    47: (name("dns.nsec.next_domain_name", "Next name", "No name lies between.", "RFC 4034 §4.1", "next_name"),
         Call(_types, (), lambda values: values.get("type_map", b""), (COVERED,))),
    (48, 60): (_wide(_KEY_FLAGS), uint("dns.dnskey.protocol", 8, "Protocol", "3.", "RFC 4034 §2.1.2", default=3),
         uint("dns.dnskey.algorithm", 8, "Algorithm", "What the key is for.", "RFC 4034 §2.1.3", values=ALGORITHMS,
             key="dnskey_algorithm"),
         bytes_("dns.dnskey.public_key", "rest", "Public key", "The key itself.", "RFC 4034 §2.1.4")),
    50: (uint("dns.nsec3.algo", 8, "Hash algorithm", "1: SHA-1.", "RFC 5155 §3.1.1", values={1: "SHA-1"}),
         bits("dns.nsec3.flags", 8, "Flags", (uint("", 7, "Reserved", key="nsec3_reserved"),
              flag("dns.nsec3.flags.opt_out", "Opt-out", "Unsigned delegations may lie between.", "RFC 5155 §3.1.2.1")),
              "Whether unsigned parts are left out.", "RFC 5155 §3.1.2", key="nsec3_flags"), *_hash_parts(),
         Call(_hash, (), lambda values: bytes((len(values.get("hash", b"")),)) + values.get("hash", b""),
             (HASH_LENGTH, HASH),
              "hash"), Call(_types, (), lambda values: values.get("type_map", b""), (COVERED,))),
    51: (uint("dns.nsec3.algo", 8, "Hash algorithm", "1: SHA-1.", "RFC 5155 §4.1.1", values={1: "SHA-1"}),
         uint("dns.nsec3.flags", 8, "Flags", "Whether unsigned parts are left out.", "RFC 5155 §4.1.2",
             key="nsec3_flags"), *_hash_parts()),
    52: (uint("dns.tlsa.certificate_usage", 8, "Usage",
        "Whose certificate is meant: the authority's or the server's own.", "RFC 6698 §2.1.1", key="tlsa_usage"),
         uint("dns.tlsa.selector", 8, "Selector", "0: the whole certificate; 1: only its key.", "RFC 6698 §2.1.2",
             key="tlsa_selector"),
         uint("dns.tlsa.matching_type", 8, "Matching", "0: as it is; 1 and 2: its SHA-256 and SHA-512.",
             "RFC 6698 §2.1.3", key="tlsa_matching"),
         bytes_("dns.tlsa.certificate_association_data", "rest", "Data", "What the certificate must match.",
             "RFC 6698 §2.1.4", key="tlsa_data")),
    (64, 65): _SVC,
    99: (_texts("dns.spf", "Text"),),
    250: (name("dns.tsig.algorithm_name", "Algorithm", "How it was signed.", "RFC 8945 §4.2", "tsig_algorithm"),
          Field("dns.tsig.time_signed", "Time", Kind.TIME, 48, meaning="When it was signed.", source="RFC 8945 §4.2",
                scale=10**9, key="tsig_time"),
          uint("dns.tsig.fudge", 16, "Tolerance", "How far the clocks may be apart.", "RFC 8945 §4.2", unit="s"),
          uint("dns.tsig.mac_size", 16, "Signature length", "How many bytes follow.", "RFC 8945 §4.2",
               auto="sizeof('tsig_mac')", key="tsig_mac_size"),
          Field("dns.tsig.mac", "Signature", Kind.NONE, size="tsig_mac_size", source="RFC 8945 §4.2", key="tsig_mac",
                meaning="Over the message and a shared secret."),
          uint("dns.tsig.original_id", 16, "Original ID", "Of the message, before somebody passed it on.",
               "RFC 8945 §4.2"),
          uint("dns.tsig.error", 16, "Error", "16 bad signature, 17 unknown key, 18 bad time.", "RFC 8945 §4.2",
               key="tsig_error"),
          uint("dns.tsig.other_len", 16, "Length of more", "How many bytes follow.", "RFC 8945 §4.2",
               auto="sizeof('tsig_other')", key="tsig_other_size"),
          bytes_("dns.tsig.other_data", "tsig_other_size", "More", "The server's clock, when the time was bad.",
                 "RFC 8945 §4.2", key="tsig_other")),
    257: (bits("dns.caa.flags", 8, "Flags", (
              flag("dns.caa.flags.issuer_critical", "Critical", "Who does not understand it must not issue.",
                  "RFC 8659 §4.1"),
              uint("", 7, "Reserved", key="caa_reserved")), "Whether who does not understand the tag must refuse.",
              "RFC 8659 §4.1", key="caa_flags"),
          uint("dns.caa.tag_length", 8, "Tag length", "How many bytes follow.", "RFC 8659 §4.1",
              auto="sizeof('caa_tag')"),
          text("dns.caa.tag", "tag_length", "Tag", "issue, issuewild or iodef.", "RFC 8659 §4.1", key="caa_tag"),
          text("dns.caa.value", "rest", "Value", "Who may issue certificates for the name.", "RFC 8659 §4.1",
              key="caa_value")),
}  # fmt: skip


def _written(values: Mapping[str, Any]) -> bytes:
    return bytes(values.get("subnet", b""))


def _subnet(width: int) -> Call:
    """The beginning of an address; what is left out is zero."""
    kind, size = (Kind.IPV4, 4) if width == 4 else (Kind.IPV6, 16)
    own = Field(f"dns.opt.client.addr{width}", "Network", kind, source="RFC 7871 §6", key="subnet",
                meaning="A part of the client's address, so that a near server can be chosen.")  # fmt: skip

    def read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
        piece = data[at:end][:size]
        value = piece.ljust(size, b"\0")
        out.append(Node(own, c.source, at * 8, (end - at) * 8, int.from_bytes(value, "big") if width == 4 else value))
        return end

    return Call(read, (), _written, (own,))


_OPTION_CODES = {3: "NSID", 8: "Client subnet", 9: "Expire", 10: "Cookie", 11: "TCP keep-alive", 12: "Padding",
    13: "Chain",
                 14: "Key tag", 15: "Extended error"}  # fmt: skip
_OPTION_DATA = Field("dns.opt.data", "Content", Kind.BYTES, meaning="As bytes.", source="RFC 6891 §6.1.2", derived=True,
                     key="")  # fmt: skip


def _all(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """The content as a whole, before it is taken apart."""
    if at < end:
        out.append(Node(_OPTION_DATA, c.source, at * 8, (end - at) * 8, data[at:end]))
    return at


OPTIONS = Repeat("options", (Block(branch("dns.opt", "Option", "An extension of DNS.", "RFC 6891 §6.1.2"), (
    uint("dns.opt.code", 16, "Code", "Which one.", "RFC 6891 §6.1.2", values=_OPTION_CODES, key="opt_code"),
    uint("dns.opt.len", 16, "Length", "Of its content.", "RFC 6891 §6.1.2", key="opt_len", auto="after"),
    Block(branch("", "Content"), (
        Derive(_OPTION_DATA, "data[at:at + opt_len]", "opt_len", part=(16, 0), when="not opt_len"),
        Call(_all),
        Choose("opt_code", {
            8: (uint("dns.opt.client.family", 16, "Family", "1 IPv4, 2 IPv6.", "RFC 7871 §6", key="family"),
                uint("dns.opt.client.netmask", 8, "Bits of the client",
                    "How many bits of the address the question tells.", "RFC 7871 §6", key="netmask"),
                uint("dns.opt.client.scope", 8, "Bits of the answer",
                    "For how many bits of the address the answer holds.", "RFC 7871 §6", key="scope"),
                Choose("family", {1: (_subnet(4),), 2: (_subnet(6),)})),
            10: (bytes_("dns.opt.cookie.client", 8, "Client's cookie", "Against forged answers.", "RFC 7873 §4",
                        key="cookie"),
                 bytes_("dns.opt.cookie.server", "rest", "Server's cookie",
                     "Made by the server; who brings it back is not a stranger.", "RFC 7873 §4", key="server_cookie")),
            11: (When("opt_len == 2", (uint("dns.opt.edns_tcp_keepalive.timeout", 16, "Stay open",
                "In tenths of a second.",
                                            "RFC 7828 §3.1", key="keepalive"),)),),
            12: (bytes_("dns.opt.padding", "rest", "Padding", "Hides the real length.", "RFC 7830", key="opt_padding"),
                ),
            15: (uint("dns.opt.ext_error.info_code", 16, "Error", "Why there is no better answer.", "RFC 8914 §4",
                key="ede_code", values={
                     3: "stale answer", 4: "forged answer", 6: "signature bogus", 15: "blocked", 16: "censored",
                     17: "filtered", 18: "prohibited", 22: "no server could be reached", 23: "network error"}),
                 text("dns.opt.ext_error.extra_text", "rest", "In words", "The same for people.", "RFC 8914 §2",
                     key="ede_text")),
        }),
    ), "opt_len", bytes_("", 0, "Content", key="opt_rest")),
)),))  # fmt: skip
