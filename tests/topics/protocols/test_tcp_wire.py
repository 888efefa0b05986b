"""Segments of the simulated TCP are real ones: equal to what the specs build, and seen by tshark as the trace tells."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.recording import Recording
from prayog_protocols.engine.streams.analysis import Label
from prayog_protocols.engine.tcp.frames import ACK, FIN, PSH, RST, SYN, Datagram, Segment, read, write
from prayog_protocols.engine.tcp.gathered import Gathered, Sight
from prayog_protocols.engine.tcp.setup import Setup
from prayog_protocols.engine.tcp.setup import build as world_of
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_protocols.engine.wire import HOSTS
from prayog_sim.run import Action
from prayog_sim.world import World

U16, U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
PORTS = st.integers(1, 0xFFFF)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    syn = draw(st.booleans())
    stamps = draw(st.none() | st.tuples(U32, U32))
    sacks = () if syn else tuple(draw(st.lists(st.tuples(U32, U32), max_size=3 if stamps else 4)))
    flags = draw(st.sampled_from((ACK, ACK | PSH, ACK | FIN, RST, RST | ACK)))
    payload = draw(st.binary(max_size=1_460))
    if syn:
        opening = SYN | draw(st.sampled_from((0, ACK)))
        mss, scale, permitted = draw(st.integers(1, 0xFFFF)), draw(st.integers(-1, 14)), draw(st.booleans())
        return Segment(draw(PORTS), draw(PORTS), draw(U32), draw(U32), opening, draw(U16), b"", mss, scale, permitted,
                       stamps)  # fmt: skip
    return Segment(draw(PORTS), draw(PORTS), draw(U32), draw(U32), flags, draw(U16), payload, stamps=stamps,
                   sacks=sacks)  # fmt: skip


def specs_of(segment: Segment) -> list[dict[str, object]]:
    """The options as the builder takes them, in the order in which Linux writes them."""
    nop: dict[str, object] = {"option_kind": 1}
    made: list[dict[str, object]] = []
    if segment.mss:
        made.append({"option_kind": 2, "mss_val": segment.mss})
    if segment.sack_permitted:
        made += [*([] if segment.stamps else [nop, nop]), {"option_kind": 4}]
    if segment.stamps:
        pair: dict[str, object] = {"option_kind": 8, "tsval": segment.stamps[0], "tsecr": segment.stamps[1]}
        made += [*([] if segment.sack_permitted else [nop, nop]), pair]
    if segment.scale >= 0:
        made += [nop, {"option_kind": 3, "shift": segment.scale}]
    if segment.sacks:
        blocks = [{"left": left, "right": right} for left, right in segment.sacks]
        made += [nop, nop, {"option_kind": 5, "blocks": blocks}]
    return made


def outside(ident: int) -> list[Draft | bytes]:
    macs = {name: bytes((2, 0, 0, 0, 0, number)) for number, name in enumerate(HOSTS, 1)}
    return [
        Draft("eth", {"src": macs["laptop"], "dst": macs["shop"]}),
        Draft("ip", {"src": HOSTS["laptop"], "dst": HOSTS["shop"], "id": ident, "ttl": 64}),
    ]


@settings(max_examples=150, deadline=None)
@given(segments(), U16)
def test_a_segment_is_what_the_specs_build(segment: Segment, ident: int) -> None:
    head = {"srcport": segment.src_port, "dstport": segment.dst_port, "seq_raw": segment.seq, "ack_raw": segment.ack,
            "flags": segment.flags, "window": segment.window, "options": specs_of(segment)}  # fmt: skip
    built = build(REGISTRY, [*outside(ident), Draft("tcp", head), segment.payload]).data
    assert write("laptop", "shop", ident, segment) == built
    assert read(built) == segment


@settings(max_examples=50, deadline=None)
@given(PORTS, PORTS, st.binary(max_size=1_472), U16)
def test_a_datagram_is_what_the_specs_build(src: int, dst: int, payload: bytes, ident: int) -> None:
    built = build(REGISTRY, [*outside(ident), Draft("udp", {"srcport": src, "dstport": dst}), payload]).data
    made = write("laptop", "shop", ident, Datagram(src, dst, payload))
    assert made == built
    assert read(made) == Datagram(src, dst, payload)


# -- tshark's own analysis ---------------------------------------------------------------------------------------------

FIELDS = (
    "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack", "zero_window",
    "zero_window_probe", "window_full", "keep_alive", "keep_alive_ack", "lost_segment",
)  # fmt: skip
AGAIN = {"retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order"}
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed here")


def seen_by_tshark(world: World, path: Path) -> list[set[str]]:
    """The labels that tshark gives to each packet; what is wrong with the bytes fails here."""
    recording = Recording("simulated TCP")
    recording.take_all(world.trace)
    path.write_bytes(recording.pcapng())
    sums = ("tcp.checksum.status", "ip.checksum.status", "udp.checksum.status", "_ws.malformed")
    names = [*(f"tcp.analysis.{field}" for field in FIELDS), *sums]
    # Without reassembly: HTTP pieced together over a repeated segment is called malformed, though each packet is whole.
    wanted = ("tcp.check_checksum:TRUE", "ip.check_checksum:TRUE", "udp.check_checksum:TRUE",
              "tcp.desegment_tcp_streams:FALSE")  # fmt: skip
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.number"]
    for name in names:
        command += ["-e", name]
    for preference in wanted:
        command += ["-o", preference]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    rows = [line.split("\t")[1:] for line in told.stdout.splitlines()]
    assert len(rows) == len(recording.packets)
    for *_, tcp, ip, udp, malformed in rows:
        assert "0" not in (tcp, ip, udp), "a check sum is wrong"
        assert not malformed
    return [{field for field, value in zip(FIELDS, row, strict=False) if value} for row in rows]


OWN = dict(zip(FIELDS, (
    Label.RETRANSMISSION | Label.FAST | Label.SPURIOUS, Label.FAST, Label.SPURIOUS, Label.OUT_OF_ORDER,
    Label.DUPLICATE_ACK, Label.ZERO_WINDOW, Label.PROBE, Label.WINDOW_FULL, Label.KEEP_ALIVE, Label.KEEP_ALIVE_ACK,
    Label.LOST,
), strict=True))  # fmt: skip


def seen_by_explorer(path: Path) -> dict[int, set[str]]:
    """The labels that the lab's own analysis gives, by packet, under the names that tshark has for them."""
    capture = Capture(path.read_bytes())
    found = capture.findings(0)
    return {index: {name for name, label in OWN.items() if one.labels & label} for index, one in found.items()}


