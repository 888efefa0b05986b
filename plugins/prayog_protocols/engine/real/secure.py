"""TLS for the labs: an own certificate authority, keys that are written down, and sockets whose bytes the tap sees.

`ssl.SSLSocket` reads and writes inside C, past any recording; so the client's context wraps sockets in `Wrapped`,
which does the same through two memory buffers (`ssl.MemoryBIO`).  `http.client`, `smtplib`, `poplib`, `imaplib` and
`ftplib` take such a context as any other.  Servers on asyncio work with memory buffers anyway.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
from pathlib import Path
from typing import Any

import trustme

__all__ = ["Authority", "Trusting", "Wrapped"]

_PIECE = 16384


class Authority:
    """Issues certificates for the lab's servers; lives in memory."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(organization_name="Prayog lab authority")
        self._folder = folder
        self.log = folder / "keys.log"

    def server(self, *names: str, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """The context of a server called `names`; `protocols` are offered by ALPN."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def client(self, trusting: bool = True, protocols: tuple[str, ...] = (), newest: str = "1.3") -> Trusting:
        """The context of a client that knows this authority (or, if not `trusting`, none)."""
        context = Trusting(ssl.PROTOCOL_TLS_CLIENT)
        if trusting:
            self._ca.configure_trust(context)
        if newest == "1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if protocols:
            context.set_alpn_protocols(list(protocols))
        context.keylog_filename = str(self.log)
        return context

    def keys(self) -> str:
        """What the clients wrote down so far, as whole lines of an NSS key log."""
        log = self.log.read_text("ascii") if self.log.exists() else ""
        return log[: log.rfind("\n") + 1]  # a line that is being written comes next time


class Trusting(ssl.SSLContext):
    """A client's context whose sockets can be recorded."""

    def wrap_socket(self, sock: Any, *args: Any, server_hostname: Any = None, **kwargs: Any) -> Any:
        return Wrapped(sock, self, str(server_hostname) if server_hostname else None)


class Wrapped:
    """A blocking TLS socket over memory buffers; what the protocol clients of the standard library ask of a socket."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str | None) -> None:
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=False, server_hostname=name)
        self._readers = 0
        self._closed = False
        self._do(self._tls.do_handshake)

    def _do(self, call: Any, *args: Any) -> Any:
        """`call` until it neither wants to read nor to write."""
        while True:
            try:
                result = call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                if data := self._sock.recv(_PIECE):
                    self._in.write(data)
                else:
                    self._in.write_eof()
                continue
            except ssl.SSLError:
                self._flush()  # the alert that says why
                raise
            self._flush()
            return result

    def _flush(self) -> None:
        if data := self._out.read():
            self._sock.sendall(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            at += self._do(self._tls.write, view[at : at + _PIECE])

    def send(self, data: Any, flags: int = 0) -> int:
        self.sendall(data)
        return len(data)

    def recv(self, size: int = _PIECE, flags: int = 0) -> bytes:
        try:
            return self._do(self._tls.read, size)  # type: ignore[no-any-return]
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view))
        view[: len(data)] = data
        return len(data)

    def makefile(self, mode: str = "r", buffering: int | None = None, **words: Any) -> Any:
        self._readers += 1
        raw = _Stream(self)
        if "b" in mode and buffering == 0:
            return raw
        reader = io.BufferedReader(raw)
        return reader if "b" in mode else io.TextIOWrapper(reader, **words)

    def version(self) -> str | None:
        return self._tls.version()

    def selected_alpn_protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    def getpeercert(self) -> Any:
        return self._tls.getpeercert()

    def cipher(self) -> Any:
        return self._tls.cipher()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def settimeout(self, seconds: float | None) -> None:
        self._sock.settimeout(seconds)

    def gettimeout(self) -> float | None:
        return self._sock.gettimeout()

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._closed = True
        self.give_back()

    def give_back(self) -> None:
        """The last user is gone: say goodbye (close_notify) and close."""
        if not self._closed or self._readers > 0 or self._sock.fileno() < 0:
            return
        with contextlib.suppress(ssl.SSLError, OSError):  # their goodbye is not waited for (RFC 8446 §6.1)
            self._tls.unwrap()
        with contextlib.suppress(OSError):  # the other side may be gone
            self._flush()
        self._sock.close()

    def released(self) -> None:
        self._readers -= 1
        self.give_back()


class _Stream(io.RawIOBase):
    """The reading side of a `Wrapped` as a file."""

    def __init__(self, owner: Wrapped) -> None:
        self._owner: Wrapped | None = owner

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        assert self._owner is not None
        return self._owner.recv_into(buffer)

    def write(self, data: Any) -> int:
        assert self._owner is not None
        return self._owner.send(bytes(data))

    def close(self) -> None:
        if self._owner is not None and not self.closed:
            owner, self._owner = self._owner, None
            super().close()
            owner.released()
