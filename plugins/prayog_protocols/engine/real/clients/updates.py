"""Four ways to hear of price changes, measured: how late, over how many requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

from websockets.sync.client import connect

from prayog_protocols.engine.real.servers.prices import PRICES

CHANGES, EVERY_S, POLL_S = 5, 0.12, 0.05


def measured(lab: Any, way: str, listen: Callable[[Any, Callable[[int], Any]], int]) -> None:
    """Let prices change while `listen` listens; it tells each number as it hears it, and returns how often it asked."""
    lab.server("websocket" if way == "websocket" else "http")
    heard: dict[int, int] = {}
    asyncio.run_coroutine_threadsafe(PRICES.play(CHANGES, EVERY_S), lab.loop)
    asked = listen(lab, lambda number: heard.setdefault(number, time.time_ns()))
    late = sorted((at - PRICES.changes[number - 1]) / 1e6 for number, at in heard.items() if number)
    lab.settle()
    lab.tell("way", way=way, changes=len(late), requests=asked, late_ms=round(sum(late) / max(1, len(late)), 2))


def _polling(lab: Any, hear: Callable[[int], Any]) -> int:
    shop, asked, number = HTTPConnection("127.0.0.1", lab.port("http"), timeout=5), 0, 0
    while number < CHANGES:
        shop.request("GET", "/news")
        number = json.loads(shop.getresponse().read())["n"]
        hear(number)
        asked += 1
        time.sleep(POLL_S)
    shop.close()
    return asked


def _long_poll(lab: Any, hear: Callable[[int], Any]) -> int:
    shop, asked, number = HTTPConnection("127.0.0.1", lab.port("http"), timeout=5), 0, 0
    while number < CHANGES:
        shop.request("GET", f"/news?after={number}")
        number = json.loads(shop.getresponse().read())["n"]
        hear(number)
        asked += 1
    shop.close()
    return asked


def _events(lab: Any, hear: Callable[[int], Any]) -> int:
    shop = HTTPConnection("127.0.0.1", lab.port("http"), timeout=5)
    shop.request("GET", "/news/events", headers={"Accept": "text/event-stream"})
    answer = shop.getresponse()
    while line := answer.readline():
        if line.startswith(b"id: "):
            hear(int(line[4:]))
    shop.close()
    return 1


def _websocket(lab: Any, hear: Callable[[int], Any]) -> int:
    where = f"ws://127.0.0.1:{lab.port('websocket')}/news"
    with connect(where, compression=None, ping_interval=None, close_timeout=1, user_agent_header="browser") as line:
        number = 0
        while number < CHANGES:
            number = json.loads(line.recv(5))["n"]
            hear(number)
    return 1


def polling(lab: Any) -> None:
    measured(lab, "polling", _polling)


def long_poll(lab: Any) -> None:
    measured(lab, "long poll", _long_poll)


def events(lab: Any) -> None:
    measured(lab, "events", _events)


def websocket(lab: Any) -> None:
    measured(lab, "websocket", _websocket)


def all(lab: Any) -> None:  # noqa: A001 - the variant's name
    for way in (polling, long_poll, events, websocket):
        way(lab)
