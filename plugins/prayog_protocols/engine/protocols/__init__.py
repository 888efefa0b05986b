"""One module a protocol; `REGISTRY` knows them all."""

from __future__ import annotations

from prayog_protocols.engine.protocols import (
    arp,
    data,
    dns,
    dtls,
    ethernet,
    frame,
    ftp,
    http,
    http2,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    link,
    mail,
    rtp,
    sctp,
    sdp,
    stun,
    tcp,
    tls,
    udp,
    websocket,
)
from prayog_protocols.engine.registry import Registry

__all__ = ["REGISTRY"]

_MODULES = (
    data,
    frame,
    ethernet,
    link,
    arp,
    ipv4,
    ipv6,
    icmp,
    icmpv6,
    udp,
    tcp,
    http,
    dns,
    mail,
    ftp,
    websocket,
    tls,
    http2,
    dtls,
    stun,
    rtp,
    sctp,
    sdp,
)
REGISTRY = Registry(protocol for module in _MODULES for protocol in module.PROTOCOLS)
REGISTRY.add_variant(link.SECOND)
