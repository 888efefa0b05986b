"""A key-value node for Maelstrom's lin-kv workload: it holds nothing and asks the service ``lin-kv`` each time."""

import itertools
import json
import sys
from typing import Any

node_id = ""
numbers = itertools.count(1)
asking: dict[int, tuple[str, int]] = {}  # number of our question to the service -> (client, number of his question)


def send(dest: str, **body: Any) -> int:
    number = next(numbers)
    print(json.dumps({"src": node_id, "dest": dest, "body": {"msg_id": number, **body}}), flush=True)
    return number


for line in sys.stdin:
    request = json.loads(line)
    src, body = request["src"], request["body"]
    kind, asked = body["type"], body.get("msg_id")
    if kind == "init":
        node_id = body["node_id"]
        send(src, type="init_ok", in_reply_to=asked)
    elif kind in ("read", "write", "cas"):
        question = {name: value for name, value in body.items() if name != "msg_id"}
        asking[send("lin-kv", **question)] = (src, asked)
    elif body.get("in_reply_to") in asking:
        client, number = asking.pop(body["in_reply_to"])
        answer = {name: value for name, value in body.items() if name not in ("msg_id", "in_reply_to")}
        send(client, **answer, in_reply_to=number)
    elif kind != "error":
        send(src, type="error", code=10, text=f"{kind} is not supported", in_reply_to=asked)
