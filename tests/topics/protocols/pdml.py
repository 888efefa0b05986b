"""Our packets against tshark's: name, place, size and value of every field that both know.

    python tests/topics/protocols/pdml.py CAPTURE… [-- OPTIONS OF TSHARK]

prints, for each capture, how many fields were compared, which differ, and which fields of our protocols only tshark
has.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.spec import Kind
from prayog_protocols.engine.tree import Node, Packet

Seen = tuple[int, int, str]  # position, size, value as shown
# Names that depend on tshark's databases (makers of network cards, countries), on its display or on the machine.
NOT_COMPARED = (
    "_resolved",
    ".geoip.",
    "frame.time_delta_displayed",
    "frame.offset_shift",
    "frame.marked",
    "frame.ignored",
)

# Where the two differ by habit, and why ours stays as it is.  These are compared and counted all the same:
# - `ipv6.opt` of a Pad1 option: tshark 4.0 marks two bytes, RFC 8200 §4.2 gives the option one.
# - `udp.payload` where the UDP length ends before the packet does: tshark shows the bytes after the datagram, too.
# - `tcp` quoted by an ICMPv4 redirect: tshark ends after 8 bytes (RFC 792), although more are quoted (RFC 1812
#   §4.3.2.3).
# - `dns.resp.name` of SRV records: tshark 4.0 shows their owner as `dns.srv.service`, `.proto` and `.name` instead.
# - `http.*_number`, `prev_*` and `response_for.uri` of pipelined messages: tshark keeps one state for each packet, so
#   all messages in a packet show that of the last; obsolete line folding (RFC 9112 §5.2) ends its headers.
# - `imap`, `imf`: tshark reads lines of a literal of a client as commands, takes `+` for a tag, hands literals of
#   FETCH to `imf`; ours keeps them apart as literals.
# - `pop`: tshark shows only the first command of a packet, and a message in pieces, packet by packet.
# - `smtp` after BDAT with bytes behind it: tshark shows the command as a line of the message.
# - `websocket.payload.text` of fragmented messages: tshark gives a place in the last packet for text from several.


@dataclass
class Report:
    """What a comparison found."""

    packets: int = 0
    compared: int = 0
    wrong: int = 0
    by_name: Counter[str] = field(default_factory=Counter)  # differing fields
    of_protocol: Counter[str] = field(default_factory=Counter)  # compared fields by the first word of their names
    examples: dict[str, str] = field(default_factory=dict)
    only_theirs: Counter[str] = field(default_factory=Counter)  # of protocols that we have
    only_ours: Counter[str] = field(default_factory=Counter)
    where: dict[str, int] = field(default_factory=dict)  # name -> a packet in which only one side has it

    @property
    def share(self) -> float:
        """Of the compared fields, those that agree."""
        return 1 - self.wrong / self.compared if self.compared else 1.0


def _value(show: str) -> str:
    """A value as both sides can agree on: numbers without their base, flags as 0 and 1."""
    if show in ("True", "False"):
        return str(int(show == "True"))
    try:
        return str(int(show, 0)) if not (len(show) > 1 and show[0] == "0" and show.isdigit()) else show
    except ValueError:
        pass
    # XML makes spaces of line ends, and tshark writes other signs that XML cannot hold as \x and a number.
    plain = "".join(letter if letter >= " " or letter.isspace() else f"\\x{ord(letter):x}" for letter in show)
    return " ".join(plain.replace("\\r", " ").replace("\\n", " ").split())


def _theirs(stream: IO[bytes]) -> Iterator[dict[str, list[Seen]]]:
    for _, element in ET.iterparse(stream):
        if element.tag != "packet":
            continue
        found: dict[str, list[Seen]] = defaultdict(list)
        for proto in element:
            if proto.get("name") == "geninfo":
                continue
            for one in proto.iter():
                name = one.get("name", "")
                if name and name != "data" and not name.startswith("_ws."):  # "data" has no place there
                    found[name].append((int(one.get("pos") or 0), int(one.get("size") or 0), one.get("show") or ""))
        yield found
        element.clear()


def ours(packet: Packet) -> dict[str, list[Seen]]:
    """The fields of a packet of ours, under all their names."""
    found: dict[str, list[Seen]] = defaultdict(list)
    for node in packet.walk():
        seen = (node.position, node.size, _shown(node))
        for name in (node.name, *node.field.aliases):
            if name and name != "data":
                found[name].append(seen)
    return found


def _shown(node: Node) -> str:
    return "" if node.field.kind in (Kind.PROTOCOL, Kind.NONE) else literal(node)


def compare(capture: Capture, path: Path, options: tuple[str, ...] = ()) -> Report:
    """Both dissections of one file."""
    report = Report()
    command = ["tshark", "-n", "-r", str(path), "-T", "pdml", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for index, theirs in enumerate(_theirs(process.stdout)):
            _packet(report, index, theirs, ours(capture.packet(index)))
    return report


def _packet(report: Report, index: int, theirs: dict[str, list[Seen]], mine: dict[str, list[Seen]]) -> None:
    report.packets += 1
    for name in theirs.keys() | mine.keys():
        if any(part in name for part in NOT_COMPARED):
            continue
        a, b = theirs.get(name, []), mine.get(name, [])
        for left, right in zip(a, b, strict=False):
            report.compared += 1
            report.of_protocol[name.partition(".")[0]] += 1
            field_ = REGISTRY.fields.get(name)
            plain = field_ is not None and field_.kind in (Kind.PROTOCOL, Kind.NONE)
            same = left[:2] == right[:2] and (plain or _same(left[2], right[2]))
            if not same:
                report.wrong += 1
                report.by_name[name] += 1
                report.examples.setdefault(name, f"packet {index + 1}: tshark {left}, ours {right}")
        if len(a) > len(b) and name.partition(".")[0] in REGISTRY.protocols:
            report.only_theirs[name] += len(a) - len(b)
            report.where.setdefault(name, index + 1)
        elif len(b) > len(a):
            report.only_ours[name] += len(b) - len(a)
            report.where.setdefault(name, index + 1)


def _same(left: str, right: str) -> bool:
    if "\ufffd" in left:  # tshark reads some texts as ASCII only
        right = right.encode("utf-8", "surrogateescape").decode("ascii", "replace")
        left = "".join(letter if letter < "\x80" else "\ufffd" for letter in left)
    # tshark shows a text up to its first NUL.
    return left == right or _value(left) == _value(right) or _value(left) == _value(right.partition("\0")[0])


def main(arguments: list[str]) -> int:
    """Compare the captures that are named; the exit status is 1 when less than 99.9 % agree."""
    files, options = arguments, tuple[str, ...]()
    if "--" in arguments:
        cut = arguments.index("--")
        files, options = arguments[:cut], tuple(arguments[cut + 1 :])
    good = True
    for name in files:
        path = Path(name)
        report = compare(Capture(path.read_bytes(), name), path, options)
        good &= report.share >= 0.999
        print(f"{name}: {report.packets} packets, {report.compared} fields compared, {report.wrong} differ "
              f"({report.share:.4%} agree)")  # fmt: skip
        for field_name, count in report.by_name.most_common(40):
            print(f"  differs {count:6} {field_name}: {report.examples[field_name]}")
        for title, counter in (("only tshark", report.only_theirs), ("only ours", report.only_ours)):
            for field_name, count in counter.most_common(60):
                print(f"  {title} {count:6} {field_name} (packet {report.where[field_name]})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
