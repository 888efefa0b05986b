"""The same operations into every engine that is installed: same contents?  How quick?  How many bytes on disk?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from prayog_sdk.run import Emit
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.real.peers import PEERS, missing, open_peer
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.workload import operations

__all__ = ["compare"]


def compare(folder: Path, setup: Setup, seed: int, count: int, stop: Callable[[], bool]) -> Iterator[Emit]:
    """Per engine a ``peer``, or ``absent`` with a sentence."""
    stream: list[Operation] = [
        (op.key, None if op.what == "delete" else op.value)
        for op in operations(setup.workload, count, setup.keys, setup.value_size, seed)
        if op.what in ("put", "delete", "update")
    ]
    truth: dict[bytes, bytes] = {}
    for key, value in stream:
        if value is None:
            truth.pop(key, None)
        else:
            truth[key] = value
    wanted = _digest(sorted(truth.items()))
    for name in PEERS:
        if why := missing(name):
            yield "absent", name, {"sentence": why}
            continue
        if stop():
            return
        place = folder / f"peer-{name}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        peer = open_peer(name, place, setup.options.sync == "always", setup.options)
        began = time.perf_counter()
        for low in range(0, len(stream), setup.batch):
            peer.write(stream[low : low + setup.batch])
        took = time.perf_counter() - began
        same = _digest(peer.rows()) == wanted
        peer.close()
        files = [path for path in place.rglob("*") if path.is_file()]
        yield "peer", name, {
            "writes": len(stream), "us": round(1e6 * took), "per_second": round(len(stream) / took) if took else None,
            "same": same, "disk_bytes": sum(path.stat().st_size for path in files),
            "tables": sum(path.suffix in (".ldb", ".sst") for path in files), "keys": len(truth),
        }  # fmt: skip
        shutil.rmtree(place, ignore_errors=True)


def _digest(rows: Iterable[tuple[bytes, bytes]]) -> str:
    total = blake2b(digest_size=16)
    for key, value in rows:
        total.update(len(key).to_bytes(4, "little") + key + len(value).to_bytes(4, "little") + value)
    return total.hexdigest()
