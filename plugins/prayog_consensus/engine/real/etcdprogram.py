"""The program etcd of this machine: whether it is here, and how one member of a cluster is started.

Flags: etcd documentation, “Configuration options”.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping

from prayog_sdk.services import ServiceMissing

__all__ = ["command", "environment", "free_ports", "version"]

_BEATS = 5  # heartbeats in the shortest election timeout: etcd refuses to start with fewer
_LOGS = ("--logger", "zap", "--log-level", "error", "--log-outputs", "stderr")


def version() -> str:
    """That of the etcd on this machine, such as 3.5.9; raises `ServiceMissing` when there is none, or an old one."""
    path = shutil.which("etcd")
    way = (
        "Install it (Debian and Ubuntu: apt install etcd-server; macOS: brew install etcd; elsewhere it is one program "
        "to download and unpack), so that the word etcd starts it in a terminal; then look again."
    )
    if path is None:
        raise ServiceMissing("No etcd was found on this machine.", way)
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceMissing(f"The etcd on this machine does not start: {error}.", way) from error
    found = re.search(r"etcd Version:\s*(\d+)\.(\d+)(\S*)", told)
    if found is None or (int(found[1]), int(found[2])) < (3, 4):
        raise ServiceMissing(f"The program {path} is no etcd of version 3.4 or newer.", way)
    return f"{found[1]}.{found[2]}{found[3]}"


def command(name: str, port: int, peers: Mapping[str, str], timeout: int) -> list[str]:
    """How member `name` is started with clients at `port`, in a folder of its own below the current one."""
    url = f"http://127.0.0.1:{port}"
    return [
        "etcd", "--name", name, "--data-dir", name,
        "--listen-client-urls", url, "--advertise-client-urls", url,
        "--listen-peer-urls", peers[name], "--initial-advertise-peer-urls", peers[name],
        "--initial-cluster", ",".join(f"{peer}={address}" for peer, address in peers.items()),
        "--initial-cluster-state", "new",
        "--election-timeout", str(timeout), "--heartbeat-interval", str(timeout // _BEATS),
        *_LOGS,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """What a member's environment has besides ours.

    A variable of the learner's that stands for a flag as well would keep etcd from starting; an empty one does not
    count.  On ARM the 3.4 versions want to be told that one knows what one does.
    """
    found = {name: "" for name in os.environ if name.startswith("ETCD_")}
    return found | ({"ETCD_UNSUPPORTED_ARCH": "arm64"} if platform.machine() in ("arm64", "aarch64") else {})


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody has."""
    with contextlib.ExitStack() as held:  # all at once, so that none comes twice
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
