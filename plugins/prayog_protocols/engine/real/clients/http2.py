"""HTTP/2: h2 thinks, a socket carries."""

from __future__ import annotations

import socket
from typing import Any

import h2.connection
import h2.events

PATHS = ("/catalogue", "/style.css", "/picture.svg")


def _speak(lab: Any, line: Any, scheme: str) -> None:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    for number, path in enumerate(PATHS):
        header = [(":method", "GET"), (":path", path), (":scheme", scheme), (":authority", "shop.test")]
        client.send_headers(1 + 2 * number, header, end_stream=True)
    client.ping(b"chai-chi")
    line.sendall(client.data_to_send())
    ended, pieces, ponged = 0, [], False
    while ended < len(PATHS) or not ponged:
        data = line.recv(65536)
        if not data:
            break
        for event in client.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                pieces.append(event.stream_id)
                client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            ended += isinstance(event, h2.events.StreamEnded)
            ponged = ponged or isinstance(event, h2.events.PingAckReceived)
        if answer := client.data_to_send():
            line.sendall(answer)
    client.close_connection()
    line.sendall(client.data_to_send())
    line.close()
    lab.tell("streams", ended=ended, order=pieces, connections=1)


def streams(lab: Any) -> None:
    _speak(lab, socket.create_connection(("127.0.0.1", lab.port("http2")), 5), "http")


def over_tls(lab: Any) -> None:
    line = socket.create_connection(("127.0.0.1", lab.port("http2s")), 5)
    secret = lab.authority.client(protocols=("h2", "http/1.1")).wrap_socket(line, server_hostname="shop.test")
    lab.tell("agreed", protocol=secret.selected_alpn_protocol(), version=secret.version())
    _speak(lab, secret, "https")
