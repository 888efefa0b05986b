"""How an etcd is asked what it knows: its HTTP/JSON gateway (etcd documentation, “Why gRPC gateway”; 3.4 and newer).

``POST /v3/maintenance/status`` with ``{}`` answers ``{"header": {"member_id": "7", …}, "leader": "7", "raftTerm": "3",
"raftIndex": "12", …}``: numbers are written as text, and what is 0 may be left out.  A member sets its term when it
applies the first entry of it, so a new leader still tells the old term until its empty entry is committed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

__all__ = ["Gateway", "Status"]

_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Status:
    """What a member says of itself: its own id, the id of whom it follows (0: of nobody), term and last log index."""

    member: int
    leader: int
    term: int
    index: int

    @property
    def leads(self) -> bool:
        return self.leader == self.member != 0


class Gateway:
    """One connection to a member on 127.0.0.1, kept open; for one thread."""

    def __init__(self, port: int) -> None:
        self._line = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)

    def status(self) -> Status | None:
        """None while nobody answers."""
        try:
            self._line.request("POST", "/v3/maintenance/status", b"{}", {"Content-Type": "application/json"})
            answer = self._line.getresponse()
            told = json.loads(answer.read())
            if answer.status != 200:
                return None
            return Status(
                int(told["header"]["member_id"]), int(told.get("leader", 0)), int(told.get("raftTerm", 0)),
                int(told.get("raftIndex", 0)),
            )  # fmt: skip
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            self.close()
            return None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._line.close()
