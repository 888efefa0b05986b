"""What Multi-Paxos, VSR and ZAB have in common towards their clients: commands, a small store, requests done once.

Clients, questions and answers are those of Raft, so that one script drives all of them under the same faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from prayog_consensus.engine.raft.client import Client
from prayog_consensus.engine.raft.measures import CHECKS
from prayog_consensus.engine.raft.messages import Answer, Ask
from prayog_consensus.engine.raft.options import number
from prayog_consensus.engine.raft.provoke import ACTIONS
from prayog_consensus.engine.setup import Factories, Setup, names
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.node import Node

__all__ = [
    "AGREEMENT", "CLIENT_ACTIONS", "LINEARIZABLE", "NOOP", "SERVER_ACTIONS", "Answer", "Ask", "Command", "Store",
    "clients", "command_of", "number",
]  # fmt: skip

CLIENT_ACTIONS = tuple(spec for spec in ACTIONS if spec.name in ("write", "read", "peek"))
"""What a learner asks a client to do."""
_SERVER = Arg("node", "node", "Server")
SERVER_ACTIONS = (
    ActionSpec("campaign", "Time out", "The server stops waiting for its leader, now.", "node", (_SERVER,), "T"),
    ActionSpec("propose", "Append a command", "The leader appends a command without a client.", "node", (
        _SERVER, Arg("value", "text", "Value", 1), Arg("key", "text", "Key", "x"),
    )),
)  # fmt: skip
"""What a learner asks a server to do."""
_CHECKS = {check.name: check for check in CHECKS}
LINEARIZABLE, AGREEMENT = _CHECKS["linearizable"], _CHECKS["agreement"]


@dataclass(frozen=True, slots=True)
class Command:
    """One entry of the log: ``write`` or ``read`` a key for a client's request, or do nothing (``noop``)."""

    kind: str
    key: str = ""
    value: Any = None
    client: str = ""
    request: int = 0

    def __str__(self) -> str:
        return {"write": f"{self.key}={self.value}", "read": f"read {self.key}"}.get(self.kind, "no-op")


NOOP = Command("noop")


def command_of(client: str, ask: Ask) -> Command:
    """The command that a client's question asks for."""
    return Command(ask.kind, ask.key, ask.value, client, ask.request)


def clients(setup: Setup, servers: tuple[str, ...]) -> Factories:
    """The clients c1, c2, …: as many as ``clients=`` says, one when the set-up writes, else none."""
    count = number(setup, "clients", 1 if setup.writes else 0)
    period = round(1_000_000 * count / setup.writes) if setup.writes else 0
    return {
        name: partial(Client, name, servers, setup.timeout_us, period, "mixed" in setup.words)
        for name in names(count, "c")
    }


class Store(Node):
    """Keys and values, and of each client its last request with the answer: the *client table*."""

    def empty_store(self) -> None:
        """Nothing has been applied."""
        self.store: dict[str, Any] = {}
        self.table: dict[str, tuple[int, Any]] = {}

    def execute(self, command: Command) -> Any:
        """Apply `command` and return its answer; a request that was done before changes nothing."""
        last, answer = self.table.get(command.client, (0, None))
        if command.client and command.request <= last:
            return answer if command.request == last else None
        if command.kind == "write":
            self.store[command.key] = command.value
        answer = self.store.get(command.key) if command.kind == "read" else None
        if command.client:
            self.table[command.client] = (command.request, answer)
        return answer
