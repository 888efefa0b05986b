"""The crash lab on other engines: what is there after the process is gone, with a cut log, and with a flipped bit.

For each engine that is installed a process of its own writes numbered rows and ends with `os._exit`, in the middle of
everything.  Its files are copied, the copy is damaged, and another process opens it: an engine that falls over its own
damaged files takes only that process with it.

Rules
1. A row counts as survived when it is there with its value.  It is a *prefix* when the survivors are the first ones.
2. Damage is done to a copy of what the dead process left; the three kinds are independent of each other.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from prayog_sdk.run import Cancelled, Emit
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.peers import PEERS, missing, open_peer
from prayog_writes.engine.workload import value_of

__all__ = ["DAMAGES", "crash_peers"]

DAMAGES = {"none": "nothing", "cut": "the last 3 bytes cut off", "flip": "one bit flipped in the middle"}
CUT = 3
ALL_IN_LOG = 1 << 30
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """`count` rows in batches of `batch`, with values of `size` bytes, each batch synced or not."""

    count: int
    batch: int
    size: int
    sync: bool
    options: Options

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows; their keys ascend."""
        return ((b"user%08d" % n, value_of(n, self.size)) for n in range(self.count))


def crash_peers(
    folder: Path, load: Load, names: tuple[str, ...] = tuple(PEERS), stop: Callable[[], bool] = lambda: False
) -> Iterator[Emit]:
    """For every engine: ``crashed`` when its process is gone, then a ``peer_crash`` for each damage.

    Fields of ``peer_crash``: ``damage`` (a key of `DAMAGES`) ``what`` (in words), ``file``, ``at`` (byte), ``opens``,
    ``sentence`` (what the engine said), ``acknowledged``, ``survived``, ``lost``, ``wrong`` (rows with another value),
    ``prefix``.
    """
    for name in names:
        if why := missing(name):
            yield "absent", name, {"sentence": why}
            continue
        left, copy = folder / f"crash-{name}", folder / f"crash-{name}-copy"
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir(parents=True)
        acknowledged, why = _ask(stop, _write_and_die, name, str(left), load)
        if why:
            yield "absent", name, {"sentence": f"{name} could not be written to: {why}"}
            continue
        log = _log_of(name, left)
        yield "crashed", name, {
            "acknowledged": acknowledged, "file": log.name, "bytes": log.stat().st_size, "sync": load.sync,
            "files": {path.name: path.stat().st_size for path in sorted(left.iterdir()) if path.is_file()},
        }  # fmt: skip
        for damage, words in DAMAGES.items():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(left, copy)
            at = _damage(copy / log.name, damage)
            found, why = _ask(stop, _read_back, name, str(copy), load)
            survived, wrong, prefix = found or (0, 0, True)
            yield "peer_crash", name, {
                "damage": damage, "what": words, "file": log.name, "at": at, "opens": found is not None,
                "sentence": why, "acknowledged": acknowledged, "survived": survived,
                "lost": acknowledged - survived, "wrong": wrong, "prefix": prefix,
            }  # fmt: skip
        shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(copy, ignore_errors=True)


def _log_of(name: str, folder: Path) -> Path:
    """The file that holds the newest writes.  LMDB has no log: it writes new pages of its tree."""
    if name == "lmdb":
        return folder / "data.mdb"
    if name == "sqlite":
        wal = folder / "kv.sqlite-wal"
        return wal if wal.exists() else folder / "kv.sqlite"
    return max(folder.glob("*.log"))


def _damage(path: Path, how: str) -> int | None:
    """Damage a file; the byte from which on, or at which."""
    if how == "none":
        return None
    data = bytearray(path.read_bytes())
    at = max(len(data) - CUT, 0) if how == "cut" else len(data) // 2
    if how == "cut":
        del data[at:]
    else:
        data[at] ^= 0x40
    path.write_bytes(data)
    return at


def _ask(stop: Callable[[], bool], work: Callable[..., None], *args: Any) -> tuple[Any, str]:
    """Let a process do `work(pipe, *args)`; what it sent, or None and why it did not."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=work, args=(there, *args), daemon=True)
    process.start()
    there.close()
    waited = 0.0
    try:
        while not here.poll(0.1):
            waited += 0.1
            if stop():
                raise Cancelled
            if waited > PATIENCE_S:
                return None, f"it did not come back within {PATIENCE_S:.0f} s"
        answer: tuple[Any, str] = here.recv()
        return answer
    except EOFError:
        process.join()
        return None, f"its process ended (exit code {process.exitcode}) instead of telling what is wrong"
    finally:
        if process.is_alive():
            process.join(timeout=5)
        if process.is_alive():
            process.kill()
            process.join()
        here.close()


def _write_and_die(pipe: Connection, name: str, folder: str, load: Load) -> None:
    """Write all rows, tell how many were acknowledged, and end without closing anything."""
    done = 0
    try:
        peer = open_peer(name, Path(folder), load.sync, replace(load.options, memtable=ALL_IN_LOG))
        batch: list[tuple[bytes, bytes | None]] = []
        for row in load.rows():
            batch.append(row)
            if len(batch) == load.batch:
                peer.write(batch)
                done, batch = done + len(batch), []
        if batch:
            peer.write(batch)
            done += len(batch)
        pipe.send((done, ""))
    except Exception as error:  # noqa: BLE001 - bindings raise kinds of their own
        pipe.send((None, f"{type(error).__name__}: {error}"))
    os._exit(1)


def _read_back(pipe: Connection, name: str, folder: str, load: Load) -> None:
    """Open what is left, and tell (rows that are right, rows that are wrong, whether they are the first ones)."""
    try:
        peer = open_peer(name, Path(folder), load.sync, load.options)
        wanted, right, wrong, last = dict(load.rows()), 0, 0, b""
        for key, value in peer.rows():
            if wanted.get(key) == value:
                right, last = right + 1, key
            else:
                wrong += 1
        prefix = not wrong and (right == 0 or last == b"user%08d" % (right - 1))
        pipe.send(((right, wrong, prefix), ""))
    except Exception as error:  # noqa: BLE001 - as above
        pipe.send((None, f"{type(error).__name__}: {error}"))
    os._exit(0)  # some bindings do not let go of a damaged database
