"""Which protocols there are, and how one leads to the next.

A *table* says what follows: table "ethertype" has IPv4 under 0x0800.  Protocols are compiled when first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prayog_protocols.engine.compiling import Code, compile_protocol
from prayog_protocols.engine.spec import Field, Protocol, fields_of

__all__ = ["Registry"]


class Registry:
    """Protocols by name and by table, fields by name."""

    def __init__(self, protocols: Iterable[Protocol]) -> None:
        self.protocols: dict[str, Protocol] = {}
        self.tables: dict[str, dict[Any, Protocol]] = {}
        self.fields: dict[str, Field] = {}  # also under their aliases
        self._code: dict[Protocol, Code] = {}
        for protocol in protocols:
            self._add(protocol)
        self.data = self.protocols["data"]

    def _add(self, protocol: Protocol) -> None:
        if protocol.name in self.protocols:
            raise ValueError(f"there are two protocols called {protocol.name!r}")
        self.protocols[protocol.name] = protocol
        self.add_variant(protocol)

    def add_variant(self, protocol: Protocol) -> None:
        """A second layout of a protocol that is already there: found by table, not by name."""
        for table, keys in protocol.entries.items():
            self.tables.setdefault(table, {}).update(dict.fromkeys(keys, protocol))
        for field in (protocol.own, *fields_of(protocol.items), *protocol.extra):
            for name in (field.name, *field.aliases):
                if name:
                    self.fields.setdefault(name, field)

    def find(self, table: str, key: Any) -> Protocol | None:
        """What `table` has under `key`."""
        return self.tables.get(table, {}).get(key)

    def code(self, protocol: Protocol) -> Code:
        """The compiled form of `protocol`."""
        code = self._code.get(protocol)
        if code is None:
            code = self._code[protocol] = compile_protocol(protocol)
        return code

    def named(self, beginning: str) -> Iterator[str]:
        """The names of fields that begin so, in order: for completion."""
        return (name for name in sorted(self.fields) if name.startswith(beginning))
