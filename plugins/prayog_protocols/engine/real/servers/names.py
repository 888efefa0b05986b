"""A name server (RFC 1035) for example.test, over UDP and TCP on one port (RFC 7766), on dnslib.

An answer that is longer than the client takes (512 bytes, or what its EDNS says, RFC 6891) is sent without its records
and with TC set.
"""

from __future__ import annotations

import asyncio
from typing import Any

import dnslib

from prayog_protocols.engine.real.servers.listening import IDLE_S, Server

__all__ = ["Names"]

ZONE = """
example.test.       3600 IN SOA   ns.example.test. asha.example.test. 1 7200 3600 1209600 3600
example.test.       3600 IN NS    ns.example.test.
example.test.        300 IN A     192.0.2.10
example.test.        300 IN AAAA  2001:db8::10
www.example.test.    300 IN CNAME example.test.
example.test.       3600 IN MX    10 mail.example.test.
mail.example.test.  3600 IN A     192.0.2.25
ns.example.test.    3600 IN A     192.0.2.53
example.test.       3600 IN TXT   "v=spf1 mx -all"
"""
_MANY = 40  # records of many.example.test: more than 512 bytes


class _Asked(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if answer := answered(data, over_udp=True):
            self.transport.sendto(answer, address)


class Names(Server):
    """Answers for example.test."""

    async def open(self) -> None:
        await super().open()
        await asyncio.get_running_loop().create_datagram_endpoint(_Asked, local_addr=("127.0.0.1", self.port))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            size = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), IDLE_S), "big")
            if answer := answered(await asyncio.wait_for(reader.readexactly(size), IDLE_S), over_udp=False):
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()


def _records() -> list[Any]:
    return list(dnslib.RR.fromZone(ZONE)) + [
        dnslib.RR("many.example.test.", dnslib.QTYPE.A, rdata=dnslib.A(f"198.51.100.{n}"), ttl=60)
        for n in range(1, _MANY + 1)
    ]


def answered(data: bytes, over_udp: bool) -> bytes:
    """The answer to a question; empty where it is no question at all."""
    try:
        question = dnslib.DNSRecord.parse(data)
    except dnslib.DNSError:
        if len(data) < 2:
            return b""
        refused = dnslib.DNSRecord(
            dnslib.DNSHeader(id=int.from_bytes(data[:2], "big"), qr=1, rcode=dnslib.RCODE.FORMERR)
        )
        return bytes(refused.pack())
    reply = question.reply(ra=0, aa=1)
    takes = 512
    for record in question.ar:
        if record.rtype == dnslib.QTYPE.OPT:
            takes = max(512, int(record.rclass))
            reply.add_ar(dnslib.EDNS0(udp_len=1232))
    name, kind = question.q.qname, question.q.qtype
    records = _records()
    names = {record.rname for record in records}
    if name not in names:
        reply.header.rcode = dnslib.RCODE.NXDOMAIN
    for _ in range(8):  # a chain of CNAMEs is followed
        fitting = [record for record in records if record.rname == name and record.rtype in (kind, dnslib.QTYPE.CNAME)]
        for record in fitting:
            reply.add_answer(record)
        further = [record for record in fitting if record.rtype == dnslib.QTYPE.CNAME and kind != dnslib.QTYPE.CNAME]
        if not further:
            break
        name = further[0].rdata.label
    if not reply.rr:
        reply.add_auth(records[0])  # SOA: how long "no" may be believed (RFC 2308)
    packed = bytes(reply.pack())
    if over_udp and len(packed) > takes:
        reply.rr, reply.auth = [], []
        reply.header.tc = 1
        packed = bytes(reply.pack())
    return packed
