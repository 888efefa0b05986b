"""The lab process: what it may not do, how it ends, and what the learner may send to its servers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import prayog_protocols
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.conversations import SERVERS
from prayog_protocols.engine.real.headers import Headers
from prayog_protocols.engine.real.process import LabGone, LabProcess
from prayog_protocols.engine.real.session import LabSession
from prayog_protocols.engine.recording import packet_data
from prayog_sdk.headless import run_scenario
from prayog_sdk.manifest import read_folder
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step
from topics.protocols.labs import capture_of, lab, told

pytestmark = pytest.mark.xdist_group("protocol labs")


@pytest.fixture
def session() -> Iterator[LabSession]:
    made = lab()
    yield made
    made.close()


def last(steps: list[Step], kind: str) -> Step:
    return next(step for step in reversed(steps) if step.kind == kind)


FENCED = """
from prayog_protocols.engine.real import tap
TAP = tap.install()
import _socket, socket, asyncio
def refused(what):
    try:
        what()
    except PermissionError as error:
        assert "this machine" in str(error) or "addresses" in str(error), error
        return
    raise SystemExit(f"line {what.__code__.co_firstlineno} was let through")
one = socket.socket(); other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
refused(lambda: one.connect(("192.0.2.1", 80)))
refused(lambda: one.connect(("example.com", 80)))
refused(lambda: one.connect_ex(("10.0.0.1", 80)))
refused(lambda: other.sendto(b"x", ("192.0.2.1", 53)))
refused(lambda: other.sendmsg([b"x"], [], 0, ("192.0.2.1", 53)))
refused(lambda: other.connect(("8.8.8.8", 53)))
refused(lambda: socket.getaddrinfo("example.com", 80))
refused(lambda: socket.gethostbyname("example.com"))
refused(lambda: socket.create_connection(("example.org", 80)))
refused(lambda: _socket.socket().connect(("192.0.2.1", 80)))
refused(lambda: socket.socket(socket.AF_INET6).connect(("::ffff:192.0.2.1", 80)))
refused(lambda: asyncio.run(asyncio.open_connection("192.0.2.1", 80)))
wide = socket.create_server(("", 0))
assert wide.getsockname()[0] == "127.0.0.1"
assert socket.getaddrinfo("shop.test", 80)[0][4][0] == "127.0.0.1"
socket.create_connection(wide.getsockname()).close()
"""


def test_nothing_leaves_this_machine() -> None:
    done = subprocess.run([sys.executable, "-c", FENCED], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


TAPPED = """
from prayog_protocols.engine.real import tap
TAP = tap.install(("<string>",))
import socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
one = socket.create_connection(server.getsockname()); two, _ = server.accept()
got = []
def read():
    while data := two.recv(5000): got.append(data)
reader = threading.Thread(target=read); reader.start()
for size in (1, 70_000, 300):
    one.sendall(bytes([size % 251]) * size)
one.shutdown(socket.SHUT_WR); reader.join(); two.close(); one.close()
records = TAP.taken()
sent = b"".join(fact for _, what, _, fact, _ in records if what == "send")
read = b"".join(fact for _, what, _, fact, _ in records if what == "recv")
assert sent == read == b"".join(got) and len(sent) == 70_301
known = 0
for _, what, _, fact, caller in records:   # nobody reads what was not sent before
    known += {"send": 1, "recv": -1}.get(what, 0) * (len(fact) if what in ("send", "recv") else 0)
    assert known >= 0
assert [what for _, what, *_ in records].count("eof") == 1
assert all(caller for *_, caller in records)
"""


def test_the_tap_sees_every_byte_and_senders_before_readers() -> None:
    done = subprocess.run([sys.executable, "-c", TAPPED], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lab_that_dies_is_told_and_replaced(session: LabSession) -> None:
    told(session, "dns", variant="edns")
    assert session._lab is not None
    os.kill(session._lab.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    failed = last(told(session, "dns", variant="edns"), "failed").data["sentence"]
    assert "ended" in failed
    assert "next action" in failed
    assert last(told(session, "dns", variant="edns"), "answer").data["records"] == 40


def test_a_lab_that_does_not_answer_in_time_is_stopped(no_leaks: None) -> None:
    process = LabProcess(private=False)
    try:
        with pytest.raises(LabGone, match="did not answer within 0 s and was stopped"):
            list(process.ask("talk", {"conversation": "updates", "variant": "all"}, 0.2))
    finally:
        process.close()


def test_closing_in_the_middle_does_not_wait(no_leaks: None) -> None:
    session = lab()
    session.do(Action("updates", {"variant": "all"}))
    while session.busy and not any(step.kind == "packet" for step in session.trace):
        session.wait(0.1)
    session.close()
    assert not any(step.kind == "done" for step in session.trace)


OWNER = """
import sys, time
from prayog_protocols.engine.real.process import LabProcess
lab = LabProcess(False)
print(lab.pid, lab._folder, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="reads /proc or asks by signal 0, as POSIX has it")
def test_a_lab_does_not_outlive_its_owner() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, folder = owner.stdout.readline().split()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the lab still runs")
    assert not Path(folder).exists()


