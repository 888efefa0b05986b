"""An echo node for Maelstrom: reads JSON lines on standard input, answers on standard output."""

import itertools
import json
import sys
from typing import Any

node_id = ""
numbers = itertools.count(1)


def reply(request: dict[str, Any], **body: Any) -> None:
    body |= {"msg_id": next(numbers), "in_reply_to": request["body"].get("msg_id")}
    print(json.dumps({"src": node_id, "dest": request["src"], "body": body}), flush=True)


for line in sys.stdin:
    request = json.loads(line)
    kind = request["body"]["type"]
    if kind == "init":
        node_id = request["body"]["node_id"]
        reply(request, type="init_ok")
    elif kind == "echo":
        reply(request, type="echo_ok", echo=request["body"]["echo"])
    elif kind == "generate":
        reply(request, type="generate_ok", id=f"{node_id}-{next(numbers)}")
    else:
        reply(request, type="error", code=10, text=f"{kind} is not supported")
