"""A capture file in a process of its own: conversations of hundreds of thousands of packets are read there.

Reading one takes seconds of pure Python, and pure Python in a thread holds up the window.  The process opens the same
file, keeps what it has worked out, and sends only what is asked for: a packet, some rows, a stream.

Rules
1. The process is started by the first question and ended by `close`; it ends by itself when its parent does.
2. Questions may come from several threads; each waits for its own answer.  A question asked with `stream` is put aside
   while others are answered, so a search through the whole file keeps nobody waiting.
3. Fields are sent as numbers: on both sides they are the same objects, made by the same modules.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import pickle
import pkgutil
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from prayog_protocols.engine import protocols
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.spec import Field, fields_of

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Reader", "ReaderError"]

_LOOK_S = 0.05
_ENDED = "the process that reads the capture has ended"


class ReaderError(RuntimeError):
    """The process failed or ended; the message is a sentence."""


class WorkContext(Protocol):
    """What a question asks of its surroundings."""

    def check(self) -> None:
        """Raise when nobody wants to know any more."""
        ...


class Reader:
    """Asks a process about the capture in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Any = None
        self._waiting: dict[int, SimpleQueue[tuple[str, Any]]] = {}
        self._count = 0
        self._closed = False

    def ask(self, context: WorkContext, capture: Capture, fn: Callable[..., Any], *args: Any) -> Any:
        """``fn(capture, *args)``, done there.  `fn` belongs to a module; `args` and the answer can be pickled.

        Called in a worker thread.  Raises `ReaderError`, and what ``context.check`` raises after a cancel.
        """
        for value in self._asked(context, capture, "ask", fn, args):
            return value
        raise ReaderError(_ENDED)

    def stream(self, context: WorkContext, capture: Capture, fn: Callable[..., Any], *args: Any) -> Iterator[Any]:
        """What ``fn(capture, *args)`` yields, one after the other; it is put aside while others ask."""
        return self._asked(context, capture, "stream", fn, args)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            process, self._process, self._pipe = self._process, None, None
        if process is not None:
            process.kill()  # the listener sees it end, and clears away what is left: the window does not wait

    def _asked(
        self, context: WorkContext, capture: Capture, how: str, fn: Callable[..., Any], args: tuple[Any, ...]
    ) -> Generator[Any, None, None]:
        answers: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        with self._lock:
            if self._closed:
                raise ReaderError("the capture was closed")
            self._start()
            self._count += 1
            number = self._count
            self._waiting[number] = answers
            self._tell(number, how, {"speaks": dict(capture.speaks), "verify": capture.verify}, fn, args)
        try:
            while True:
                try:
                    state, value = answers.get(timeout=_LOOK_S)
                except Empty:
                    context.check()
                    continue
                if state == "value":
                    yield value
                    context.check()
                elif state == "failed":
                    raise ReaderError(value)
                else:
                    return
        finally:
            with self._lock:
                if self._waiting.pop(number, None) is not None and self._pipe is not None:
                    self._tell(number, "never mind")

    def _tell(self, *message: Any) -> None:
        with suppress(OSError, ValueError):  # it has ended: whoever waits is told by the listener
            self._pipe.send_bytes(_packed(message))

    def _start(self) -> None:
        if self._process is not None:
            return
        import multiprocessing

        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, str(self.path)), name="capture", daemon=True)
        self._process.start()
        theirs.close()
        threading.Thread(
            target=self._listen, args=(self._pipe, self._process), name="capture-news", daemon=True
        ).start()

    def _listen(self, pipe: Any, process: Any) -> None:
        while True:
            try:
                number, state, value = _unpacked(pipe.recv_bytes())
            except (EOFError, OSError):
                break
            queue = self._waiting.get(number)
            if queue is None:
                continue
            queue.put((state, value))
            if state != "value":
                self._waiting.pop(number, None)
        process.join()
        with self._lock:
            if self._pipe is pipe:
                self._process = self._pipe = None
            waiting, self._waiting = self._waiting, {}
        pipe.close()
        process.close()
        for queue in waiting.values():
            queue.put(("failed", _ENDED))