def test_a_port_where_nobody_listens_answers_with_a_reset() -> None:
    made = list(Headers(1).take([10, "connect", 1, (("127.0.0.1", 5000), ("127.0.0.1", 9), "refused"), None]))
    frames = capture_of(
        Step(n, 0, "packet", "", packet_data(one.frame, one.time_ns, one.origin)) for n, one in enumerate(made)
    ).capture  # fmt: skip
    assert [frames.packet(n).value("tcp.flags.reset") for n in range(2)] == [0, 1]
    assert frames.packet(1).value("tcp.ack_raw") == frames.packet(0).value("tcp.seq_raw") + 1


def test_nothing_is_acknowledged_that_was_not_sent() -> None:
    headers = Headers(1)
    ends = (("127.0.0.1", 5000), ("127.0.0.1", 80))
    records: list[list[object]] = [
        [10, "connect", 1, (*ends, "made"), None], [20, "accept", 2, (ends[1], ends[0]), None],
        [15, "recv", 2, b"early", None], [30, "send", 1, b"early", None], [40, "recv", 2, b"", None],
        [50, "close", 1, True, None], [60, "close", 2, True, None],
    ]  # fmt: skip
    made = [one for record in records for one in headers.take(record)]
    capture = capture_of(
        Step(n, 0, "packet", "", packet_data(one.frame, one.time_ns, one.origin)) for n, one in enumerate(made)
    ).capture
    assert [one.time_ns for one in made] == sorted(one.time_ns for one in made)
    sent = {80: 0, 5000: 0}
    for index in range(len(capture)):
        packet = capture.packet(index)
        port, other = int(str(packet.value("tcp.srcport"))), int(str(packet.value("tcp.dstport")))
        ends_at = packet.value("tcp.seq_raw") + packet.value("tcp.len") + packet.value("tcp.flags.syn") \
            + packet.value("tcp.flags.fin")  # fmt: skip
        sent[port] = max(sent[port], ends_at)
        if packet.value("tcp.flags.ack"):
            assert packet.value("tcp.ack_raw") <= sent[other]
    assert isinstance(capture, Capture)


def test_smtp_can_be_spoken_by_hand(session: LabSession) -> None:
    lines = ("EHLO laptop.test", "MAIL FROM:<ravi@example.test>", "RCPT TO:<nobody@example.test>",
             "RCPT TO:<asha@example.test>", "DATA", "Subject: Hi\\r\\n\\r\\nFrom me.\\r\\n.", "QUIT")  # fmt: skip
    answers = [last(told(session, "say", server="smtp", line=line), "said_back").data for line in lines]
    assert [answer["text"][:3] for answer in answers] == ["250", "250", "550", "250", "354", "250", "221"]
    assert answers[-1]["closed"]


def said_by(session: LabSession, server: str, *lines: str) -> list[str]:
    return [last(told(session, "say", server=server, line=line), "said_back").data["text"] for line in lines]


def test_pop3_knows_its_three_states(session: LabSession) -> None:
    answers = said_by(session, "pop3", "STAT", "USER asha", "PASS wrong", "USER asha", "PASS chai", "DELE 1", "LIST 1",
                      "STAT", "DELE 9", "TOP 2 0", "NONSENSE", "RSET", "STAT", "QUIT")  # fmt: skip
    signs = [answer[0] for answer in answers]
    assert signs == ["-", "+", "-", "+", "+", "+", "-", "+", "-", "+", "-", "+", "+", "+"]
    assert answers[7].startswith("+OK 1 ")
    assert answers[12].startswith("+OK 2 ")
    assert answers[9].endswith("\r\n.\r\n")
    assert "Train" in answers[9]
    assert "five" not in answers[9]


