"""Sorting millions of keys in short steps, so that a build can show progress and be cancelled.

Why it exists: one `argsort` of 10 million keys takes a second or more in which nothing can stop it. Here
the keys are first dealt into buckets between splitters taken from a sample (samplesort, Frazer & McKellar,
J. ACM 17(3), 1970), then each bucket is sorted alone. The result is exactly that of a stable argsort.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .points import Progress

STEP = 1 << 18  # elements per step: some 30 ms of work


class Meter:
    """Counts work done and tells a `Progress` callback, which may raise to cancel."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, max(1, total), 0

    def advance(self, work: int) -> None:
        self._done = min(self._total, self._done + work)
        if self._progress is not None:
            self._progress(self._done, self._total)


def stable_argsort(keys: NDArray[Any], meter: Meter) -> NDArray[np.intp]:
    """The permutation that sorts `keys`, equal keys in their order. Advances the meter by 2 per key."""
    n = len(keys)
    if n <= STEP:
        order = _argsort(keys)
        meter.advance(2 * n)
        return order
    # Every 997th key is sample enough: buckets need only be roughly equal.
    sample = np.sort(keys[::997])
    buckets = min(-(-2 * n // STEP), 255)
    splitters = sample[(np.arange(1, buckets) * len(sample)) // buckets]
    place = np.empty(n, dtype=np.uint8)
    sizes = np.zeros(buckets, dtype=np.intp)
    for low in range(0, n, STEP):
        part = np.searchsorted(splitters, keys[low : low + STEP], side="right").astype(np.uint8)
        place[low : low + STEP] = part
        sizes += np.bincount(part, minlength=buckets)
        meter.advance(len(part) // 2)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    order = np.empty(n, dtype=np.intp)
    free = starts[:-1].copy()
    for low in range(0, n, STEP):
        part = place[low : low + STEP]
        within = np.argsort(part, kind="stable")  # radix sort on bytes
        counts = np.bincount(part, minlength=buckets)
        offset = free - np.concatenate([[0], np.cumsum(counts)[:-1]])
        order[np.repeat(offset, counts) + np.arange(len(part))] = within + low
        free += counts
        meter.advance(len(part) - len(part) // 2)
    for low, high in pairwise(starts.tolist()):
        bucket = order[low:high]
        order[low:high] = bucket[_argsort(keys[bucket])]
        meter.advance(high - low)
    return order


def _argsort(keys: NDArray[Any]) -> NDArray[np.intp]:
    """A stable argsort. Integers that leave room for their position beside them are sorted together with it,
    as plain numbers: several times as fast."""
    places = len(keys).bit_length()
    if keys.dtype.kind == "i" and len(keys):
        least = int(keys.min())
        if int(keys.max()) - least < 1 << (63 - places):
            packed = ((keys.astype(np.int64) - least) << places) | np.arange(len(keys))
            packed.sort()
            return packed & ((1 << places) - 1)
    return np.argsort(keys, kind="stable")
