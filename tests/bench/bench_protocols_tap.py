"""What the socket tap of the protocols topic costs: one call of `send` or `recv`, with it and without it.

The program whose line is looked for is eleven calls further out, as it is behind `smtplib` or `asyncio`.

`python tests/bench/bench_protocols_tap.py` prints a table; the goal is at most 10 µs a call.
"""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS, CALLS = 7, 5_000

CHILD = """
import sys
if {tapped}:
    from prayog_protocols.engine.real import tap
    TAP = tap.install(("/real/clients/", "/real/servers/", "bench_call"))
import socket, time
server = socket.create_server(("127.0.0.1", 0))
one = socket.create_connection(server.getsockname())
two, _ = server.accept()
program = compile('''
def call(depth, one, two, calls):
    return inner(depth, one, two, calls)
''', "bench_call", "exec")
library = compile('''
def inner(depth, one, two, calls):
    if depth:
        return inner(depth - 1, one, two, calls)
    began = time.thread_time_ns()
    for _ in range(calls):
        one.send(b"x" * 200)
        two.recv(200)
    return (time.thread_time_ns() - began) / calls / 2
''', "library", "exec")
exec(program)
exec(library)
print(min(call(10, one, two, {calls}) / 1000 for _ in range({rounds})))
"""


def measured(tapped: bool) -> float:
    """µs of CPU for one call."""
    code = CHILD.format(tapped=tapped, calls=CALLS, rounds=ROUNDS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return float(done.stdout)


def main() -> None:
    began = time.perf_counter()
    plain, tapped = measured(False), measured(True)
    for name, cost in (("plain", plain), ("tapped", tapped), ("the tap", tapped - plain)):
        print(f"{name:10}{cost:8.2f} µs a call")
    print(f"{time.perf_counter() - began:.1f} s for both")


if __name__ == "__main__":
    main()
