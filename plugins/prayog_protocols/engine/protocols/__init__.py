"""One module a protocol; `REGISTRY` knows them all."""

from __future__ import annotations

from prayog_protocols.engine.protocols import data, ethernet, ipv4, tcp, udp
from prayog_protocols.engine.registry import Registry

__all__ = ["REGISTRY"]

REGISTRY = Registry(protocol for module in (data, ethernet, ipv4, udp, tcp) for protocol in module.PROTOCOLS)
