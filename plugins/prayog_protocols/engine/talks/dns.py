"""DNS over TCP: each message behind its length; and which answer belongs to which question."""

from __future__ import annotations

from prayog_protocols.engine.protocols.dns import DnsExchange
from prayog_protocols.engine.talks.talk import Application, Cut, Unit

__all__ = ["Dns", "Matching"]


class Matching:
    """Questions by number, until they are answered."""

    def __init__(self) -> None:
        self._asked: dict[int, DnsExchange] = {}

    def seen(self, head: bytes, index: int) -> DnsExchange | None:
        """What is known about a message from its first four bytes."""
        if len(head) < 4:
            return None
        number, response = head[0] << 8 | head[1], bool(head[2] & 128)
        known = self._asked.get(number)
        if not response:
            if known is not None and known.answer < 0:
                return DnsExchange(repeats=known.question)
            self._asked[number] = exchange = DnsExchange(index)
            return exchange
        if known is None:
            return None
        if known.answer >= 0:
            return DnsExchange(repeats=known.answer)
        known.answer = index
        return known


class Dns(Application):
    """A TCP connection to a name server."""

    def __init__(self) -> None:
        self.matching = Matching()

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        if len(data) < 2:
            return None
        size = 2 + (data[0] << 8 | data[1])
        if len(data) < size:
            return None
        return Cut(size, "dns", self.matching.seen(bytes(data[2:6]), index))

    def lost(self, direction: int) -> None:
        pass

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []
