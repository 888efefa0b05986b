"""aiortc without PyAV: its codecs carry GPL-licensed encoders, and a data channel needs none (docs/decisions/0005).

`without_codecs` puts empty modules in PyAV's place and opens three doors that a lab needs: loopback as an ICE
candidate, the DTLS keys, and the SCTP packets before DTLS hides them.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import time
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prayog_sdk.services import from_full

if TYPE_CHECKING:
    from prayog_protocols.engine.real.lab import Lab

__all__ = ["without_codecs"]


class _Stub(types.ModuleType):
    """Any name in it is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {})
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for ``av`` and everything below it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.split(".", maxsplit=1)[0] != "av":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing in it."""


def without_codecs(lab: Lab) -> Any:
    """aiortc, made usable here.  Raises `ModuleNotFoundError` with a sentence where aiortc is not installed."""
    if "aiortc" in sys.modules:
        return sys.modules["aiortc"]
    sys.meta_path.insert(0, _Finder())
    try:
        import aiortc
        import aiortc.rtcdtlstransport as dtls
        from aioice import ice
    except ModuleNotFoundError:
        told = f"aiortc is not part of this installation, so there is no WebRTC here. {from_full('aiortc')}."
        raise ModuleNotFoundError(told) from None
    # aioice leaves 127.0.0.1 out, and is told of no other address: nothing leaves this machine.
    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []
    make, send = dtls.RTCCertificate._create_ssl_context, dtls.RTCDtlsTransport._send_data

    def making(self: Any, **words: Any) -> Any:
        context = make(self, **words)
        context.set_keylog_callback(lambda connection, line: lab.keys(line.decode("ascii") + "\n"))
        return context

    async def sending(self: Any, data: bytes) -> None:
        lab.inside(bytes(data), time.time_ns())
        await send(self, data)

    dtls.RTCCertificate._create_ssl_context = making  # type: ignore[method-assign, assignment]
    dtls.RTCDtlsTransport._send_data = sending  # type: ignore[method-assign]
    return aiortc
