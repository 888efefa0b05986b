"""The tap: every socket of this process records what passes through it, and none of them leaves this machine.

`install` puts a recording subclass in the place of `socket.socket`; whatever is imported afterwards (asyncio,
http.client, websockets, …) uses it without knowing.  Nothing is relayed, so bytes, ports and order are those of the
real conversation.

Rules
1. `install` runs before any other import of the lab process: others are not heard.
2. A sender's record is placed *before* its system call and filled in after it; else, with two threads, the reader of
   the same bytes would be recorded first.  Readers are recorded after their call.
3. Only calls that moved something are kept: a non-blocking call that found nothing to do leaves no record.
4. Whatever would leave 127.0.0.0/8 and ::1 raises `PermissionError`.  An audit hook sees to it, so C code is held too.
   Names are not asked for anywhere: those in ``.test`` (RFC 6761 §6.2) and ``localhost`` are 127.0.0.1 here.
5. TLS done in C (`ssl.SSLSocket`) is invisible to a socket; the lab uses memory buffers instead (see `secure`).
"""

from __future__ import annotations

import _socket
import itertools
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Record", "Tap", "install"]

Record = list[Any]
"""[time_ns, what, connection of this process (a number), fact, caller]; `fact` is None until the call has returned.

what: ``connect`` (local, peer, state), ``accept`` (local, peer), ``send``/``recv`` bytes, ``sendto``/``recvfrom``
(local, peer, bytes), ``lost`` (as ``sendto``: the lab dropped it), ``eof``, ``shutdown`` how, ``close``, and ``inside``
(what a program put into the record itself).  The state of ``connect``: ``made``, ``begun`` (the answer comes later),
``refused``, ``blocked`` (by a gateway of the lab) or ``failed``.
"""

_WIRED = (_socket.AF_INET, getattr(_socket, "AF_INET6", -1))
_FENCED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.bind": 1}
_ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
_NUMERIC = getattr(_socket, "AI_NUMERICHOST", 4)


