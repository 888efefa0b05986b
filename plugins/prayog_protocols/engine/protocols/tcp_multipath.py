"""The option of Multipath TCP (RFC 8684): one connection over several paths."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.spec import Choose, Derive, Field, Item, Kind, When, bits, bytes_, flag, marked, uint

__all__ = ["MULTIPATH"]

R = "RFC 8684 §3"
_N = "tcp.options.mptcp."
SUBTYPES = {
    0: "Multipath capable", 1: "Join connection", 2: "Data sequence signal", 3: "Add address", 4: "Remove address",
    5: "Change priority", 6: "Fail", 7: "Fast close", 8: "Reset of a subflow",
}  # fmt: skip
_SUBTYPE = uint(_N + "subtype", 4, "Subtype", "What this option does.", R, values=SUBTYPES)
_ADDRESS = uint(_N + "addrid", 8, "Address number", "Short for an address of the sender.", R)
_CAPABLE: tuple[Item, ...] = (
    _SUBTYPE,
    uint(_N + "version", 4, "Version", "0 (RFC 6824) or 1 (RFC 8684).", f"{R}.1", default=1),
    bits(_N + "flags", 8, "Flags", marked(8,
        flag(_N + "checksumreq.flags", "Check sums required", "Set: check sums over the data are wanted.", f"{R}.1",
             key="checksum_required"),
        flag(_N + "extensibility.flag", "Extensibility", "Must be 0.", f"{R}.1", key="extensible"),
        flag(_N + "nomoresubflows.flag", "No more paths here", "Do not join at this address and port.", f"{R}.1",
             key="no_more"),
        uint(_N + "reserved.flag", 4, "Reserved", "Must be 0.", f"{R}.1", hex=True, key="mptcp_reserved"),
        flag(_N + "sha256.flag", "HMAC-SHA256", "The keyed hash with which joins are proved.", f"{R}.1", key="hmac"),
    ), "What both sides can do.", f"{R}.1", key="mptcp_flags", default=1),
    When("option_len >= 12", (uint(_N + "sendkey", 64, "Sender's key", "Identifies and protects the connection.",
                                   f"{R}.1"),)),
    When("option_len >= 20", (uint(_N + "recvkey", 64, "Receiver's key", "The key of the other side, said back.",
                                   f"{R}.1", key="receiver_key"),)),
)  # fmt: skip
_BACKUP = flag(_N + "backup.flag", "Backup", "Set: use this path only when the others fail.", f"{R}.2", key="backup")
_FLAGS = Field(_N + "flags", "Flags", hex=True, derived=True, source=f"{R}.2", key="low_flags", bits=8,
               meaning="The byte that holds them.")  # fmt: skip
_LOW: tuple[Item, ...] = (
    _SUBTYPE, uint("", 3, "Reserved", key="low_reserved"), _BACKUP,
    Derive(_FLAGS, "subtype << 4 | low_reserved << 1 | backup", "subtype", part=(0, 8)),
)  # fmt: skip
_JOIN: tuple[Item, ...] = (
    *_LOW,
    Choose("option_len", {
        12: (_ADDRESS, uint(_N + "recvtok", 32, "Receiver's token", "Which connection is joined.", f"{R}.2"),
             uint(_N + "sendrand", 32, "Random number", "Makes each proof another one.", f"{R}.2", key="random")),
        16: (_ADDRESS, uint(_N + "sendtrunchmac", 64, "Proof", "The first half of it.", f"{R}.2"),
             uint(_N + "sendrand", 32, "Random number", "Makes each proof another one.", f"{R}.2", key="random")),
        24: (uint("", 8, "Reserved", key="join_reserved"),
             bytes_(_N + "sendhmac", 20, "Proof", "That the sender knows both keys.", f"{R}.2")),
    }),
)  # fmt: skip
_SIGNAL: tuple[Item, ...] = (
    _SUBTYPE, uint("", 4, "Reserved", key="signal_reserved"),
    bits(_N + "flags", 8, "Flags", (uint("", 3, "Reserved", key="signal_reserved_2"),
        flag(_N + "datafin.flag", "Data FIN", "The end of the whole connection.", f"{R}.3.3", key="data_fin"),
        flag(_N + "dseqn8.flag", "Long number", "The data sequence number has 8 bytes.", f"{R}.3", key="long_seq"),
        flag(_N + "dseqnpresent.flag", "Number is there", "Where these bytes belong in the whole.", f"{R}.3",
             key="has_seq"),
        flag(_N + "dataack8.flag", "Long confirmation", "The confirmation has 8 bytes.", f"{R}.3", key="long_ack"),
        flag(_N + "dataackpresent.flag", "Confirmation is there", "Confirms the data of all paths.", f"{R}.3",
             key="has_ack"),
    ), "What follows.", f"{R}.3", key="signal_flags"),
    When("signal_flags & 1", (Choose("signal_flags & 2", {
        2: (uint(_N + "rawdataack", 64, "Data confirmed", "The next byte wanted.", f"{R}.3.2", key="data_ack_8"),)},
        (uint(_N + "rawdataack", 32, "Data confirmed", "The next byte wanted.", f"{R}.3.2", key="data_ack"),),
        made="given.get('signal_flags', 0) & 2"),)),
    When("signal_flags & 4", (
        Choose("signal_flags & 8", {
            8: (uint(_N + "rawdataseqno", 64, "Data number", "The place in the whole.", f"{R}.3.1",
                     key="data_seq_8"),)},
            (uint(_N + "rawdataseqno", 32, "Data number", "The place in the whole.", f"{R}.3.1", key="data_seq"),),
            made="given.get('signal_flags', 0) & 8"),
        uint(_N + "subflowseqno", 32, "Number on this path", "Relative to its beginning.", f"{R}.3.1"),
        uint(_N + "datalvllen", 16, "Length", "Bytes for which this holds.", f"{R}.3.1", unit="bytes"),
        When("at < end", (uint(_N + "checksum", 16, "Check sum", "Over the data and this place.", f"{R}.3.1", hex=True,
                               key="signal_sum"),)),
    )),
)  # fmt: skip
_ADD: tuple[Item, ...] = (
    _SUBTYPE, uint(_N + "ipver", 4, "IP version", "In version 0; in version 1 the last bit repeats an offer.",
                   f"{R}.4.1", default=4),
    _ADDRESS,
    Choose("option_len", {
        (8, 10, 16, 18): (Field(_N + "ipv4", "Address", Kind.IPV4, 32, source=f"{R}.4.1",
                                meaning="I can be reached here, too."),),
        (20, 22, 28, 30): (Field(_N + "ipv6", "Address", Kind.IPV6, 128, source=f"{R}.4.1",
                                 meaning="I can be reached here, too."),),
    }),
    When("option_len in (10, 18, 22, 30)", (uint(_N + "port", 16, "Port", "If it is another one.", f"{R}.4.1"),)),
    When("option_len in (16, 18, 28, 30)", (
        uint(_N + "addaddrtrunchmac", 64, "Proof", "That the offer is real.", f"{R}.4.1"),)),
)  # fmt: skip
_RESERVED = uint(_N + "reserved", 12, "Reserved", "Must be 0.", R, hex=True, key="twelve")
_CASES: dict[Any, tuple[Item, ...]] = {
    range(16): _CAPABLE, range(16, 32): _JOIN, range(32, 48): _SIGNAL, range(48, 64): _ADD,
    range(64, 80): (_SUBTYPE, uint("", 4, "Reserved", key="remove_reserved"), _ADDRESS),
    range(80, 96): (*_LOW, When("option_len > 3", (_ADDRESS,))),
    range(96, 112): (_SUBTYPE, _RESERVED, uint(_N + "rawdataseqno", 64, "Data number", "Up to here it was right.",
                                               f"{R}.7", key="failed_seq")),
    range(112, 128): (_SUBTYPE, _RESERVED, uint(_N + "recvkey", 64, "Receiver's key", "Who knows it may close at once.",
                                                f"{R}.5", key="receiver_key")),
}  # fmt: skip
MULTIPATH = Choose("mptcp_first", _CASES, (_SUBTYPE, uint("", 4, "Flags", "", R, key="mptcp_low")), peek=8,
                   made="given.get('subtype', 0) << 4")  # fmt: skip
