"""Speed of the packet explorer against the tools people use, as ratios taken in one run.

    python tests/bench/bench_protocols.py [--quick]

Peers, each where it is installed: tshark, scapy (its PcapReader, and that with all fields), dpkt.  All read the same
pcap file: conversations of HTTP, DNS over UDP, pings and bulk data between many pairs of addresses, 100 MB of them
(10 MB with --quick).  A ratio is the peer's time for a packet divided by ours; the median of the rounds counts; a
missed target is printed as MISSED.  Time is CPU time of this process; for tshark that of its own process, and for
clicks the clock on the wall is printed as well.
"""

from __future__ import annotations

import io
import mmap
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.eager import Eager
from prayog_protocols.engine.filter import compile_filter
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.real.files import open_capture

ROUNDS = 3
missed: list[str] = []


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def line(what: str, value: float, unit: str, target: float | None = None, low: bool = False) -> None:
    """One figure, and whether its target is met (`low`: at most, else at least)."""
    verdict = ""
    if target is not None:
        met = value <= target if low else value >= target
        verdict = f"  target {'≤' if low else '≥'} {target:g}: {'met' if met else 'MISSED'}"
        if not met:
            missed.append(f"{what}: {value:.2f} of {target:g}")
    print(f"  {what:<58} {value:10.2f} {unit:<14}{verdict}")


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────


