"""Finding packets: a part of Wireshark's filter language.

    found = compile_filter('tcp.port == 80 && http.request').select(capture)

`language` reads the words, `values` what they are compared with, `columns` answers what it can from the columns of the
capture, `packets` looks into the packets that are left, `words` explains and completes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prayog_protocols.engine.filter.columns import masks
from prayog_protocols.engine.filter.language import FilterError, Tree, parse
from prayog_protocols.engine.filter.packets import Seen, Test, test_of
from prayog_protocols.engine.filter.words import Suggestion, complete, explain
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.tree import Packet

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Filter", "FilterError", "Suggestion", "compile_filter", "complete", "explain"]

BATCH = 256


class Filter:
    """A filter that has been understood."""

    def __init__(self, text: str, registry: Registry = REGISTRY) -> None:
        self.text = text
        self.tree: Tree | None = parse(text)
        self._test: Test | None = test_of(registry, self.tree) if self.tree is not None else None

    def matches(self, packet: Packet) -> bool:
        """Whether a packet fits."""
        return self._test is None or self._test(Seen(packet))

    def stream(self, capture: Capture) -> Iterator[npt.NDArray[np.int64]]:
        """The indexes of packets that fit, in order, a batch at a time, so that the first are there at once."""
        if self.tree is None or self._test is None:
            yield np.arange(len(capture))
            return
        yes, may = masks(capture, self.tree)
        if not may.any():
            yield np.flatnonzero(yes)
            return
        looked = 0
        found: list[int] = []
        for index in np.flatnonzero(yes | may).tolist():
            if yes[index]:
                found.append(index)
                continue
            if self._test(Seen(capture.packet(index))):
                found.append(index)
            looked += 1
            if looked % BATCH == 0:
                yield np.array(found, np.int64)
                found = []
        yield np.array(found, np.int64)

    def select(self, capture: Capture, progress: Callable[[int], bool] | None = None) -> npt.NDArray[np.int64]:
        """All indexes of packets that fit.  `progress` is told how many were found; answering False stops."""
        found: list[npt.NDArray[np.int64]] = []
        total = 0
        for batch in self.stream(capture):
            found.append(batch)
            total += len(batch)
            if progress is not None and not progress(total):
                break
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def among(self, capture: Capture, indexes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of some packets that fit."""
        if self.tree is None or self._test is None:
            return indexes
        yes, may = masks(capture, self.tree)
        fits = [
            bool(yes[index]) or bool(may[index] and self._test(Seen(capture.packet(index))))
            for index in indexes.tolist()
        ]
        return indexes[np.array(fits, bool)] if len(indexes) else indexes


def compile_filter(text: str, registry: Registry = REGISTRY) -> Filter:
    """A filter.  Raises `FilterError` with the column and a sentence."""
    return Filter(text, registry)
