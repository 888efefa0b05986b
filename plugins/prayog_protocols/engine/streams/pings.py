"""Echo requests and their replies, matched by addresses, identifier and sequence number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prayog_protocols.engine.capture.columns import FRAGMENT

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["match_pings"]

_REQUEST, _REPLY = {1: 8, 58: 128}, {1: 0, 58: 129}


def match_pings(capture: Capture) -> tuple[dict[int, int], dict[int, int]]:
    """Request -> reply and reply -> request, by index of the packet."""
    columns, records, data = capture.columns, capture.records, capture.data
    answers: dict[int, int] = {}
    asked: dict[int, int] = {}
    open_: dict[tuple[int, int, int, bytes], int] = {}
    for index in np.flatnonzero(np.isin(columns.proto, (1, 58)) & ((columns.marks & FRAGMENT) == 0)).tolist():
        at = int(records.offsets[index]) + int(columns.transport[index])
        head = bytes(data[at : at + 8])
        if len(head) < 8 or columns.transport[index] + 8 > records.captured[index]:
            continue
        proto = int(columns.proto[index])
        src, dst, numbers = int(columns.src[index]), int(columns.dst[index]), head[4:8]
        if head[0] == _REQUEST[proto]:
            open_[proto, src, dst, numbers] = index
        elif head[0] == _REPLY[proto]:
            request = open_.pop((proto, dst, src, numbers), None)
            if request is not None:
                answers[request], asked[index] = index, request
    return answers, asked