def conversation(a: str, b: str, port: int, rng: random.Random) -> list[bytes]:
    """The frames of one visit: a name is looked up, the host is pinged, pages are fetched, a file comes."""
    frames: list[bytes] = []
    seqs = {a: rng.randrange(1 << 32), b: rng.randrange(1 << 32)}

    def ip(src: str, *inner: Draft, payload: bytes = b"") -> None:
        other = b if src == a else a
        stack = [Draft("eth"), Draft("ip", {"src": src, "dst": other, "id": rng.randrange(65536)}), *inner]
        frames.append(build(REGISTRY, [*stack, payload]).data)

    def tcp(src: str, flags: set[str], payload: bytes = b"") -> None:
        other = b if src == a else a
        ports = {"srcport": port, "dstport": 80} if src == a else {"srcport": 80, "dstport": port}
        stamps = [{"option_kind": 1}, {"option_kind": 1},
                  {"option_kind": 8, "timestamp.tsval": rng.randrange(1 << 32), "timestamp.tsecr": 0}]  # fmt: skip
        options = [{"option_kind": 2, "mss_val": 1460}, {"option_kind": 4}, {"option_kind": 3, "shift": 7}]
        values = {**ports, "seq_raw": seqs[src], "ack_raw": seqs[other] if flags != {"syn"} else 0, "flags": flags,
                  "options": options if "syn" in flags else stamps[:2]}  # fmt: skip
        ip(src, Draft("tcp", values), payload=payload)
        seqs[src] = (seqs[src] + len(payload) + bool(flags & {"syn", "fin"})) & 0xFFFFFFFF

    name = b"\x04shop\x07example\x00\x00\x01\x00\x01"
    ident = struct.pack(">H", rng.randrange(65536))
    ip(a, Draft("udp", {"srcport": port, "dstport": 53}), payload=ident + b"\x01\x00\x00\x01" + bytes(6) + name)
    answer = (
        ident
        + b"\x81\x80\x00\x01\x00\x01"
        + bytes(4)
        + name
        + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\1\2\3\4"
    )
    ip(b, Draft("udp", {"srcport": 53, "dstport": port}), payload=answer)
    ip(a, Draft("icmp", {"type": 8}), payload=bytes(48))
    ip(b, Draft("icmp", {"type": 0}), payload=bytes(48))
    tcp(a, {"syn"})
    tcp(b, {"syn", "ack"})
    tcp(a, {"ack"})
    for page in range(6):
        tcp(a, {"push", "ack"}, b"GET /orders/%d HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n" % page)
        tcp(b, {"ack"})
        body = rng.randbytes(300 + 100 * page)
        tcp(b, {"push", "ack"}, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        tcp(a, {"ack"})
    tcp(a, {"push", "ack"}, b"GET /photo HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    tcp(b, {"ack"}, b"HTTP/1.1 200 OK\r\nContent-Length: 14000\r\n\r\n")
    for number in range(10):
        tcp(b, {"ack"}, rng.randbytes(1400))
        if number % 2:
            tcp(a, {"ack"})
    tcp(a, {"fin", "ack"})
    tcp(b, {"fin", "ack"})
    tcp(a, {"ack"})
    return frames


def write(path: Path, size: int) -> None:
    """A pcap of about so many bytes: a hundred visits, then the same ones from other addresses."""
    rng = random.Random(6)
    visits = [
        conversation(f"10.0.0.{host + 1}", f"198.51.100.{host % 9 + 1}", 40_000 + host, rng) for host in range(100)
    ]
    frames = [frame for group in zip(*visits, strict=True) for frame in group]
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        moment = 1_767_225_600_000_000
        again = 0
        while out.tell() < size:
            block = io.BytesIO()
            for frame in frames:
                moment += 50
                changed = bytearray(frame)
                place = 27 if frame[26] == 10 else 31  # the second byte of the address 10.0.0.x
                changed[place : place + 2] = struct.pack(">H", again & 0xFFFF)
                block.write(struct.pack("<IIII", moment // 10**6, moment % 10**6, len(frame), len(frame)))
                block.write(changed)
            out.write(block.getvalue())
            again += 1


def as_pcapng(path: Path, capture: Capture) -> None:
    with path.open("wb") as out:
        writer = Writer(out)
        lo = writer.interface(1)
        for index in range(len(capture)):
            writer.packet(capture.raw(index), int(capture.records.times[index]), lo)


# ── what is measured ────────────────────────────────────────────────────────────────────────────────────────────


def opening(path: Path, other: Path) -> float:
    def index(where: Path) -> Callable[[], None]:
        return lambda: open_capture(where).close()

    megabytes = path.stat().st_size / 1e6
    took = statistics.median(seconds(index(path)) for _ in range(ROUNDS))
    ng = statistics.median(seconds(index(other)) for _ in range(ROUNDS)) * path.stat().st_size / other.stat().st_size
    line("index and columns of 100 MB, pcap", took / megabytes * 100, "s", 0.5, low=True)
    line("index and columns of 100 MB, pcapng", ng / megabytes * 100, "s", 0.5, low=True)
    return took


def against_tshark(path: Path, took: float) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        print("  tshark is not installed: no comparison of the index")
        return
    before = os.times()
    subprocess.run([tshark, "-n", "-r", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    theirs = after.children_user + after.children_system - before.children_user - before.children_system
    line("a pass of tshark -r, against the index", theirs / took, "×", 10)


def scapy_rates(path: Path, count: int) -> tuple[float, float] | None:
    """Seconds a packet: PcapReader, and that with every field of every layer read."""
    if find_spec("scapy") is None:
        print("  scapy is not installed: no comparison with it")
        return None
    import scapy.all
    from scapy.packet import NoPayload

    def plain() -> None:
        with scapy.all.PcapReader(str(path)) as reader:
            for _, _packet in zip(range(count), reader, strict=False):
                pass

    def everything() -> None:
        with scapy.all.PcapReader(str(path)) as reader:
            for _, packet in zip(range(count), reader, strict=False):
                layer = packet
                while not isinstance(layer, NoPayload):
                    for field in layer.fields_desc:
                        layer.getfieldval(field.name)
                    layer = layer.payload

    plain()
    return (statistics.median(seconds(plain) for _ in range(ROUNDS)) / count,
            statistics.median(seconds(everything) for _ in range(ROUNDS)) / count)  # fmt: skip


def dpkt_rate(path: Path, count: int) -> float | None:
    """Seconds a packet: dpkt's reader with Ethernet()."""
    if find_spec("dpkt") is None:
        print("  dpkt is not installed: no comparison with it")
        return None
    import dpkt

    def work() -> None:
        with path.open("rb") as file:
            for _, (_, data) in zip(range(count), dpkt.pcap.Reader(file), strict=False):
                dpkt.ethernet.Ethernet(data)

    return statistics.median(seconds(work) for _ in range(ROUNDS)) / count


def reading(path: Path, capture: Capture, took: float) -> None:
    count = len(capture)
    eager = Eager(REGISTRY)

    def values() -> None:
        for _ in eager.all(capture):
            pass

    each = (statistics.median(seconds(values) for _ in range(ROUNDS)) + took) / count
    line("all values of Ethernet to TCP and UDP, opening included", 1 / each, "packets/s")
    sample = min(count, 20_000)

    def trees() -> None:
        link = REGISTRY.find("link", 1)
        for index in range(sample):
            Dissection(REGISTRY, capture.raw(index), index + 1).run(link)

    def whole() -> None:
        for index in range(sample):
            capture.packet(index)

    tree = statistics.median(seconds(trees) for _ in range(ROUNDS)) / sample
    full = statistics.median(seconds(whole) for _ in range(ROUNDS)) / sample
    line("all fields with ranges, headers", 1 / tree, "packets/s")
    line("all fields with ranges, analysis and applications", 1 / full, "packets/s")
    found = scapy_rates(path, min(count, 5_000))
    if found is not None:
        line("scapy PcapReader, against ours", found[0] / each, "×", 20)
        line("scapy with all fields, against ours with ranges", found[1] / tree, "×", 5)
        line("the same, with analysis and applications on our side", found[1] / full, "×")
    theirs = dpkt_rate(path, min(count, 100_000))
    if theirs is not None:
        line("dpkt Ethernet(), against ours", theirs / each, "×", 2)


def clicks(path: Path) -> None:
    """Packets here and there in a capture that was just opened."""
    capture = open_capture(path)
    capture.flows  # noqa: B018 - numbering the conversations is done once, behind the list
    rng = random.Random(1)
    cpu, wall = [], []
    for _ in range(2_000):
        index, start = rng.randrange(len(capture)), time.perf_counter()
        cpu.append(seconds(lambda index=index: capture.packet(index)) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    line("a click: the full tree, p99", sorted(cpu)[-20], "ms", 5, low=True)
    line("a click: the full tree, p50", sorted(cpu)[1_000], "ms")
    line("a click on the wall's clock, p99", sorted(wall)[-20], "ms")
    capture.close()


def memory(capture: Capture) -> None:
    columns, records = capture.columns, capture.records
    arrays = [getattr(part, name) for part in (columns, records) for name in part.__slots__]
    held = sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    line("memory for a packet beside the file: index and columns", held / len(capture), "bytes", 64, low=True)
    flows = capture.flows
    arrays = [flows.stream, *(array for pair in flows._order.values() for array in pair)]
    held += sum(array.nbytes for array in arrays)
    line("the same with the numbers of conversations", held / len(capture), "bytes", 64, low=True)


def filters(capture: Capture) -> None:
    capture.flows  # noqa: B018
    for text, target in (
        ("tcp.port == 80", 10.0), ("ip.addr == 10.0.0.0/16 and not tcp.flags.syn == 1", 10.0),
        ("tcp.stream == 7", 10.0),
        ("tcp.srcport in {80, 443, 8000..9000}", 10.0), ("frame.len > 1000", 10.0), ("ip.ttl < 64", None),
    ):  # fmt: skip
        found = compile_filter(text)
        took = statistics.median(seconds(lambda found=found: found.select(capture)) for _ in range(ROUNDS))
        line(f"filter {text}", took * 1000 / len(capture) * 1e6, "ms a million", target, low=True)


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="prayog-bench-") as folder:
        path, other = Path(folder, "all.pcap"), Path(folder, "all.pcapng")
        write(path, 10_000_000 if quick else 100_000_000)
        capture = open_capture(path)
        as_pcapng(other, capture)
        print(f"{len(capture):,} packets, {path.stat().st_size / 1e6:.0f} MB\n\nOpening")
        took = opening(path, other)
        against_tshark(path, took)
        print("\nReading")
        reading(path, capture, took)
        print("\nLooking")
        clicks(path)
        memory(capture)
        filters(capture)
        assert isinstance(capture.data, mmap.mmap)
        capture.close()
    print("\n" + ("Missed: " + "; ".join(missed) if missed else "All targets met."))


if __name__ == "__main__":
    main()
