"""Real conversations: each is held once, and what is claimed about it is looked for in its bytes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from prayog_protocols import labs_part
from prayog_protocols.engine.conversations import CONVERSATIONS
from prayog_protocols.engine.provenance import spans
from prayog_protocols.engine.recording import Recording
from prayog_sdk.testing.leaks import left_since, now_held
from prayog_sim.trace import Step, Trace
from topics.protocols.labs import capture_of, lab, told

pytestmark = pytest.mark.xdist_group("protocol labs")
TALKS = [(name, variant) for name, talk in CONVERSATIONS.items() for variant in talk.variants
         if (name, variant) not in (("updates", "all"), ("peers", "both"))]  # fmt: skip
Held = Mapping[tuple[str, str], list[Step]]


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    """The steps of every conversation, all in one lab that leaves nothing behind."""
    before = now_held()
    session = lab()
    try:
        yield {talk: told(session, talk[0], variant=talk[1]) for talk in TALKS}
    finally:
        session.close()
    assert left_since(before) == []


def of(steps: list[Step], kind: str, **fields: object) -> list[Step]:
    return [step for step in steps if step.kind == kind and all(step.data.get(k) == v for k, v in fields.items())]


def said(steps: list[Step], sender: str = "") -> bytes:
    """Application bytes in order, of one end or both."""
    packets = [step.data for step in steps if step.kind == "packet" and step.data["payload"]]
    wanted = [data for data in packets if not sender or data["sender"] == sender]
    return b"".join(bytes.fromhex(data["hex"])[-data["payload"] :] for data in wanted)


@pytest.mark.parametrize("talk", TALKS, ids=str)
def test_every_conversation_ends_well_and_knows_the_lines_that_caused_it(held: Held, talk: tuple[str, str]) -> None:
    steps = held[talk]
    assert not of(steps, "failed")
    assert not of(steps, "error")
    assert len(of(steps, "done")) == 1
    program = of(steps, "conversation")[0].data
    assert program["source"].splitlines()[program["first"] - 1].startswith("def ")
    payloads = [step.data for step in of(steps, "packet", link=1) if step.data["payload"]]
    assert payloads
    # aioice sends by itself, from the event loop: no line of ours is on its stack.
    if talk[0] != "webrtc":
        linked = [data for data in payloads if data["call"].startswith(f"clients/{talk[0]}.py:")]
        assert linked
        assert all(len(data["call"].split(" ", 1)[1]) > 3 for data in linked)


def test_a_reply_that_gets_lost_shows_what_may_be_asked_twice(held: Held) -> None:
    told_of = [step.data for step in of(held["http", "retry"], "retried")]
    changed = {(data["method"], data["key"]): data["changed"] for data in told_of}
    assert changed == {
        ("POST", False): 2, ("PUT", False): 1, ("DELETE", False): -1, ("GET", False): 0, ("POST", True): 1,
    }  # fmt: skip


def test_requests_in_one_write_are_answered_in_order(held: Held) -> None:
    steps = held["http", "pipelining"]
    asked = [step for step in of(steps, "packet", sender="client") if step.data["payload"]]
    assert len(asked) == 1
    assert said(steps, "client").count(b"GET ") == 3
    assert said(steps, "server").count(b"HTTP/1.1 200") == 3


def test_statuses_carry_the_fields_that_belong_to_them(held: Held) -> None:
    answers = said(held["http", "statuses"], "server").split(b"HTTP/1.1 ")
    for status, name in ((401, b"WWW-Authenticate:"), (405, b"Allow:"), (429, b"Retry-After:"), (301, b"Location:")):
        assert all(name in answer for answer in answers if answer.startswith(b"%d " % status)), status


def test_the_client_waits_for_100(held: Held) -> None:
    steps = of(held["http", "expect"], "packet")
    order = [step.data["sender"] for step in steps if step.data["payload"]]
    assert order[:2] == ["client", "server"]
    assert b"100 Continue" in said(held["http", "expect"], "server")


def test_dots_are_doubled_on_the_wire_only(held: Held) -> None:
    assert b"\r\n..This line" in said(held["smtp", "send"], "client")
    assert of(held["smtp", "send"], "kept", dot=True, doubled=False)


def test_after_starttls_no_password_is_readable(held: Held) -> None:
    wire = said(held["smtp", "starttls"])
    assert b"STARTTLS" in wire
    assert b"AUTH" not in said(held["smtp", "starttls"], "client")
    assert b"platform 4" not in wire


def test_active_mode_ends_at_the_gateway_and_passive_mode_passes(held: Held) -> None:
    steps = held["ftp", "active behind nat"]
    assert of(steps, "transfer", mode="active", ok=False, reason="blocked_inbound")
    assert of(steps, "transfer", mode="passive", ok=True, bytes=5120)
    dropped = of(steps, "packet", origin="simulated")
    assert [step.data["sender"] for step in dropped] == ["server"]
    assert b"425 " in said(steps, "server")


def test_deletion_waits_for_quit(held: Held) -> None:
    assert of(held["pop3", "read"], "mailbox", before_quit=2, after_quit=1)
    assert of(held["pop3", "reset"], "mailbox", after_quit=2)
    assert of(held["smtp", "relay"], "mail_path", left=2)


def test_looking_does_not_mark_and_the_other_device_is_told(held: Held) -> None:
    assert of(held["imap", "read"], "seen", after_peek=False, after_body=True)
    assert of(held["imap", "two devices"], "told", flagged=True)
    assert of(held["imap", "folders"], "folders", inbox=1, journeys=2)


def test_an_answer_that_is_too_long_is_asked_for_again_over_tcp(held: Held) -> None:
    first, second = of(held["dns", "truncated"], "answer")
    assert (first.data["truncated"], first.data["over"], first.data["records"]) == (True, "UDP", 0)
    assert (second.data["truncated"], second.data["over"], second.data["records"]) == (False, "TCP", 40)
    assert of(held["dns", "edns"], "answer")[0].data["records"] == 40


def test_lost_datagrams_are_shown_as_what_they_are(held: Held) -> None:
    steps = held["datagrams", "loss"]
    assert of(steps, "delivered")[0].data["answer"] == "17 datagrams"
    assert len(of(steps, "packet", origin="simulated")) == 3


def test_a_peer_channel_is_found_in_three_layers(held: Held) -> None:
    steps = held["webrtc", "chat"]
    assert of(steps, "channel")[0].data["heard"] == ["Namaste!", "The train leaves at five!", "Okay!"]
    inside = [bytes.fromhex(step.data["hex"]) for step in of(steps, "packet", link=248)]
    assert any(b"Namaste" in packet for packet in inside)
    assert b"Namaste" not in said([step for step in steps if step.data.get("link") == 1])


def test_ways_and_peers_are_ranked_by_what_they_cost(held: Held) -> None:
    ways = {way: of(held["updates", way], "way")[0].data for way in ("polling", "long poll", "events", "websocket")}
    assert max(ways, key=lambda way: ways[way]["wire_bytes"]) == "polling"
    assert ways["polling"]["requests"] > ways["long poll"]["requests"] > ways["events"]["requests"]
    alone, shared = (of(held["peers", form], "load", name="server")[0].data["sent"] for form in ("server", "swarm"))
    assert alone == 6 * shared
    assert all(step.data["complete"] for form in ("server", "swarm") for step in of(held["peers", form], "load"))


def test_named_checks_hold_and_can_fail(held: Held) -> None:
    checks = {check.name: check for check in labs_part.CHECKS}

    def verdict(name: str, *talks: tuple[str, str]) -> bool:
        trace = Trace()
        for talk in talks:
            for step in held[talk]:
                trace.append(Step(len(trace), step.at, step.kind, step.node, step.data))
        return checks[name].judge(trace).ok

    ways = [("updates", way) for way in ("polling", "long poll", "events", "websocket")]
    assert verdict("lab_retried", ("http", "retry"))
    assert not verdict("lab_retried", ("http", "requests"))
    assert verdict("lab_blocked", ("ftp", "active behind nat"))
    assert not verdict("lab_blocked", ("ftp", "active"))
    assert verdict("lab_four_ways", *ways)
    assert not verdict("lab_four_ways", *ways[1:])
    assert verdict("lab_shared", ("peers", "server"), ("peers", "swarm"))
    assert not verdict("lab_shared", ("peers", "server"))


def test_every_byte_of_a_packet_has_one_origin(held: Held) -> None:
    for step in of(held["smtp", "send"] + held["dns", "lookup"], "packet"):
        frame = bytes.fromhex(step.data["hex"])
        parts = spans(frame, step.data["origin"])
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert parts[-1].end == len(frame)
        if step.data["payload"]:
            assert parts[-1].origin == "observed"
            assert parts[-1].end - parts[-1].start == step.data["payload"]
        assert ("observed", 26, 38) in [(part.origin, part.start, part.end) for part in parts]  # addresses and ports


@pytest.fixture(scope="module")
def everything(held: Held) -> Recording:
    return capture_of(step for steps in held.values() for step in steps)


def test_our_reader_finds_each_protocol_again(everything: Recording) -> None:
    capture = everything.capture
    capture.verify = True
    found: set[str] = set()
    inside_tls: set[str] = set()
    for index in range(len(capture)):
        packet = capture.packet(index)
        names = [layer.field.name for layer in packet.layers]
        found.update(names)
        if "tls" in names:
            inside_tls.update(names)
        assert not [note for note in packet.notes if note.severity == "error"], (index + 1, packet.notes)
    assert found >= {"http", "http2", "websocket", "smtp", "ftp", "pop", "imap", "dns", "tls", "dtls", "stun", "sctp"}
    assert inside_tls >= {"http", "http2", "smtp"}


@pytest.fixture(scope="module")
def file(everything: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labs") / "all.pcapng"
    path.write_bytes(everything.pcapng())
    return path


def tshark(everything: Recording, file: Path, *words: str) -> str:
    """What tshark says, told which port speaks what; it must end well and complain of nothing."""
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed here, so its opinion about the export is not asked for")
    said_ports: list[str] = []
    for port, name in everything.speaks.items():
        for carrier in {"dns": ("tcp", "udp"), "": ()}.get(name, ("tcp",)):
            said_ports += ["-d", f"{carrier}.port=={port},{name}"]
    sums = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    command = [program, "-r", str(file), *said_ports, *sums, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert [line for line in done.stderr.splitlines() if "could be dangerous" not in line] == []
    return done.stdout


def test_wireshark_reads_the_export_without_complaint(everything: Recording, file: Path) -> None:
    bad_sums = " || ".join(f"{name}.checksum.status==0" for name in ("ip", "tcp", "udp"))
    wrong = f"_ws.malformed || tcp.analysis.flags || {bad_sums}"
    assert tshark(everything, file, "-Y", wrong) == ""
    comments = tshark(everything, file, "-T", "fields", "-e", "frame.comment").splitlines()
    assert len(comments) == len(everything.packets)
    assert all(comment.startswith(("synthesised", "observed", "simulated")) for comment in comments)


def test_wireshark_decrypts_with_the_keys_in_the_file(everything: Recording, file: Path) -> None:
    # Not yet told the ports: TLS is recognised by itself, and what is inside by ALPN.
    readable = "tls && http.request.uri || tls && http2.headers.path || tls && smtp.req.command"
    lines = tshark(everything, file, "-Y", readable, "-T", "fields", "-e", "http.request.uri", "-e", "smtp.req.command")
    assert "/catalogue" in lines
    assert "AUTH" in lines
    assert tshark(everything, file, "-Y", "dtls && dtls.app_data").count("\n") > 20
    assert "RTCDC" in tshark(everything, file, "-Y", "rtcdc")


def test_two_truths_hold_the_same_bytes() -> None:
    session = lab(kernel=True)
    try:
        first = told(session, "http", variant="close")
        if blind := of(first, "no_kernel"):
            pytest.skip(f"no kernel view here: {blind[0].data['sentence']}")
        more = [*told(session, "websocket", variant="large"), *told(session, "ftp", variant="active"),
                *told(session, "datagrams", variant="loss"), *told(session, "https", variant="tls 1.3")]  # fmt: skip
    finally:
        session.close()
    truths = of(first + more, "truths")
    assert len(truths) == 5
    for step in truths:
        assert step.data["same"] == len(step.data["flows"]) > 0, step.data
        assert step.data["only_kernel"] == 0
    large = {one["what"]: (one["tap"], one["kernel"]) for one in truths[1].data["differences"]}
    assert large["largest"][0] == 1460 < large["largest"][1]
    assert large["bad_sums"][0] == 0
    assert of(more, "kernel")