def needless(packets: list[Sight]) -> set[int]:
    """Indexes of segments that came again although an ACK for them had passed the router."""
    acks: dict[tuple[str, str], int] = {}
    found = set()
    for one in packets:
        if one.again and one.size and acks.get((one.dst, one.src), 0) >= one.end:
            found.add(one.index)
        acks[one.src, one.dst] = max(acks.get((one.src, one.dst), 0), one.ack)
    return found


def compare(world: World, path: Path, reasons: Counter[str]) -> None:
    """The same segments have the same labels; differences that are Wireshark's own guesses get a name."""
    packets = Gathered(world.trace).packets
    spurious = needless(packets)
    rows = seen_by_tshark(world, path)
    explored = seen_by_explorer(path)
    for one, labels in zip(packets, rows, strict=True):
        where = f"packet {one.index + 1}, {one.words}: {sorted(labels)}"
        assert explored[one.index] == labels, where
        assert one.again == bool(labels & AGAIN), where
        assert (one.why == "probe") == ("zero_window_probe" in labels), where
        assert (one.why == "keep-alive") == ("keep_alive" in labels), where
        silent = one.ack > 1 and one.edge == one.ack and "FIN" not in one.words and one.why != "rst"
        assert silent == ("zero_window" in labels), where
        assert "lost_segment" not in labels, where  # the router sees all that was sent
        if one.why == "duplicate" and "keep_alive_ack" in labels:
            reasons["the answer to a keep-alive is not called a duplicate"] += 1
        else:
            assert (one.why == "duplicate") == ("duplicate_ack" in labels), where
        if one.full != ("window_full" in labels):
            assert one.full, where
            reasons["the window opened at the router before its sender heard of it"] += 1
        if (one.index in spurious) != ("spurious_retransmission" in labels):
            assert one.index in spurious, where
            reasons["repeats a piece of two segments, of which one was confirmed"] += 1
        fast = "fast_retransmission" in labels
        if fast and one.why != "fast":
            assert one.again, where
            reasons[f"called fast, as duplicate ACKs came just before: in truth “{one.why}”"] += 1
        elif one.why == "fast" and not fast:
            reasons["not called fast: no two duplicates within 20 ms, or taken for out of order"] += 1
        if "out_of_order" in labels:
            reasons["called out of order, as it came soon after the highest segment"] += 1


MANY = [
    (control, sack, seed)
    for seed, (control, sack) in enumerate(
        (control, sack) for control in ("tahoe", "reno", "newreno", "cubic") for sack in (False, True) for _ in range(2)
    )
]


@needs_tshark
def test_tshark_labels_the_same_segments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reasons: Counter[str] = Counter()
    for control, sack, seed in MANY:
        tuning = Tuning(control, sack=sack, stamps=seed % 3 == 0, mss=(1_460, 536)[seed % 2],
                        delayed_ack_us=40_000 * (seed % 2), buffer=(65_535, 1_000_000, 8_000)[seed % 3])  # fmt: skip
        setup = Setup(
            tuning, control, program=("bulk", "requests", "bulk", "messages")[seed % 4], amount=60_000,
            rate_kbps=(8_000, 2_000)[seed % 2], queue=(25, 6)[seed // 2 % 2], loss=(0.0, 0.02, 0.08)[seed % 3],
            reorder=0.02 * (seed % 5 == 1), duplicate=0.02 * (seed % 5 == 2), drops=("", "4*2 9")[seed % 2],
            read_rate=40_000 * (seed % 7 == 3), delay_us=(5_000, 20_000)[seed // 4 % 2], strict=True,
        )  # fmt: skip
        world = world_of(setup, seed)
        world.run()
        compare(world, tmp_path / "run.pcapng", reasons)
    with capsys.disabled():
        for reason, count in sorted(reasons.items()):
            print(f"\n  {count:4} × {reason}", end="")


@needs_tshark
def test_tshark_sees_a_shut_window_probes_and_keep_alives(tmp_path: Path) -> None:
    tuning = Tuning(buffer=8_000, keep_alive_us=2_000_000)
    reasons: Counter[str] = Counter()
    world = world_of(Setup(tuning, amount=30_000, strict=True), 1)
    world.run(until_us=60_000)
    world.do(Action("stop_reading", {"node": "shop"}))
    world.run(until_us=3_000_000)
    world.do(Action("read_on", {"node": "shop"}))
    world.run(until_us=4_000_000)
    compare(world, tmp_path / "shut.pcapng", reasons)
    labels = set().union(*seen_by_tshark(world, tmp_path / "shut.pcapng"))
    assert {"zero_window", "zero_window_probe", "window_full"} <= labels
    idle = world_of(Setup(replace(tuning, buffer=65_535), program="wait", strict=True), 1)
    idle.run(until_us=100_000)
    idle.do(Action("write", {"node": "laptop", "bytes": 500}))
    idle.run(until_us=5_000_000)
    compare(idle, tmp_path / "idle.pcapng", reasons)
    assert reasons["the answer to a keep-alive is not called a duplicate"]
