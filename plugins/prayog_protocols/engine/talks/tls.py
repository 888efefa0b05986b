"""TLS: which records are encrypted, what is in them where the keys are known, and who speaks inside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from prayog_protocols.engine.protocols.tls import Flight, Record
from prayog_protocols.engine.talks.talk import CLIENT, SERVER, Application, Cut, Part, Unit
from prayog_protocols.engine.tls.keylog import KeyLog
from prayog_protocols.engine.tls.records import SUITES, Opener, master_keys, traffic_opener

__all__ = ["Session", "Tls", "hello_extensions"]

_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446 §4.1.3
# Cipher suites by how they agree on keys.
_EXCHANGES = {
    "ecdhe": {0xC0AC, 0xC0AD, 0xCCA8, 0xCCA9} | set(range(0xC007, 0xC015)) | set(range(0xC023, 0xC033)),
    "dhe": {0x0032, 0x0033, 0x0038, 0x0039, 0x0040, 0x0067, 0x006A, 0x006B, 0x009E, 0x009F, 0xCCAA},
    "rsa": {0x0004, 0x0005, 0x000A, 0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D},
}
_LARGEST = (1 << 14) + 2048


def hello_extensions(message: bytes, at: int) -> dict[int, bytes]:
    """The extensions of a hello, from the place of their length on."""
    found: dict[int, bytes] = {}
    end = min(len(message), at + 2 + int.from_bytes(message[at : at + 2], "big"))
    at += 2
    while at + 4 <= end:
        size = int.from_bytes(message[at + 2 : at + 4], "big")
        found.setdefault(int.from_bytes(message[at : at + 2], "big"), message[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class Session:
    """What a handshake has settled, as far as it was seen."""

    def __init__(self, keys: KeyLog) -> None:
        self.keys = keys
        self.client_random = self.server_random = b""
        self.version, self.suite = 0x0303, 0
        self.openers: list[Opener | None] = [None, None]  # by direction
        self.encrypted = [False, False]
        self.protocol = b""  # by ALPN
        self.encrypt_then_mac = False
        self.masters: tuple[Opener, Opener] | None = None

    @property
    def exchange(self) -> str:
        """How keys are agreed on."""
        return next((how for how, suites in _EXCHANGES.items() if self.suite in suites), "")

    def message(self, direction: int, message: bytes, dtls: bool = False) -> None:
        """A whole handshake message."""
        head = 12 if dtls else 4
        body = message[head:]
        match message[0]:
            case 1 if len(body) >= 35:
                self.client_random = body[2:34]
                self._early()
            case 2 if len(body) >= 38:
                self._server_hello(body, dtls)
            case 8:
                self._alpn(hello_extensions(body, 0))
            case 20 if self.version == 0x0304:
                self._finished(direction)
            case 24 if self.version == 0x0304:
                opener = self.openers[direction]
                self.openers[direction] = opener.updated() if opener else None
            case 5 if direction == CLIENT:
                self._secret(CLIENT, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
            case _:
                pass

    def _early(self) -> None:
        secret = self.keys.secret("CLIENT_EARLY_TRAFFIC_SECRET", self.client_random)
        if secret:
            suite = SUITES[0x1302 if len(secret) == 48 else 0x1301]
            self.openers[CLIENT] = traffic_opener(secret, suite)

    def _server_hello(self, body: bytes, dtls: bool) -> None:
        self.server_random = body[2:34]
        at = 35 + body[34]
        self.suite = int.from_bytes(body[at : at + 2], "big")
        extensions = hello_extensions(body, at + 3)
        self.version = int.from_bytes(extensions.get(43, body[:2]), "big")
        self.encrypt_then_mac = 22 in extensions
        self._alpn(extensions)
        if self.server_random == _RETRY:
            return
        if self.version == 0x0304:
            self.encrypted = [True, True]
            self._secret(SERVER, "SERVER_HANDSHAKE_TRAFFIC_SECRET")
            if not (self.openers[CLIENT] and 42 in extensions):
                self._secret(CLIENT, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
            return
        master = self.keys.secret("CLIENT_RANDOM", self.client_random)
        suite = SUITES.get(self.suite)
        if master and suite:
            self.masters = master_keys(
                master, self.client_random, self.server_random, suite, self.encrypt_then_mac, self.version
            )

    def _alpn(self, extensions: dict[int, bytes]) -> None:
        chosen = extensions.get(16, b"")
        if len(chosen) > 3:
            self.protocol = chosen[3 : 3 + chosen[2]]

    def _secret(self, direction: int, label: str) -> None:
        secret, suite = self.keys.secret(label, self.client_random), SUITES.get(self.suite)
        self.openers[direction] = traffic_opener(secret, suite) if secret and suite else None

    def _finished(self, direction: int) -> None:
        self._secret(direction, "CLIENT_TRAFFIC_SECRET_0" if direction == CLIENT else "SERVER_TRAFFIC_SECRET_0")

    def changed(self, direction: int) -> None:
        """This side's change cipher spec."""
        if self.version >= 0x0304 and self.version < 0xFE00:
            return
        self.encrypted[direction] = True
        if self.masters:
            self.openers[direction] = self.masters[0 if direction == CLIENT else 1]

    def opened(self, direction: int, kind: int, version: int, content: bytes, number: int | None = None) -> Record:
        """What a record is."""
        if not self.encrypted[direction] or (self.version == 0x0304 and kind in (20, 22)):
            if self.version == 0x0304 and kind == 22:
                return Record()
            if not (kind == 23 and self.openers[direction]):
                return Record(encrypted=self.encrypted[direction] and kind != 20)
        opener = self.openers[direction]
        record = Record(encrypted=True)
        plain = opener.open(kind, version, content, number) if opener else None
        if plain is None and direction == CLIENT and self.version == 0x0304 and opener is not None and kind == 23:
            # Early data may have been refused: the handshake's own keys follow without a word.
            self._secret(CLIENT, "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
            opener = self.openers[CLIENT]
            plain = opener.open(kind, version, content, number) if opener else None
        if plain is None:
            return record
        if self.version == 0x0304 or (opener is not None and opener.modern):
            trimmed = plain.rstrip(b"\0")
            if not trimmed:
                return record
            record.kind, plain = trimmed[-1], trimmed[:-1]
        record.plain = plain
        return record


class _Inside:
    """The application inside: its messages, across records."""

    def __init__(self, speaker: Application) -> None:
        self.speaker = speaker
        self.data = (bytearray(), bytearray())
        self.parts: tuple[deque[Part], deque[Part]] = (deque(), deque())

    def feed(self, direction: int, plain: bytes, index: int, number: int) -> list[Unit]:
        """The messages that end in this plain text; `number` is its record's place in the flight."""
        data, parts = self.data[direction], self.parts[direction]
        fresh, units = not data, []
        before = len(data)
        data += plain
        parts.append(Part(index, 0, len(plain)))
        while data:
            cut = self.speaker.cut(direction, data, fresh, index)
            if cut is None:
                if len(data) > 1 << 25:
                    data.clear()
                    parts.clear()
                break
            piece = bytes(data[: cut.size])
            del data[: cut.size]
            unit = Unit(index, direction, cut.protocol, [], cut.state)
            size = cut.size
            if before <= 0:
                unit.place = (number, len(plain) - len(data) - size)
                unit.parts = [Part(index, unit.place[1], size)]
                parts.clear()
                if data:
                    parts.append(Part(index, len(plain) - len(data), len(data)))
            else:
                unit.plain, unit.parts = piece, _taken(parts, size)
            before = 0
            unit.inner = self.speaker.inside(unit, piece)
            units.append(unit)
            for inner in unit.inner:
                units.append(inner)
            self.speaker = cut.then or self.speaker
            fresh = True
        return units


def _taken(parts: deque[Part], size: int) -> list[Part]:
    taken: list[Part] = []
    while size > 0 and parts:
        part = parts.popleft()
        used = min(size, part.size)
        taken.append(Part(part.index, part.at, used))
        if used < part.size:
            parts.appendleft(Part(part.index, part.at + used, part.size - used))
        size -= used
    return taken


class Tls(Application):
    """A TCP connection with TLS."""

    def __init__(self, keys: KeyLog, inside: Callable[[bytes], Application]) -> None:
        self.session = Session(keys)
        self._choose = inside  # by the name that ALPN settled on
        self._inside: _Inside | None = None
        self._handshake = (bytearray(), bytearray())
        self.kept = 0

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        if len(data) < 5:
            return None
        if not 20 <= data[0] <= 24 or data[1] != 3 or (data[3] << 8 | data[4]) > _LARGEST:
            return Cut(len(data), "")
        flight = Flight()
        at = self.kept = 0
        while at + 5 <= len(data):
            size = 5 + (data[at + 3] << 8 | data[at + 4])
            if at + size > len(data) or not 20 <= data[at] <= 24:
                break
            self._record(direction, bytes(data[at : at + size]), flight, index)
            at += size
            if not fresh:
                break
        if not at:
            return None
        flight.version, flight.exchange = self.session.version, self.session.exchange
        return Cut(at, "tls", flight, kept=self.kept)

    def _record(self, direction: int, record: bytes, flight: Flight, index: int) -> None:
        session, kind = self.session, record[0]
        state = session.opened(direction, kind, record[1] << 8 | record[2], record[5:])
        flight.records.append(state)
        content = record[5:] if state.plain is None else state.plain
        self.kept += len(state.plain or b"")
        kind = state.kind or kind
        if state.encrypted and state.plain is None:
            return
        if kind == 20:
            session.changed(direction)
        elif kind == 22:
            pending = self._handshake[direction]
            begun = len(pending)
            pending += content
            if begun:
                state.goes_on = len(pending) < 4 or len(pending) < 4 + int.from_bytes(pending[1:4], "big")
                state.before = b"" if state.goes_on else bytes(pending[:begun])
            while len(pending) >= 4:
                size = 4 + int.from_bytes(pending[1:4], "big")
                if len(pending) < size:
                    break
                session.message(direction, bytes(pending[:size]))
                del pending[:size]
            if len(pending) > 1 << 20:
                pending.clear()
        elif kind == 23 and state.plain is not None:
            if self._inside is None:
                self._inside = _Inside(self._choose(session.protocol))
            flight.inner += self._inside.feed(direction, content, index, len(flight.records) - 1)

    def lost(self, direction: int) -> None:
        self._handshake[direction].clear()
        self.session.openers[direction] = None  # without the record's number nothing can be opened

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []
