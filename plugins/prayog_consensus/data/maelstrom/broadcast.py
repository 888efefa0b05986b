"""A broadcast node for Maelstrom: tells its neighbours what is new to it, until they say that they know.

It asks again whenever it hears anything at all, so it needs no timer.
"""

import itertools
import json
import sys
from typing import Any

node_id = ""
numbers = itertools.count(1)
neighbours: list[str] = []
messages: list[Any] = []
open_calls: dict[int, tuple[str, Any]] = {}  # msg_id -> (neighbour, message)


def send(dest: str, **body: Any) -> int:
    number = next(numbers)
    print(json.dumps({"src": node_id, "dest": dest, "body": {"msg_id": number, **body}}), flush=True)
    return number


def tell(neighbour: str, message: Any) -> None:
    open_calls[send(neighbour, type="gossip", message=message)] = (neighbour, message)


def learn(message: Any, source: str) -> None:
    if message in messages:
        return
    messages.append(message)
    for neighbour in neighbours:
        if neighbour != source:
            tell(neighbour, message)


def again() -> None:
    """What was not confirmed is told once more."""
    waiting = list(open_calls.items())
    open_calls.clear()
    for _, (neighbour, message) in waiting:
        tell(neighbour, message)


for line in sys.stdin:
    request = json.loads(line)
    src, body = request["src"], request["body"]
    kind, asked = body["type"], body.get("msg_id")
    if kind == "init":
        node_id = body["node_id"]
        neighbours = [name for name in body["node_ids"] if name != node_id]
        send(src, type="init_ok", in_reply_to=asked)
    elif kind == "topology":
        neighbours = body["topology"][node_id]
        send(src, type="topology_ok", in_reply_to=asked)
    elif kind == "broadcast":
        again()
        learn(body["message"], src)
        send(src, type="broadcast_ok", in_reply_to=asked)
    elif kind == "gossip":
        learn(body["message"], src)
        send(src, type="gossip_ok", in_reply_to=asked)
    elif kind == "gossip_ok":
        open_calls.pop(body["in_reply_to"], None)
    elif kind == "read":
        again()
        send(src, type="read_ok", messages=messages, in_reply_to=asked)
    elif kind != "error":
        send(src, type="error", code=10, text=f"{kind} is not supported", in_reply_to=asked)
