"""What a retry does when the reply was lost: the client cannot know whether the server did it.

A shop that takes orders, a phone that loses its network just when the answer comes, and a second try. Methods behave
as RFC 9110 §9.2.2 says: GET, PUT and DELETE are idempotent, POST is not; with an idempotency key the server remembers
what it has answered (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prayog_protocols.engine.story import Story, told
from prayog_protocols.engine.wire import Wire
from prayog_sdk.run import Emit, Facts
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["METHODS", "Retrying"]

METHODS = ("GET", "POST", "PUT", "DELETE")
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found"}


class _Shop:
    """The server: orders, and answers that it remembers under a key."""

    def __init__(self) -> None:
        self.orders: dict[int, int] = {1: 250}  # number -> rupees
        self.created = 0
        self._answers: dict[str, tuple[int, str]] = {}

    def answer(self, method: str, key: str) -> tuple[int, str]:
        """Do it, and say how it went: status code and body."""
        if key and key in self._answers:
            return self._answers[key]
        done = self._do(method)
        if key:
            self._answers[key] = done
        return done

    def _do(self, method: str) -> tuple[int, str]:
        match method:
            case "POST":
                number = max(self.orders, default=0) + 1
                self.orders[number] = 400
                self.created += 1
                return 201, json.dumps({"order": number})
            case "PUT":
                fresh = 7 not in self.orders
                self.orders[7] = 400
                self.created += fresh
                return (201, json.dumps({"order": 7})) if fresh else (200, json.dumps({"order": 7}))
            case "DELETE":
                return (204, "") if self.orders.pop(1, None) is not None else (404, "")
            case _:
                return 200, json.dumps({"orders": len(self.orders)})


class Retrying(Story):
    """Action ``request``: one request whose reply is lost (or not), and its retry."""

    about = "Send a request; its reply will be lost."

    def __init__(self) -> None:
        self._wire = Wire(30)
        super().__init__()
        self.begin("network", orders=[1])

    def start(self) -> Facts:
        return {**super().start(), "done": []}

    def learn(self, state: Facts, step: Step) -> Facts:
        return {**state, "done": [*state["done"], dict(step.data)]} if step.kind == "outcome" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        method = str(action.args.get("method", "POST"))
        if action.name != "request" or method not in METHODS:
            raise ActionError(f"Send one of {', '.join(METHODS)}.")
        return self._request(method, bool(action.args.get("key", False)), bool(action.args.get("lose", True)))

    def _request(self, method: str, keyed: bool, lose: bool) -> Iterator[Emit]:
        """Each request meets a shop of its own, so that the outcomes can be compared."""
        wire, shop = self._wire, _Shop()
        key = "b7e23ec2-upi-400" if keyed else ""
        answers: list[int] = []
        for attempt in (1, 2) if lose else (1,):
            wire.wait(1_000)
            yield from self._attempt(shop, method, key, attempt, lose and attempt == 1, answers)
        yield "outcome", "shop", {
            "method": method, "key": keyed, "lost": lose, "created": shop.created, "orders": sorted(shop.orders),
            "codes": answers,
        }  # fmt: skip

    def _attempt(
        self, shop: _Shop, method: str, key: str, attempt: int, lose: bool, answers: list[int]
    ) -> Iterator[Emit]:  # fmt: skip
        wire = self._wire
        talk = wire.tcp("phone", "shop", 80)
        yield from told(talk.open())
        yield from told(talk.say(">", _request(method, key), f"{method}, attempt {attempt}"))
        code, body = shop.answer(method, key)
        answers.append(code)
        yield "served", "shop", {"method": method, "attempt": attempt, "code": code, "orders": sorted(shop.orders),
                                 "created": shop.created}  # fmt: skip
        words = f"{code} {_REASONS[code]}"
        yield from told(talk.say("<", _response(code, body), words, lost=lose))
        if lose:  # the phone changed its network: its old address is gone, so repeats of the segment reach nobody
            wire.wait(3_000)
            yield "timeout", "phone", {"method": method, "waited_ms": 3_000}
            return
        yield from told(talk.close())


def _request(method: str, key: str) -> bytes:
    path = {"POST": "/orders", "PUT": "/orders/7", "DELETE": "/orders/1", "GET": "/orders"}[method]
    body = b'{"rupees": 400}' if method in ("POST", "PUT") else b""
    lines: list[str] = [f"{method} {path} HTTP/1.1", "Host: shop.example"]
    if key:
        lines.append(f'Idempotency-Key: "{key}"')
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _response(code: int, body: str) -> bytes:
    lines: list[Any] = [f"HTTP/1.1 {code} {_REASONS[code]}"]
    if code != 204:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body.encode()
