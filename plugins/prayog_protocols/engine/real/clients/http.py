"""HTTP/1.1: a client of the standard library, or a bare socket where it is too polite."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from typing import Any

PATIENCE = 5


def browser(lab: Any) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", lab.port("http"), timeout=PATIENCE)


def ask(lab: Any, shop: HTTPConnection, method: str, path: str, body: str | None = None, **header: str) -> int:
    shop.request(method, path, body, {name.replace("_", "-"): value for name, value in header.items()})
    answer = shop.getresponse()
    data = answer.read()
    lab.tell("answer", method=method, path=path, status=answer.status, bytes=len(data))
    return answer.status


def requests(lab: Any) -> None:
    shop = browser(lab)
    ask(lab, shop, "OPTIONS", "/orders")
    ask(lab, shop, "GET", "/catalogue")
    ask(lab, shop, "HEAD", "/catalogue")
    ask(lab, shop, "POST", "/orders", '{"item": "chai"}', Content_Type="application/json")
    ask(lab, shop, "PUT", "/orders/7", '{"item": "samosa"}', Content_Type="application/json")
    ask(lab, shop, "PATCH", "/profile", '{"phone": "98260"}', Content_Type="application/json")
    ask(lab, shop, "GET", "/profile")
    ask(lab, shop, "DELETE", "/orders/7")
    ask(lab, shop, "GET", "/orders/7")
    ask(lab, shop, "TRACE", "/catalogue")
    shop.close()


def close(lab: Any) -> None:
    for path in ("/catalogue", "/profile", "/orders"):
        shop = browser(lab)
        ask(lab, shop, "GET", path, Connection="close")
        shop.close()


def pipelining(lab: Any) -> None:
    asked = b"".join(
        b"GET %s HTTP/1.1\r\nHost: shop.test\r\n\r\n" % path for path in (b"/catalogue", b"/profile", b"/orders")
    )
    with socket.create_connection(("127.0.0.1", lab.port("http")), PATIENCE) as line:
        line.sendall(asked)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 3 or not answers.endswith(b"{}\n"):
            answers += line.recv(65536)
        lab.tell("answers", asked=3, writes=1, answered=answers.count(b"HTTP/1.1 200"))


def retry(lab: Any) -> None:
    for method, path, body, key in (
        ("POST", "/orders", '{"item": "chai"}', ""),
        ("PUT", "/orders/50", '{"item": "samosa"}', ""),
        ("DELETE", "/orders/50", None, ""),
        ("GET", "/catalogue", None, ""),
        ("POST", "/orders", '{"item": "jalebi"}', "order-4711"),
    ):
        before = len(lab.server("http").orders)
        lab.server("http").lose_replies = 1
        header = {"Idempotency_Key": key} if key else {}
        shop = browser(lab)
        try:
            status = ask(lab, shop, method, path, body, **header)
        except (HTTPException, OSError):
            shop.close()
            shop = browser(lab)
            status = ask(lab, shop, method, path, body, **header)
        shop.close()
        lab.tell(
            "retried",
            method=method,
            key=bool(key),
            sent=2,
            status=status,
            changed=len(lab.server("http").orders) - before,
        )


def expect(lab: Any) -> None:
    with socket.create_connection(("127.0.0.1", lab.port("http")), PATIENCE) as line:
        photo = bytes(3000)
        line.sendall(
            b"POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n"
        )
        first = line.recv(65536)
        line.sendall(photo)
        second = line.recv(65536)
        lab.tell("answers", first=first.split(b"\r\n")[0].decode(), second=second.split(b"\r\n")[0].decode())


def statuses(lab: Any) -> None:
    shop = browser(lab)
    for status in (200, 204, 301, 304, 307, 308, 400, 401, 403, 404, 405, 408, 429, 500, 503, 504):
        if ask(lab, shop, "GET", f"/status/{status}") == 408:
            shop.close()
    ask(lab, shop, "GET", "/private")
    ask(lab, shop, "GET", "/private", Authorization="Basic cmF2aTp4")
    ask(lab, shop, "GET", "/private", Authorization="Basic YXNoYTpjaGFp")
    ask(lab, shop, "DELETE", "/catalogue")
    shop.close()


def chunked(lab: Any) -> None:
    shop = browser(lab)
    ask(lab, shop, "GET", "/chunked")
    shop.close()


def cookies(lab: Any) -> None:
    shop = browser(lab)
    visits = []
    cookie: dict[str, str] = {}
    for _ in range(3):
        shop.request("GET", "/count", headers=cookie)
        answer = shop.getresponse()
        given = answer.getheader("Set-Cookie")
        visits.append(answer.read().decode().strip())
        if given:
            cookie = {"Cookie": given.split(";")[0]}
    shop.request("GET", "/count")
    visits.append(shop.getresponse().read().decode().strip())
    shop.close()
    lab.tell("visits", with_cookie=visits[:3], without=visits[3])


def caching(lab: Any) -> None:
    shop = browser(lab)
    shop.request("GET", "/catalogue")
    answer = shop.getresponse()
    size, tag = len(answer.read()), answer.getheader("ETag")
    shop.request("GET", "/catalogue", headers={"If-None-Match": tag or ""})
    again = shop.getresponse()
    lab.tell("cached", first=size, status=again.status, again=len(again.read()))
    shop.close()


def tunnel(lab: Any) -> None:
    shop = HTTPConnection("127.0.0.1", lab.port("http"), timeout=PATIENCE)
    shop.set_tunnel("shop.test", lab.port("https"))
    shop.connect()
    secret = lab.authority.client().wrap_socket(shop.sock, server_hostname="shop.test")
    secret.sendall(b"GET /catalogue HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
    lab.tell("through", status=secret.recv(65536).split(b"\r\n")[0].decode())
    secret.close()
