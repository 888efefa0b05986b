"""The network between real nodes: every message goes through here, is delayed, doubled, lost, or stopped by a cut.

One thread in the lab process.  What happens to a message is decided by the same `Wires` as in a simulated world, from
the same links and seed; only the clock is real.  On top of the chosen delay comes whatever loopback, the operating
system and the receiver need, about a tenth of a millisecond each.

Rules
1. `fates` says of every message when it is due, or why it is not; whoever merges the journals takes it from there.
2. What the proxy does to a message without any node noticing (the node is down) is in `news`.
3. With TCP the proxy ends each connection: a message that a link loses is lost whole, bytes never are.
"""

from __future__ import annotations

import contextlib
import heapq
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sdk.cluster.wire import HOST, IDENTS, TWINS, Frames, framed, pack, unpack
from prayog_sim.network import Link, Network, Wires

__all__ = ["Fate", "Proxy"]

Fate = tuple[int, int | None, str]
"""(number of the copy, when it is due in µs or None, what befell it)."""


@dataclass(slots=True)
class _Peer:
    """A node's end of a TCP connection."""

    socket: socket.socket
    frames: Frames = field(default_factory=Frames)
    name: str = ""
    waiting: bytearray = field(default_factory=bytearray)


class Proxy:
    """The network of one cluster.  ``now()`` is its clock in µs; it works from `start` until `close`."""

    def __init__(
        self, names: Iterable[str], seed: int, network: Network, word: str, now: Callable[[], int], stream: bool
    ) -> None:
        self._names = tuple(names)
        self._wires = Wires(seed, network, self._names)
        self._word = word
        self._now = now
        self._stream = stream
        self._lock = threading.Lock()
        self._due: list[tuple[int, int, str, str, int, bytes]] = []
        self._order = self._twins = 0
        self._where: dict[str, Any] = {}
        self._local: dict[str, Callable[[Mapping[str, Any]], None]] = {}
        self._closing = False
        self.down: set[str] = set(self._names)
        self.fates: dict[int, list[Fate]] = {}
        self.news: deque[tuple[int, str, str, dict[str, Any]]] = deque()
        """(at, kind, node, data)"""
        kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind((HOST, 0))
        if stream:
            self._socket.listen()
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._bell, self._ring = socket.socketpair()
        self._bell.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="cluster-proxy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and give back every socket."""
        self._closing = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._ring.close()

    # -- called by the lab ---------------------------------------------------------------------------------------

    def expect(self, name: str) -> None:
        """The process of `name` is being started."""
        self._where.pop(name, None)
        self.down.discard(name)

    def knows(self, name: str) -> bool:
        """`name` has said where it is."""
        return name in self._where

    def lose(self, name: str) -> None:
        """The process of `name` is gone."""
        self.down.add(name)
        self._where.pop(name, None)

    @property
    def cuts(self) -> frozenset[tuple[str, str]]:
        return self._wires.cuts

    def cut(self, pairs: Iterable[tuple[str, str]], drop: bool = False) -> list[int]:
        """From now on exactly these links deliver nothing; `drop`: nor what is on its way, whose numbers come back."""
        with self._lock:
            self._wires.cut(pairs)
            gone = [item for item in self._due if drop and (item[2], item[3]) in self._wires.cuts]
            self._due = [item for item in self._due if item not in gone]
            heapq.heapify(self._due)
        return [item[4] for item in gone]

    def link(self, src: str, dst: str) -> Link:
        with self._lock:
            return self._wires.link(src, dst)

    def change(self, src: str, dst: str, link: Link) -> None:
        """Replace a link."""
        with self._lock:
            self._wires.change(src, dst, link)

    def serve(self, name: str, feed: Callable[[Mapping[str, Any]], None]) -> None:
        """`name` has no socket of its own: hand its envelopes to `feed`, on the proxy's thread."""
        self._local[name] = feed

    def submit(self, envelope: Mapping[str, Any]) -> None:
        """Take a message from a node without a socket."""
        with self._lock:
            self._decide(dict(envelope))
        self._wake()

    # -- the thread ----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._ring.send(b".")

    def _run(self) -> None:
        while not self._closing:
            wait = 0.5
            with self._lock:
                if self._due:
                    wait = max(0.0, (self._due[0][0] - self._now()) / 1_000_000)
            for key, _ in self._selector.select(wait):
                if key.fileobj is self._bell:
                    with contextlib.suppress(OSError):
                        self._bell.recv(4_096)
                elif isinstance(key.data, _Peer):
                    self._read_stream(key.data)
                elif self._stream:
                    self._accept()
                else:
                    self._read_datagrams()
            self._forward()

    def _read_datagrams(self) -> None:
        for _ in range(64):
            try:
                data, where = self._socket.recvfrom(65_536)
            except OSError:  # nothing more; or (Windows) an earlier datagram met a closed port
                return
            self._take(data, where)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            peer, _ = self._socket.accept()
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(peer, selectors.EVENT_READ, _Peer(peer))

    def _read_stream(self, peer: _Peer) -> None:
        self._flush(peer)
        try:
            data = peer.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(peer.socket)
            peer.socket.close()
            if self._where.get(peer.name) is peer:
                del self._where[peer.name]
            return
        for frame in peer.frames.feed(data):
            self._take(frame, peer)

    def _take(self, data: bytes, where: Any) -> None:
        envelope = unpack(data, self._word)
        if envelope is None:
            return
        if "h" in envelope:
            self._where[envelope["h"]] = where
            if isinstance(where, _Peer):
                where.name = envelope["h"]
            return
        with self._lock:
            self._decide(envelope)

    def _decide(self, envelope: dict[str, Any]) -> None:
        src, dst, ident = envelope["f"], envelope["t"], envelope["i"]
        now = self._now()
        if dst not in self._names:
            self.fates[ident] = [(ident, None, f"no node is called {dst}")]
            return
        if src == dst:
            copies, fate = [now], ""
        else:
            found, fate = self._wires.send(src, dst, "", now)
            copies = list(found)
        told: list[Fate] = [] if copies else [(ident, None, fate)]
        for number, due in enumerate(copies):
            if number:
                self._twins += 1
                envelope = {**envelope, "i": self._twins * IDENTS + TWINS}
            told.append((envelope["i"], due, fate))
            self._order += 1
            heapq.heappush(self._due, (due, self._order, src, dst, envelope["i"], pack(envelope)))
        self.fates[ident] = told

    def _forward(self) -> None:
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > self._now():
                    return
                _, _, src, dst, ident, data = heapq.heappop(self._due)
            where = self._where.get(dst)
            if dst in self._local and dst not in self.down:
                envelope = unpack(data, self._word)
                if envelope is not None:
                    self._local[dst](envelope)
            elif dst in self.down or where is None:
                self.news.append((self._now(), "drop", dst, {"src": src, "ident": ident, "why": f"{dst} is down"}))
            elif isinstance(where, _Peer):
                where.waiting += framed(data)
                self._flush(where)
            else:
                with contextlib.suppress(OSError):  # its buffer is full or its port is gone: a datagram is lost
                    self._socket.sendto(data, where)

    def _flush(self, peer: _Peer) -> None:
        """Send what waits; what a stopped node does not take waits on."""
        with contextlib.suppress(OSError):
            while peer.waiting:
                del peer.waiting[: peer.socket.send(peer.waiting)]
        want = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.waiting else 0)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.modify(peer.socket, want, peer)