def test_imap_reads_literals_sets_and_refuses_the_rest(session: LabSession) -> None:
    answers = said_by(
        session, "imap", "a SELECT INBOX", "b LOGIN asha {4}", "chai", "c FETCH 1 FLAGS", 'd EXAMINE "INBOX"',
        "e UID FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])", "f STORE 1 +FLAGS (\\Seen)", "g FETCH 1 (",
        "h STATUS INBOX (MESSAGES UNSEEN)", "i SEARCH SUBJECT Train", "j LOGOUT",
    )  # fmt: skip
    starts = ["a NO", "+ ", "b OK", "c BAD", "* FLAGS", "* 1 FETCH (UID 1 RFC822.SIZE", "f NO", "g BAD",
              "* STATUS INBOX (MESSAGES 2 UNSEEN 2)", "* SEARCH 2", "* BYE"]  # fmt: skip
    for answer, start in zip(answers, starts, strict=True):
        assert answer.startswith(start), (answer, start)
    assert "[READ-ONLY]" in answers[4]


def test_ftp_calls_nobody_else(session: LabSession) -> None:
    expected = {
        "PORT 192,0,2,1,0,80": 504, "EPRT |1|192.0.2.1|80|": 504, "PORT 1,2,3": 501, "RETR nothing": 550,
        "STOR new.txt": 425, "LIST": 226, "REST x": 501, "SITE HELP": 500,
    }  # fmt: skip
    assert {line: last(told(session, "command", line=line), "reply").data["code"] for line in expected} == expected


def test_a_request_by_hand(session: LabSession) -> None:
    steps = told(session, "request", method="POST", path="/orders", body='{"item": "चाय"}', header="Accept: */*")
    made = last(steps, "answer").data
    assert (made["status"], made["text"]) == (201, '{"order": 1}\n')
    steps = told(session, "request", method="BREW", path="/चाय", body="", header="")
    assert last(steps, "answer").data["status"] == 404
    with pytest.raises(ActionError, match="word in capitals"):
        session.do(Action("request", {"method": "get it", "path": "/"}))


def test_bytes_of_a_packet_are_sent_to_the_port_that_it_names(session: LabSession) -> None:
    steps = told(session, "dns", variant="edns")
    asked = next(step.data for step in steps if step.kind == "packet")
    frame = bytes.fromhex(asked["hex"])
    again = told(session, "send", hex=frame.hex(), payload=frame[42:].hex())
    assert last(again, "said_back").data["server"] == "dns"
    assert bytes.fromhex(last(again, "said_back").data["hex"])[:2] == frame[42:44]
    odd = told(session, "send", payload=b"GET / HTTP/1.1\r\nno colon\r\n\r\n".hex(), server="http")
    assert last(odd, "said_back").data["text"].startswith("HTTP/1.1 400")
    with pytest.raises(ActionError, match="hexadecimal"):
        session.do(Action("send", {"payload": "zz"}))
    with pytest.raises(ActionError, match="nothing to send"):
        session.do(Action("send", {"hex": "00"}))


def test_servers_survive_what_nobody_should_send(session: LabSession) -> None:
    rng = random.Random(7)
    for name in SERVERS:
        for data in (rng.randbytes(700), b"\0" * 50 + b"A" * 3_000 + b"\r\n"):
            steps = told(session, "send", payload=data.hex(), server=name)
            assert not [step for step in steps if step.kind == "error"], (name, steps[-1])
    talks = {"http": "requests", "imap": "read", "pop3": "read", "ftp": "passive", "smtp": "send", "websocket": "chat",
             "dns": "truncated", "http2": "streams"}  # fmt: skip
    for name, variant in talks.items():
        assert not [step for step in told(session, name, variant=variant) if step.kind == "failed"], name


@pytest.mark.parametrize("scenario", ["lab_retry", "lab_ftp_nat", "lab_mail_path"])
def test_scenarios_of_the_menu_hold_for_real(scenario: str, tmp_path: Path) -> None:
    topic = Topic.load(read_folder(Path(prayog_protocols.__path__[0]), "built-in"))
    result = run_scenario(topic, topic.scenario(scenario), services=Services(tmp_path))
    assert result.ok, result.checks
