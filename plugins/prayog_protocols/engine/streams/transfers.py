"""Which TCP connections are FTP data connections: those that a control connection announced (RFC 959 §3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from prayog_protocols.engine.protocols.ftp import data_port
from prayog_protocols.engine.streams.assembly import Chunk, assemble
from prayog_protocols.engine.streams.segments import segments_of

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["ftp_transfers"]

SYN, ACK = 2, 16


def ftp_transfers(capture: Capture) -> dict[int, str]:
    """The numbers of the data connections, and the word that announced each: "227 ", "229 ", "PORT" or "EPRT"."""
    columns, flows = capture.columns, capture.flows
    controls = {21} | {port for port, name in capture.speaks.items() if name == "ftp"}
    tcp = columns.proto == 6
    control = tcp & (np.isin(columns.sport, list(controls)) | np.isin(columns.dport, list(controls)))
    numbers = {int(number) for number in np.unique(flows.stream[control]).tolist() if number != 0xFFFFFFFF}
    if not numbers:
        return {}
    begins: dict[int, list[tuple[int, int]]] = {}  # port -> connections to it, as (first packet, number)
    for index in np.flatnonzero(tcp & ((columns.flags & (SYN | ACK)) == SYN)).tolist():
        begins.setdefault(int(columns.dport[index]), []).append((index, int(flows.stream[index])))
    found: dict[int, str] = {}
    for number in numbers:
        for side in assemble(segments_of(capture, number)):
            for part in side.parts:
                if not isinstance(part, Chunk):
                    continue
                for line in capture.piece(part.index, part.at, min(part.size, 8192)).splitlines():
                    port = data_port(line)
                    later = [one for one in begins.get(port or 0, ()) if one[0] > part.index] if port else []
                    if later:
                        found.setdefault(later[0][1], line[:4].upper().decode("latin-1"))
    return {number: word for number, word in found.items() if number not in numbers}
