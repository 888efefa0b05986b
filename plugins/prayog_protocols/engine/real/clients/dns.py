"""DNS: a question and an answer, mostly one datagram each."""

from __future__ import annotations

import socket
from typing import Any

import dnslib

TYPES = (("example.test", "A"), ("example.test", "AAAA"), ("www.example.test", "A"), ("example.test", "MX"),
         ("example.test", "TXT"), ("nobody.example.test", "A"))  # fmt: skip


def ask(lab: Any, name: str, kind: str, takes: int = 0) -> dnslib.DNSRecord:
    question = dnslib.DNSRecord.question(name, kind)
    if takes:
        question.add_ar(dnslib.EDNS0(udp_len=takes))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(question.pack(), ("127.0.0.1", lab.port("dns")))
        data, _ = line.recvfrom(4096)
    answer = dnslib.DNSRecord.parse(data)
    lab.tell("answer", name=name, kind=kind, code=dnslib.RCODE[answer.header.rcode], records=len(answer.rr),
             bytes=len(data), truncated=bool(answer.header.tc), over="UDP")  # fmt: skip
    return answer


def lookup(lab: Any) -> None:
    for name, kind in TYPES:
        ask(lab, name, kind)


def truncated(lab: Any) -> None:
    if ask(lab, "many.example.test", "A").header.tc:
        question = dnslib.DNSRecord.question("many.example.test", "A").pack()
        with socket.create_connection(("127.0.0.1", lab.port("dns")), 5) as line:
            line.sendall(len(question).to_bytes(2, "big") + question)
            reader = line.makefile("rb")
            data = reader.read(int.from_bytes(reader.read(2), "big"))
            reader.close()
        answer = dnslib.DNSRecord.parse(data)
        lab.tell("answer", name="many.example.test", kind="A", code="NOERROR", records=len(answer.rr), bytes=len(data),
                 truncated=False, over="TCP")  # fmt: skip


def edns(lab: Any) -> None:
    ask(lab, "many.example.test", "A", takes=1232)
