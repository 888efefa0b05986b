"""Eight exchanges whose status code is blanked: which code belongs there?

The code is the only thing that is hidden; the request, the other fields of the response and its body are as RFC 9110
§15 (and RFC 6585 for 429) wants them for exactly one code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prayog_protocols.engine.story import Story, told
from prayog_protocols.engine.wire import Wire
from prayog_sdk.run import Emit, Facts
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["CASES", "Case", "Detective"]


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange: what was asked, what came back (without the code), and the code."""

    request: str
    fields: str
    body: str
    code: int
    why: str
    clause: str
    after: str = ""  # what the client sends then


CASES = (
    Case("GET /orders/7 HTTP/1.1\r\nHost: shop.example", 'WWW-Authenticate: Bearer realm="shop"', "", 401,
         "It asks for credentials (WWW-Authenticate, which 401 must carry): the server does not know who you are.",
         "RFC 9110 §15.5.2"),
    Case("GET /admin HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer asha-token", "Content-Type: text/plain",
         "You are Asha, and Asha may not see this.", 403,
         "The server knows who you are and refuses; it does not ask for other credentials.",
         "RFC 9110 §15.5.4"),
    Case("POST /photos HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 8388608", "", "", 100,
         "The client sent only the fields and waits (Expect). This answer says: go on, send the body.",
         "RFC 9110 §15.2.1", after="the first bytes of the photo"),
    Case("DELETE /orders/7 HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer asha-token", "", "", 204,
         "It is done, and there is no content: neither Content-Length nor a body.", "RFC 9110 §15.3.5"),
    Case("GET /orders HTTP/1.1\r\nHost: shop.example", "Retry-After: 120\r\nContent-Type: text/plain",
         "We are being repaired and will be back soon.", 503,
         "The server itself cannot serve for a while, and says when to come back.", "RFC 9110 §15.6.4"),
    Case("GET /reports/slow HTTP/1.1\r\nHost: shop.example", "Via: 1.1 gateway\r\nContent-Type: text/plain",
         "The gateway waited 60 s for the server behind it.", 504,
         "A gateway answers: the server behind it did not, in time.", "RFC 9110 §15.6.5"),
    Case("GET /api/prices HTTP/1.1\r\nHost: shop.example", "Retry-After: 1\r\nContent-Type: text/plain",
         "At most 10 requests a second. This was your 11th.", 429,
         "This client asked too often; the server is well.", "RFC 6585 §4"),
    Case("PATCH /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0", "Allow: GET, POST", "", 405,
         "The resource is there, but not for this method; Allow, which 405 must carry, says for which.",
         "RFC 9110 §15.5.6"),
)  # fmt: skip
_CODES = (100, 101, 200, 201, 204, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 429, 500, 502, 503, 504)


class Detective(Story):
    """Action ``collect`` brings the exchanges; ``name_code`` gives one its code, once."""

    about = "Eight answers without their code. Look at each, and name it."

    def __init__(self) -> None:
        self._answered: set[int] = set()
        super().__init__()
        self.begin("network", cases=len(CASES), codes=list(_CODES))

    def start(self) -> Facts:
        return {**super().start(), "answers": {}}

    def learn(self, state: Facts, step: Step) -> Facts:
        if step.kind != "named":
            return state
        return {**state, "answers": {**state["answers"], str(step.data["case"]): dict(step.data)}}

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name == "collect":
            return _exchanges()
        if action.name != "name_code":
            raise ActionError("Name the code of one of the eight answers.")
        number, code = _whole(action.args.get("case")), _whole(action.args.get("code"))
        if not 1 <= number <= len(CASES):
            raise ActionError(f"There are cases 1 to {len(CASES)}; found {action.args.get('case')!r}.")
        if not 100 <= code <= 599:
            raise ActionError(f"A status code is a number from 100 to 599; found {action.args.get('code')!r}.")
        if number in self._answered:
            raise ActionError(f"Case {number} was answered already; the first answer counts.")
        self._answered.add(number)
        return self._named(number, code)

    @staticmethod
    def _named(number: int, code: int) -> Iterator[Emit]:
        case = CASES[number - 1]
        yield "named", "client", {"case": number, "code": code, "right": code == case.code, "was": case.code,
                                  "why": case.why, "clause": case.clause}  # fmt: skip


def _exchanges() -> Iterator[Emit]:
    wire = Wire(15)
    for number, case in enumerate(CASES, 1):
        yield from _exchange(wire, number, case)


def _exchange(wire: Wire, number: int, case: Case) -> Iterator[Emit]:
    wire.wait(1_000)
    talk = wire.tcp("phone", "shop", 80)
    yield from told(talk.open())
    method, path = case.request.split(" ")[:2]
    yield from told(talk.say(">", case.request.encode() + b"\r\n\r\n", f"case {number}: {method} {path}"))
    lines = ["HTTP/1.1 000 ???"] + ([case.fields] if case.fields else [])
    if case.body or case.code not in (100, 204):
        lines.append(f"Content-Length: {len(case.body)}")
    answer = "\r\n".join([*lines, "", ""]) + case.body
    yield from told(talk.say("<", answer.encode(), f"case {number}: the code is blanked"))
    if case.after:
        yield from told(talk.say(">", b"\xff\xd8\xff\xe0" * 64, case.after))
    yield from told(talk.close())


def _whole(value: Any) -> int:
    return int(value) if str(value).isdigit() else -1
