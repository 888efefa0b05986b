"""The options of a TCP segment, from the end of the list to Multipath TCP."""

from __future__ import annotations

from prayog_protocols.engine.protocols.tcp_multipath import MULTIPATH
from prayog_protocols.engine.spec import (
    Block,
    Check,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Repeat,
    When,
    bytes_,
    flag,
    marked,
    uint,
)

__all__ = ["EDGES", "OPTIONS"]

KINDS = {
    0: "End of options", 1: "No operation", 2: "Maximum segment size", 3: "Window scale", 4: "SACK permitted",
    5: "SACK", 6: "Echo (obsolete)", 7: "Echo reply (obsolete)", 8: "Time stamps",
    9: "Partial order permitted (obsolete)", 10: "Partial order profile (obsolete)", 11: "CC (obsolete)",
    12: "CC.NEW (obsolete)", 13: "CC.ECHO (obsolete)", 14: "Alternate check sum request (obsolete)",
    15: "Alternate check sum data (obsolete)", 19: "MD5 signature", 27: "Quick-Start", 28: "User timeout",
    29: "Authentication (TCP-AO)", 30: "Multipath TCP", 34: "Fast Open", 69: "Encryption negotiation",
    172: "Accurate ECN, order 0", 174: "Accurate ECN, order 1", 253: "Experiment 1", 254: "Experiment 2",
}  # fmt: skip
R, R7323, R2018 = "RFC 9293 §3.2", "RFC 7323", "RFC 2018 §3"

_KIND = uint("tcp.option_kind", 8, "Kind", "Which option this is.", R, values=KINDS, default=1)
_SIZE = uint("tcp.option_len", 8, "Length", "Bytes of the whole option, kind and length included.", R, auto="size")
_REST = bytes_("tcp.options.unknown.payload", 0, "Content", "What is in an option that this program has no names for.",
               key="rest")  # fmt: skip


def _option(name: str, kind: int, meaning: str, source: str, *items: Item) -> tuple[Block]:
    label = KINDS.get(kind, "Unknown option")
    own = Field(
        "" if name == "mptcp" else f"tcp.options.{name}", label, Kind.BYTES, meaning=meaning, source=source, key=""
    )
    if kind in (0, 1):
        return (Block(own, (_KIND,)),)
    enough = Check("option_len >= 2", "An option of {option_len} bytes; two are the least.", "option_len", stop=True)
    # After an option of no size nobody knows where the next one begins: what is left belongs to it.
    size = "(data[at + 1] if data[at + 1] > 1 else end - at) if end - at > 1 else 2"
    return (Block(own, (_KIND, _SIZE, enough, *items), size, _REST, keeps=True),)


def _edge(name: str, label: str, meaning: str, key: str) -> Field:
    return uint(name, 32, label, meaning + " Shown relative to the first byte of the stream, where that is known.",
        R2018,
                key=key)  # fmt: skip


LEFT = _edge("tcp.options.sack_le", "Left edge", "The first byte of a piece that arrived out of order.", "left")
RIGHT = _edge("tcp.options.sack_re", "Right edge", "The byte after that piece.", "right")
EDGES = (LEFT, RIGHT)  # shown relative
_COUNT = Field("tcp.options.sack.count", "Pieces", derived=True, meaning="How many pieces are reported.", source=R2018)

_ECHO = uint("tcp.options.echo_value", 32, "Value", "Returned by the other side.", "RFC 1072", key="echo_value")
_CC = uint("tcp.options.cc_value", 32, "Connection count", "Of transactional TCP, which is history.", "RFC 1644")
_WANTED = Field("tcp.options.tfo.request", "Cookie wanted", Kind.NONE, derived=True, source="RFC 7413 §4.1.1",
                meaning="An option without a cookie asks for one.")  # fmt: skip

