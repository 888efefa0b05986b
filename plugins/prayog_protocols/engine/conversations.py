"""The conversations that the lab can hold for real, and the variants of each.

The programs are in `real/clients` (one module a conversation, one function a variant) and `real/servers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CONVERSATIONS", "SERVERS", "Conversation", "Listening"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One client program; its `variants` by name, each with a sentence."""

    name: str
    title: str
    variants: Mapping[str, str]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Listening:
    """A server of the lab: its official port, and what it speaks (a word of `Capture.speaks`; empty: nothing known)."""

    name: str
    title: str
    speaks: str
    port: int
    transport: str = "tcp"


SERVERS: dict[str, Listening] = {
    one.name: one
    for one in (
        Listening("http", "web server", "http", 80),
        Listening("https", "web server over TLS", "tls", 443),
        Listening("http2", "web server, HTTP/2 in clear text", "http2", 8080),
        Listening("http2s", "web server, HTTP/2 over TLS", "tls", 8443),
        Listening("smtp", "mail server that takes mail", "smtp", 25),
        Listening("submission", "mail server that asks for STARTTLS and a password", "smtp", 587),
        Listening("ftp", "file server", "ftp", 21),
        Listening("pop3", "mail server that hands out mail (POP3)", "pop", 110),
        Listening("imap", "mail server that keeps mail (IMAP)", "imap", 143),
        Listening("websocket", "chat server", "http", 8001),
        Listening("dns", "name server", "dns", 53, "udp"),
        Listening("count", "counts datagrams", "", 9999, "udp"),
        Listening("stream", "counts bytes of a stream", "", 9998),
    )
}

CONVERSATIONS: dict[str, Conversation] = {
    one.name: one
    for one in (
        Conversation("http", "HTTP/1.1", {
            "requests": "All methods on one connection that stays open.",
            "close": "Three requests, a connection each: three handshakes.",
            "pipelining": "Three requests in one go; the answers come in their order (RFC 9112 §9.3.2).",
            "retry": "The server acts, its reply gets lost, the client asks again: which methods stand that?",
            "expect": "Only the header first; 100 Continue asks for the body (RFC 9110 §10.1.1).",
            "statuses": "One request for each status code, with the fields that belong to it.",
            "chunked": "An answer whose length nobody knows when it begins (RFC 9112 §7.1).",
            "cookies": "Each request stands alone; a cookie makes the server know who asks (RFC 6265).",
            "caching": "ETag, If-None-Match and 304: the second answer has no body.",
            "tunnel": "CONNECT: the server becomes a pipe to another one, and TLS goes through it.",
        }),
        Conversation("https", "HTTPS", {
            "tls 1.3": "One round trip of handshake, then the same HTTP.",
            "tls 1.2": "The older handshake: two round trips, certificates in clear text.",
            "untrusted": "A client that does not know the authority goes away: alert unknown_ca.",
            "wrong name": "The certificate is good, but for another name.",
        }),
        Conversation("http2", "HTTP/2", {
            "streams": "Three requests at once on one connection: their frames interleave; PING; GOAWAY.",
            "over tls": "As browsers do it: TLS first, h2 agreed by ALPN.",
        }),
        Conversation("smtp", "SMTP", {
            "send": "A message with a line that begins with a dot (RFC 5321 §4.5.2).",
            "starttls": "Clear text until STARTTLS; then TLS, a password, and the same again (RFC 3207).",
            "refused": "One of two addresses is unknown: 550 for it alone.",
            "relay": "SMTP brings a message, IMAP reads it, POP3 takes it away.",
        }),
        Conversation("ftp", "FTP", {
            "passive": "227: the server names a port, the client connects (RFC 959 §3.3).",
            "active": "PORT: the client names a port, the server connects.",
            "active behind nat": "PORT behind a gateway that lets nobody in: 425. Then passive.",
            "commands": "What a client program’s words become on the wire: TYPE, STRU, HELP, …",
        }),
        Conversation("pop3", "POP3", {
            "read": "STAT, LIST, RETR, DELE; what is marked goes away at QUIT (RFC 1939 §6).",
            "keep": "UIDL and TOP: mail stays on the server, and only headers are fetched.",
            "reset": "DELE, then RSET: nothing is deleted.",
        }),
        Conversation("imap", "IMAP", {
            "read": "LIST, SELECT, SEARCH, FETCH; BODY.PEEK leaves a message unseen, BODY does not.",
            "folders": "CREATE, COPY, STORE, EXPUNGE, RENAME, and APPEND with a literal.",
            "two devices": "A flag set by one client is told to the other.",
        }),
        Conversation("websocket", "WebSocket", {
            "chat": "Two browsers talk through the server; neither knows the other’s address.",
            "fragments": "One message in three frames, with a ping between them (RFC 6455 §5.4).",
            "closing": "Both sides say CLOSE, with a code and a reason (RFC 6455 §7).",
            "large": "A message of 70,000 bytes: the 64-bit length.",
        }),
        Conversation("dns", "DNS", {
            "lookup": "A, AAAA, CNAME, MX, TXT, and a name that does not exist.",
            "truncated": "The answer is too long for 512 bytes: TC, then the same over TCP (RFC 7766).",
            "edns": "The client says that it takes 1232 bytes (RFC 6891): no TCP is needed.",
        }),
        Conversation("webrtc", "WebRTC data channel", {
            "chat": "ICE finds a way, DTLS secures it, SCTP carries a channel: ordered and complete.",
            "unordered": "A channel that neither orders nor repeats (RFC 8831 §6.1).",
        }),
        Conversation("datagrams", "UDP and TCP", {
            "borders": "Three messages: three datagrams, or one stream without borders.",
            "loss": "Three of twenty datagrams get lost, and nobody notices but who counts.",
        }),
        Conversation("updates", "Four ways to hear of news", {
            "polling": "Ask again and again.",
            "long poll": "Ask, and the answer waits until there is news.",
            "events": "One answer that never ends: server-sent events.",
            "websocket": "One connection, both ways.",
            "all": "All four, one after the other, with their bytes and delays.",
        }),
        Conversation("peers", "One server, or everybody", {
            "server": "Six clients fetch one file from one server.",
            "swarm": "The same file; the six hand each other what they have.",
            "both": "One after the other: who had to send how much?",
        }),
    )
}  # fmt: skip
