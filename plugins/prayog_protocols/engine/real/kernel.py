"""The other truth: what the kernel itself sent, in a network that belongs to this process alone (Linux).

An ordinary user may have a network of its own where user namespaces are allowed (``unshare -Urn``); in it the process
may read its loopback through a packet socket.  Some distributions forbid that (Ubuntu from 23.10 by AppArmor); then
`private` raises `OSError`, and there is only the tap.

Rules
1. `private` is called while the process has one thread: a user namespace cannot be entered otherwise (unshare(2)).
2. Loopback shows each packet twice, going out and coming in; only the second is kept.
"""

from __future__ import annotations

import _socket
import ctypes
import os
import struct
import sys
import threading
import time

__all__ = ["KernelView", "private"]

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_ETH_P_ALL = 3
_OUTGOING = 4  # PACKET_OUTGOING
_TIMESTAMP_NS = 35  # SO_TIMESTAMPNS
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_BUFFER = 1 << 24


def private() -> KernelView:
    """Move this process into a network of its own and watch it.  Raises `OSError` with a sentence."""
    if not sys.platform.startswith("linux"):
        raise OSError("only Linux lets an ordinary program have a network of its own")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET) != 0:
        uid, gid = os.getuid(), os.getgid()
        if libc.unshare(_NEW_USER | _NEW_NET) != 0:
            why = os.strerror(ctypes.get_errno())
            raise OSError(f"this system does not allow a network of one’s own ({why}); the socket tap is all there is")
        try:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{uid} {uid} 1")
            _write("/proc/self/gid_map", f"{gid} {gid} 1")
        except OSError as error:
            raise OSError(
                f"this system does not allow a user namespace ({error.strerror}); the socket tap is all there is"
            ) from None
    return KernelView()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _loopback_up() -> None:
    import fcntl

    plain = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM, 0)
    try:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(plain.fileno(), _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(plain.fileno(), _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    finally:
        plain.close()


class KernelView:
    """Reads every frame of the private loopback in a thread; `taken` gives (time_ns, frame)."""

    def __init__(self) -> None:
        _loopback_up()
        # The socket type in C: what is watched must not watch itself.
        self._socket = _socket.socket(_socket.AF_PACKET, _socket.SOCK_RAW, _socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(_socket.SOL_SOCKET, _TIMESTAMP_NS, 1)
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("lo", 0))
        self._frames: list[tuple[int, bytes]] = []
        threading.Thread(target=self._read, name="kernel", daemon=True).start()

    def _read(self) -> None:
        while True:
            frame, extra, _, address = self._socket.recvmsg(1 << 17, 64)
            if address[2] == _OUTGOING:
                continue
            at = time.time_ns()
            for level, kind, data in extra:
                if level == _socket.SOL_SOCKET and kind == _TIMESTAMP_NS and len(data) >= 16:
                    seconds, nanoseconds = struct.unpack("qq", data[:16])
                    at = seconds * 1_000_000_000 + nanoseconds
            self._frames.append((at, frame))

    def taken(self) -> list[tuple[int, bytes]]:
        """What was sent since the last call."""
        time.sleep(0.02)  # frames that the kernel handed over and the thread has not read yet
        frames, self._frames = self._frames, []
        return frames