_CASES: dict[int, tuple[Item, ...]] = {
    0: _option("eol", 0, "The list ends; zeros fill up the last word.", R),
    1: _option("nop", 1, "One byte, to bring the next option to an even place.", R),
    2: _option("mss", 2, "The largest piece of data that this side takes in one segment, headers not counted. Only "
                         "with SYN.",
               "RFC 9293 §3.7.1", uint("tcp.options.mss_val", 16, "Largest segment", "Bytes of data, without headers.",
                                       "RFC 9293 §3.7.1", unit="bytes", default=1460)),
    3: _option("wscale", 3, "The window is meant times a power of two. Only with SYN, and only if both send it.",
               f"{R7323} §2.2",
               uint("tcp.options.wscale.shift", 8, "Shift", "The window is multiplied by 2 to this power, at most 14.",
                    f"{R7323} §2.2", default=7),
               Derive(Field("tcp.options.wscale.multiplier", "Multiplier", derived=True,
                   meaning="2 to the power of the shift."), "1 << min(shift, 14)", "shift")),
    4: _option("sack_perm", 4, "This side understands selective acknowledgements.", "RFC 2018 §2"),
    5: _option("sack", 5, "Which pieces arrived beyond a gap, so that only the gap is sent again.", R2018,
               Derive(_COUNT, "(option_len - 2) // 8", "option_len", part=(-8, 0)),
               Repeat("blocks", (LEFT, RIGHT), count="(option_len - 2) // 8")),
    6: _option("echo", 6, "Replaced by time stamps.", "RFC 1072", _ECHO),
    7: _option("echoreply", 7, "Replaced by time stamps.", "RFC 1072", _ECHO),
    8: _option("timestamp", 8, "Both sides write their clock and repeat the other's: this measures round trips and "
                               "tells old segments from new ones.", f"{R7323} §3",
               uint("tcp.options.timestamp.tsval", 32, "Time stamp", "The sender's clock, in ticks of its own.",
                    f"{R7323} §3.2", default=0),
               uint("tcp.options.timestamp.tsecr", 32, "Echo", "The last time stamp that came from the other side.",
                    f"{R7323} §3.2", default=0)),
    11: _option("cc", 11, "Transactional TCP, which is history.", "RFC 1644", _CC),
    12: _option("ccnew", 12, "Transactional TCP, which is history.", "RFC 1644", _CC),
    13: _option("ccecho", 13, "Transactional TCP, which is history.", "RFC 1644", _CC),
    19: _option("md5", 19, "Protects routing sessions; replaced by TCP-AO.", "RFC 2385",
                bytes_("tcp.options.md5.digest", 16, "Digest", "MD5 over segment and a shared password.",
                    "RFC 2385 §2")),
    27: _option("qs", 27, "Asks how fast the sender may begin.", "RFC 4782 §3",
                uint("", 4, "Reserved", "", "RFC 4782", key="qs_reserved", default=0),
                uint("tcp.options.qs.rate", 4, "Rate", "As a step of a table.", "RFC 4782 §3.1", default=0),
                uint("tcp.options.qs.ttl_diff", 8, "Difference of TTL",
                    "Tells whether every router on the way took part.", "RFC 4782 §3.1", default=0)),
    28: _option("user_to", 28, "How long unconfirmed data may wait before the connection is given up.", "RFC 5482 §3",
                *marked(16, flag("tcp.options.user_to_granularity", "In minutes", "Set: minutes. Not set: seconds.",
                                 "RFC 5482 §3"),
                        uint("tcp.options.user_to_val", 15, "Time", "In minutes or seconds.", "RFC 5482 §3"))),
    29: _option("ao", 29, "Proves that the segment comes from who it says.", "RFC 5925 §2.2",
                uint("tcp.options.ao.keyid", 8, "Key", "Of this segment.", "RFC 5925 §2.2"),
                uint("tcp.options.ao.rnextkeyid", 8, "Next key", "That the receiver should use.", "RFC 5925 §2.2"),
                bytes_("tcp.options.ao.mac", "max(0, option_len - 4)", "Authentication code",
                    "The proof that who sent the segment knows the key.", "RFC 5925 §2.2")),
    30: _option("mptcp", 30, "One connection over several paths.", "RFC 8684 §3", MULTIPATH),
    34: _option("tfo", 34, "Data already in the first segment, with a cookie from an earlier visit.", "RFC 7413 §4.1.1",
                When("option_len == 2", (Derive(_WANTED, "None", "option_kind", part=(0, 16)),)),
                When("option_len > 2", (bytes_("tcp.options.tfo.cookie", "option_len - 2", "Cookie",
                    "Proves that this client was here before.", "RFC 7413 §4.1.1"),))),
    **{kind: _option("acc_ecn", kind, "Counts marked bytes exactly.", "draft-ietf-tcpm-accurate-ecn") for kind in (172,
        174)},
    **{kind: _option("experimental", kind, "For trying out; the first two bytes say whose experiment it is.",
        "RFC 6994 §3",
                     uint("tcp.options.experimental.exid", 16, "Experiment", "Registered number.", "RFC 6994 §3",
                         hex=True),
                     bytes_("tcp.options.experimental.data", "max(0, option_len - 4)", "Data",
                         "What the experiment says.", "RFC 6994",
                         key="experiment"))
       for kind in (253, 254)},
}  # fmt: skip

OPTIONS = Choose("option_kind", _CASES, _option("unknown", 255, "An option without a known meaning.", R), peek=8)