def at_home(host: Any) -> bool:
    """The address stays on this machine."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    return text in ("::1", "localhost", "") or (text.startswith("127.") and text.replace(".", "").isdigit())


def _fence(event: str, args: tuple[Any, ...]) -> None:
    if event in _FENCED:
        if args[0].family not in _WIRED:
            return
        address = args[_FENCED[event]]
        named = isinstance(address, tuple) and address and isinstance(address[0], str | bytes | bytearray)
        # "" is every address: for `bind` that opens the machine to others.
        if named and (not at_home(address[0]) or (not address[0] and event == "socket.bind")):
            raise PermissionError(f"The lab speaks to this machine only; {address[0]!r} is not 127.0.0.1 or ::1.")
    elif event in _ASKING:
        host = args[0][0] if isinstance(args[0], tuple) else args[0]
        if host is not None and not at_home(host):
            raise PermissionError(f"The lab asks nobody for addresses; {host!r} is not 127.0.0.1 or ::1.")


class Tap:
    """What was recorded and not yet taken, and how the lab's network behaves."""

    def __init__(self, watched: tuple[str, ...] = ()) -> None:
        self.records: deque[Record] = deque()
        self.count = 0  # of records taken
        self.closed_doors: set[int] = set()  # ports behind a gateway that lets nobody in
        self.losing: dict[int, set[int]] = {}  # port -> which datagrams to it get lost, counted from 1
        self._counted: dict[int, int] = {}
        self._watched = watched
        self._known: dict[str, bool] = {}
        self._numbers = itertools.count(1)
        self._quiet = threading.local()

    def number(self) -> int:
        """A new number for a socket; 0 where nothing is to be recorded."""
        return 0 if getattr(self._quiet, "on", False) else next(self._numbers)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Sockets made inside are not recorded (the event loop's own)."""
        self._quiet.on = True
        try:
            yield
        finally:
            self._quiet.on = False

    def loses(self, port: int) -> bool:
        """The next datagram to `port` is one of those that get lost."""
        if port not in self.losing:
            return False
        self._counted[port] = self._counted.get(port, 0) + 1
        return self._counted[port] in self.losing[port]

    def lose(self, port: int, which: set[int]) -> None:
        """From now on datagrams to `port` get lost whose number is in `which`."""
        self.losing[port], self._counted[port] = which, 0

    def taken(self) -> list[Record]:
        """What happened since the last call, complete and in order.

        A call that has not returned yet holds back what came after it.
        """
        ready = []
        while self.records and self.records[0][3] is not None:
            ready.append(self.records.popleft())
        self.count += len(ready)
        return ready

    def caller(self) -> tuple[str, int, str] | None:
        """The innermost line of the lab's own programs on this stack, and the first function that it called."""
        frame, inner, known = sys._getframe(2), None, self._known
        while frame is not None:
            code = frame.f_code
            own = known.get(code.co_filename)
            if own is None:
                own = self._look(code.co_filename)
            if own:
                return code.co_filename, frame.f_lineno, inner.co_qualname if inner is not None else ""
            inner = code
            frame = frame.f_back  # type: ignore[assignment]
        return None

    def _look(self, name: str) -> bool:
        path = name.replace("\\", "/")
        own = self._known[name] = any(part in path for part in self._watched)
        return own


def install(watched: tuple[str, ...] = ()) -> Tap:
    """Record from now on.  `watched`: parts of the paths of the programs whose lines are linked to what they send."""
    tap = Tap(watched)
    real = socket.socket
    pair = socket.socketpair
    asked = socket.getaddrinfo

    class Recording(real):  # type: ignore[misc, valid-type]
        """A socket that records."""

        def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
            super().__init__(family, type, proto, fileno)
            self._number = tap.number() if self.family in _WIRED else 0
            self._ended = False

        def _before(self, what: str) -> Record:
            record: Record = [time.time_ns(), what, self._number, None, tap.caller()]
            tap.records.append(record)
            return record

        def _after(self, what: str, fact: Any) -> None:
            if what == "eof" or (what == "recv" and not fact):
                if self._ended:
                    return
                self._ended, what, fact = True, "eof", b""
            tap.records.append([time.time_ns(), what, self._number, fact, tap.caller()])

        def _names(self) -> tuple[Any, Any]:
            try:
                return super().getsockname()[:2], super().getpeername()[:2]
            except OSError:
                return super().getsockname()[:2], None

        def bind(self, address: Any) -> None:
            if self._number and address[0] in ("", "0.0.0.0"):  # every address of the machine: here only this one
                address = ("127.0.0.1", *address[1:])
            super().bind(address)

        def connect(self, address: Any) -> None:
            self._connect(address, super().connect)

        def connect_ex(self, address: Any) -> int:
            _fence("socket.connect", (self, address))
            try:
                self._connect(address, super().connect)
            except OSError as error:
                return error.errno or 1
            return 0

        def _connect(self, address: Any, go: Any) -> None:
            _fence("socket.connect", (self, address))  # the audit hook comes after the system was asked for a name
            if not self._number:
                return go(address)  # type: ignore[no-any-return]
            if self.type != _socket.SOCK_STREAM:
                go(address)
                return None
            record = self._before("connect")
            state = "failed"
            try:
                if address[1] in tap.closed_doors:
                    if super().getsockname()[1] == 0:
                        super().bind(("127.0.0.1", 0))
                    state = "blocked"
                    raise TimeoutError("the gateway lets nobody in, so nobody answers")
                go(address)
                state = "made"
            except (BlockingIOError, InterruptedError):
                state = "begun"
                raise
            except ConnectionRefusedError:
                state = "refused"
                raise
            finally:
                record[3] = (super().getsockname()[:2], tuple(address[:2]), state)

        def accept(self) -> Any:
            made, peer = super().accept()
            if made._number:
                local = made.getsockname()[:2]
                tap.records.append([time.time_ns(), "accept", made._number, (local, peer[:2]), tap.caller()])
            return made, peer

        def _sent(self, what: str, data: Any, call: Any) -> Any:
            if not self._number:
                return call()
            record = self._before(what)
            record_fact: Any = b""
            try:
                count = call()
                view = memoryview(data).cast("B")
                record_fact = bytes(view if count is None else view[:count])
                return count
            finally:
                record[3] = record_fact

        def send(self, data: Any, flags: int = 0) -> int:
            if self.type == _socket.SOCK_DGRAM:
                return self._datagram(data, None, lambda: super(Recording, self).send(data, flags))
            return self._sent("send", data, lambda: super(Recording, self).send(data, flags))  # type: ignore[no-any-return]

        def sendall(self, data: Any, flags: int = 0) -> None:
            if self.type == _socket.SOCK_DGRAM:
                self.send(data, flags)
            else:
                self._sent("send", data, lambda: super(Recording, self).sendall(data, flags))

        def sendmsg(self, buffers: Any, ancillary: Any = (), flags: int = 0, address: Any = None) -> int:
            data = b"".join(buffers)
            return self.send(data, flags) if address is None else self.sendto(data, flags, address)

        def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
            return self._sendfile_use_send(file, offset, count)  # type: ignore[no-any-return]

        def _datagram(self, data: Any, address: Any, call: Any) -> int:
            if not self._number:
                return call()  # type: ignore[no-any-return]
            record = self._before(what := "sendto")
            fact: Any = b""
            try:
                lost = bool(address) and tap.loses(address[1])
                count: int = len(data) if lost else call()
                local, peer = self._names()
                fact = (local, tuple(address[:2]) if address else peer, bytes(data))
                record[1] = "lost" if lost else what
                return count
            finally:
                record[3] = fact

        def sendto(self, data: Any, *args: Any) -> int:
            _fence("socket.sendto", (self, args[-1]))
            if self.type == _socket.SOCK_STREAM:
                return self.send(data)
            return self._datagram(data, args[-1], lambda: super(Recording, self).sendto(data, *args))

        def recv(self, size: int, flags: int = 0) -> bytes:
            data: bytes = super().recv(size, flags)
            if self._number and not flags & _socket.MSG_PEEK:
                if self.type == _socket.SOCK_DGRAM:
                    local, peer = self._names()
                    self._after("recvfrom", (local, peer, data))
                else:
                    self._after("recv", data)
            return data

        def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
            count: int = super().recv_into(buffer, nbytes, flags)
            if self._number and not flags & _socket.MSG_PEEK:
                self._after("recv", bytes(memoryview(buffer).cast("B")[:count]))
            return count

        def recvfrom(self, size: int, flags: int = 0) -> Any:
            data, peer = super().recvfrom(size, flags)
            if self._number and self.type == _socket.SOCK_DGRAM:
                self._after("recvfrom", (self._names()[0], peer[:2], data))
            return data, peer

        def shutdown(self, how: int) -> None:
            if not self._number:
                return super().shutdown(how)  # type: ignore[no-any-return]
            record = self._before("shutdown")
            try:
                super().shutdown(how)
            finally:
                record[3] = int(how)
            return None

        def _real_close(self, *args: Any) -> None:
            if self._number and self.fileno() >= 0:
                record = self._before("close")
                record[3] = True
            super()._real_close(*args)

    def quiet_pair(*args: Any, **kwargs: Any) -> Any:
        with tap.quiet():
            return pair(*args, **kwargs)

    def addresses(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and (name == "localhost" or name.endswith(".test")):
            name = "127.0.0.1"
        return asked(name, port, family, type, proto, flags | _NUMERIC)

    socket.socket = Recording  # type: ignore[misc]
    socket.SocketType = Recording  # type: ignore[assignment]
    socket.socketpair = quiet_pair
    socket.getaddrinfo = addresses
    sys.addaudithook(_fence)
    return tap