# ── the other process ───────────────────────────────────────────────────────────────────────────────────────────


def _serve(pipe: Any, path: str) -> None:
    from prayog_protocols.engine.real.files import open_capture

    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    gc.set_threshold(500_000, 20, 100)  # millions of objects that stay: to look through them takes half the time
    capture = open_capture(path)
    streams: dict[int, Iterator[Any]] = {}
    while True:
        if not streams or pipe.poll():
            try:
                number, how, *rest = _unpacked(pipe.recv_bytes())
            except EOFError:
                return
            if how == "never mind":
                streams.pop(number, None)
                continue
            settings, fn, args = rest
            try:
                _settle(capture, settings)
                if how == "stream":
                    streams[number] = iter(fn(capture, *args))
                    continue
                _answer(pipe, number, "value", fn(capture, *args))
                _answer(pipe, number, "done", None)
            except Exception as error:  # noqa: BLE001 - told to whoever asked
                _answer(pipe, number, "failed", _sentence(error))
            continue
        number, stream = next(iter(streams.items()))
        try:
            _answer(pipe, number, "value", next(stream))
        except StopIteration:
            del streams[number]
            _answer(pipe, number, "done", None)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            del streams[number]
            _answer(pipe, number, "failed", _sentence(error))


def _end_with_parent() -> None:
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _sentence(error: Exception) -> str:
    return f"{error} ({type(error).__name__}, {traceback.extract_tb(error.__traceback__)[-1].name})"


def _settle(capture: Capture, settings: dict[str, Any]) -> None:
    """Make the capture here as it is there."""
    capture.verify = settings["verify"]
    for port, protocol in settings["speaks"].items():
        if capture.speaks.get(port) != protocol:
            capture.decode_as(port, protocol)


def _answer(pipe: Any, *message: Any) -> None:
    pipe.send_bytes(_packed(message))


# ── fields as numbers ───────────────────────────────────────────────────────────────────────────────────────────


def _all_fields() -> list[Field]:
    """Every field that a node may carry, in the same order in both processes."""
    found: dict[int, Field] = {}

    def add(value: object, depth: int = 0) -> None:
        if isinstance(value, Field):
            if id(value) not in found:
                found[id(value)] = value
                for part in value.parts:
                    add(part)
        elif depth < 3 and isinstance(value, tuple | list):
            for one in value:
                add(one, depth + 1)
        elif depth < 3 and isinstance(value, dict):
            for one in value.values():
                add(one, depth + 1)
        elif depth < 2 and type(value).__module__.startswith(protocols.__name__) and hasattr(value, "__dict__"):
            add(vars(value), depth + 1)

    for protocol in REGISTRY.protocols.values():
        add([protocol.own, *fields_of(protocol.items), *protocol.extra])
    for name in sorted(module.name for module in pkgutil.iter_modules(protocols.__path__)):
        add(vars(importlib.import_module(f"{protocols.__name__}.{name}")))
    return list(found.values())


_FIELDS: list[Field] = []
_NUMBERS: dict[int, int] = {}


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> int | None:
        if isinstance(obj, Field):
            if not _FIELDS:
                _FIELDS.extend(_all_fields())
                _NUMBERS.update((id(field), number) for number, field in enumerate(_FIELDS))
            return _NUMBERS.get(id(obj))
        return None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, number: int) -> Field:
        if not _FIELDS:
            _FIELDS.extend(_all_fields())
            _NUMBERS.update((id(field), number) for number, field in enumerate(_FIELDS))
        return _FIELDS[number]


def _packed(value: Any) -> bytes:
    out = io.BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


def _unpacked(data: bytes) -> Any:
    return _Unpickler(io.BytesIO(data)).load()
