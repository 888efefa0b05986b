"""A few packets of a capture as a capture of their own, so that a question about them costs what they cost."""

from __future__ import annotations

import io

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer

__all__ = ["excerpt"]


def excerpt(capture: Capture, indexes: list[int]) -> Capture:
    """The packets `indexes`, in this order, with the keys and the ports' protocols of the whole.

    Their numbers begin anew, and what the packets left out would have told is not known.
    """
    out = io.BytesIO()
    writer = Writer(out)
    numbers = [writer.interface(one.link, snap=0) for one in capture.records.interfaces]
    records = capture.records
    for index in indexes:
        interface = 0 if records.interface is None else int(records.interface[index])
        writer.packet(
            capture.raw(index), int(records.times[index]), numbers[interface], wire_size=int(records.lengths[index])
        )
    made = Capture(out.getvalue(), capture.name, capture.registry)
    made.keys, made.verify = capture.keys, capture.verify
    made.speaks.update(capture.speaks)
    return made
