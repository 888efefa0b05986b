"""HTTPS: the same HTTP, inside TLS."""

from __future__ import annotations

import ssl
from http.client import HTTPSConnection
from typing import Any


def _ask(lab: Any, name: str, context: Any) -> None:
    shop = HTTPSConnection(name, lab.port("https"), context=context, timeout=5)
    try:
        shop.request("GET", "/catalogue")
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "refused"
        lab.tell("refused", reason=reason)
        return
    answer = shop.getresponse()
    data = answer.read()
    lab.tell(
        "answer", method="GET", path="/catalogue", status=answer.status, bytes=len(data), version=shop.sock.version()
    )
    shop.request("POST", "/orders", '{"item": "chai"}')
    shop.getresponse().read()
    shop.close()


def tls_1_3(lab: Any) -> None:
    _ask(lab, "shop.test", lab.authority.client())


def tls_1_2(lab: Any) -> None:
    _ask(lab, "shop.test", lab.authority.client(newest="1.2"))


def untrusted(lab: Any) -> None:
    _ask(lab, "shop.test", lab.authority.client(trusting=False))


def wrong_name(lab: Any) -> None:
    _ask(lab, "bank.test", lab.authority.client())
