"""Jepsen's histories: read from its files, written for its tools.

Three forms are read, told apart by looking: EDN with one map for each event (one after another, in one vector or
list, or as ``:history`` of a map); and the text log in which older Jepsens print the same, as in the test data of
Porcupine::

    {:process 0, :type :invoke, :f :write, :value 3, :time 1200000, :index 0}
    INFO  jepsen.util - 0   :invoke   :write   3

``:type`` is ``:invoke``, ``:ok``, ``:fail`` or ``:info`` (unknown; the process goes on under another number).  What
``:nemesis`` tells, and an ``:info`` of a process that asked for nothing, are incidents.  Keywords may have a namespace
(``:op/type``), where all have one.  ``:time`` is in ns; if every event has an ``:index``, that is the order, whatever
the order in the file.  The key of an event is its
``:key``, or the first of two where all values are the pairs ``[key value]`` of ``jepsen.independent``.

Jepsen calls an operation that did not happen ``:fail``.  etcd's refusal of a compare-and-set is more than that: it
says that the register held something else.  In text logs, where an error is written ``:timed-out`` and a refusal
repeats the pair, refusals count as observations, as in Porcupine; in EDN they do not, as in Knossos.  ``refusals``
decides otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from prayog_sim.history.edn import EdnError, Keyword, Mapped, Tagged, place, read_all, read_placed, write
from prayog_sim.history.operations import History, HistoryError, Incident, Operation, Outcome, Recorder
from prayog_sim.lines import short

__all__ = ["read_history", "write_history"]

_LOG = re.compile(
    r"^(?:.*\bjepsen\.util\s*[-:]\s*|\s*)(?P<process>-?\d+|:[\w.-]+)\s+:(?P<type>invoke|ok|fail|info)\s+"
    r":(?P<f>[^\s,]+)(?:[ \t]+(?P<value>.*))?$"
)
_OUTCOMES: Final[Mapping[str, Outcome]] = {"ok": "ok", "fail": "fail", "info": "unknown"}
_TYPE, _PROCESS, _F, _VALUE, _TIME, _KEY = (Keyword(n) for n in ("type", "process", "f", "value", "time", "key"))
_INDEX, _CLIENT, _REFUSED, _HISTORY = (Keyword(name) for name in ("index", "client", "refused", "history"))
_NEMESIS: Final = Keyword("nemesis")

Event = Mapping[Any, Any]


def read_history(text: str, *, refusals: bool | None = None, independent: bool | None = None) -> History:
    """The history in `text`.

    `refusals`: whether a failed compare-and-set tells that the register held something else (None: see the head of
    this module).  `independent`: whether values are pairs of a key and a value (None: when all of them are).

    Raises `HistoryError` with a sentence that says where.
    """
    events, source = _events(text)
    if not events:
        raise HistoryError("there are no operations in this text; expected Jepsen's EDN or its log")
    if independent is None:
        independent = _all_pairs(event for _, event in events)
    if refusals is None:
        refusals = source == "log"
    recorder = Recorder()
    for at, event in _in_order(events):
        try:
            _record(recorder, event, independent, refusals)
        except HistoryError as error:
            raise HistoryError(f"{_where(text, at)}: {error}") from None
    found = recorder.history(source)
    if not found.operations:
        raise HistoryError(f"there are {len(found.incidents)} incidents in this text, and no operation of a client")
    return found


def _in_order(events: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
    indexes = [event.get(_INDEX) for _, event in events]
    if all(type(index) is int for index in indexes) and len(set(indexes)) == len(indexes):
        return sorted(events, key=lambda pair: pair[1][_INDEX])
    return events


def _where(text: str, at: int) -> str:
    line, column = place(text, at)
    return f"line {line}, column {column}"


def _events(text: str) -> tuple[list[tuple[int, Event]], str]:
    """Each event with its place in the text, and the form of the text."""
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "[", "(", "#", ";"):
        begun = 0
        logged = []
        for line in text.splitlines(keepends=True):
            if match := _LOG.match(line.rstrip("\r\n")):
                logged.append((begun, _logged(text, begun, match)))
            begun += len(line)
        if logged:
            return logged, "log"
    events: list[tuple[int, Event]] = []
    try:
        for begun, form in read_placed(text):
            for item in _unpacked(form):
                at = item.at if isinstance(item, Mapped) else begun
                event = _plain(item) if isinstance(item, Mapped) else {}
                if _TYPE not in event or _PROCESS not in event:
                    expected = "expected a map with :type, :process and :f"
                    raise HistoryError(f"{_where(text, at)}: {expected}, found {_shown(item)}")
                events.append((at, event))
    except EdnError as error:
        raise HistoryError(f"this cannot be read as EDN: {error}") from None
    return events, "edn"


def _plain(event: Event) -> Event:
    """`event` without the namespaces of its keys, where all have one."""
    names = [key.name for key in event if isinstance(key, Keyword)]
    if not names or not all("/" in name for name in names):
        return event
    return {Keyword(key.name.split("/")[-1]) if isinstance(key, Keyword) else key: v for key, v in event.items()}


def _shown(form: Any) -> str:
    try:
        return short(write(form))
    except ValueError:
        return short(repr(form))


def _unpacked(form: Any) -> Iterator[Any]:
    form = _untagged(form)
    if isinstance(form, Mapped) and _HISTORY in form:
        form = _untagged(form[_HISTORY])
    if isinstance(form, tuple):
        yield from (_untagged(item) for item in form)
    else:
        yield form


def _untagged(form: Any) -> Any:
    while isinstance(form, Tagged):
        form = form.value
    return form


def _logged(text: str, at: int, match: re.Match[str]) -> Event:
    try:
        process = next(read_all(match["process"]))
        value = next(read_all(match["value"] or "nil"), None)  # what follows the value is an error's text
    except EdnError as error:
        raise HistoryError(f"{_where(text, at)}: {error.sentence}") from None
    return {_PROCESS: process, _TYPE: Keyword(match["type"]), _F: Keyword(match["f"]), _VALUE: value}


def _all_pairs(events: Iterable[Event]) -> bool:
    """All clients' invocations have pairs as values, and they are not merely those of compare-and-set."""
    asked = [e for e in events if e.get(_PROCESS) != _NEMESIS and _name(e.get(_TYPE)) == "invoke"]
    values = [(_name(e.get(_F)), _untagged(e.get(_VALUE))) for e in asked if _KEY not in e]
    if not values or not all(type(value) is tuple and len(value) == 2 for _, value in values):
        return False
    return all(f != "cas" or (isinstance(value[1], tuple) and len(value[1]) == 2) for f, value in values)


def _name(word: Any) -> str:
    return word.name if isinstance(word, Keyword) else "" if word is None else str(word)


def _record(recorder: Recorder, event: Event, independent: bool, refusals: bool) -> None:
    kind, f, value = _name(event.get(_TYPE)), _name(event.get(_F)), _untagged(event.get(_VALUE))
    time = event.get(_TIME)
    time = time // 1_000 if isinstance(time, int) else None
    process = event[_PROCESS]
    who = event.get(_CLIENT, process if type(process) is int else _name(process))
    asked = recorder.open_operation(who, process)
    if process == _NEMESIS or (kind == "info" and asked is None):
        recorder.incident(who, f, value, time=time)
        return
    key = event.get(_KEY)
    if independent and key is None and isinstance(value, tuple) and len(value) == 2:
        key, value = value
    if kind == "invoke":
        if not f:
            raise HistoryError("the invocation has no :f, so nothing says what is asked")
        recorder.invoke(who, f, value, key, ident=process, time=time)
    elif kind in _OUTCOMES:
        outcome: Outcome = _OUTCOMES[kind]
        if asked is not None and f and f != asked.kind:
            raise HistoryError(f"process {process} asked for {asked.kind!r} and is told about {f!r}")
        result = value if outcome == "ok" else None
        if kind == "fail" and f == "cas" and (event.get(_REFUSED) or (refusals and isinstance(value, tuple))):
            result = False
        recorder.complete(who, outcome, result, ident=process, time=time)
    else:
        raise HistoryError(f"expected :type :invoke, :ok, :fail or :info, found {kind!r}")


def write_history(history: History) -> Iterator[str]:
    """`history` as EDN, one map to a line, each with its line end; `read_history` gives it back.

    Jepsen's processes are numbers, do one thing at a time and end with an unknown outcome.  A client that does not
    fit gets new numbers and stays known as ``:client``.  Times are in ns.
    """
    events: list[tuple[int, int, Operation | Incident]] = [(i.place, 0, i) for i in history.incidents]
    for op in history.operations:
        events.append((op.invoked, 0, op))
        if op.returned is not None:
            events.append((op.returned, 1, op))
    processes = _Processes(history)
    for index, (_, ended, thing) in enumerate(sorted(events, key=lambda event: event[:2])):
        if isinstance(thing, Incident):
            line: dict[Any, Any] = {_PROCESS: Keyword(str(thing.process)), _TYPE: Keyword("info")}
            line |= {_F: Keyword(thing.kind)} if thing.kind else {}
            yield _line(line, thing.value, thing.time, index)
            continue
        number = processes.free(thing) if ended else processes.take(thing)
        line = {_PROCESS: number, _TYPE: Keyword(_type(thing) if ended else "invoke"), _F: Keyword(thing.kind)}
        if number != thing.process:
            line[_CLIENT] = thing.process
        if thing.key is not None:
            line[_KEY] = thing.key
        if ended and thing.outcome == "fail" and thing.result is False:
            line[_REFUSED] = True
        answered = ended and thing.outcome == "ok" and thing.result is not None
        value = thing.result if answered else thing.value  # as Jepsen does: completions repeat what was asked
        yield _line(line, value, thing.times[ended], index)


def _type(op: Operation) -> str:
    return "info" if op.outcome == "unknown" else op.outcome


def _line(line: dict[Any, Any], value: Any, time: int | None, index: int) -> str:
    line[_VALUE] = value
    if time is not None:
        line[_TIME] = 1_000 * time
    line[_INDEX] = index
    return write(line) + "\n"


class _Processes:
    """Gives operations the numbers of Jepsen's processes."""

    def __init__(self, history: History) -> None:
        numbers = [op.process for op in history.operations if isinstance(op.process, int)]
        self._next = max(numbers, default=-1) + 1
        self._idle: dict[int | str, list[int]] = {n: [n] for n in numbers}
        self._taken: dict[int, int] = {}

    def take(self, op: Operation) -> int:
        idle = self._idle.setdefault(op.process, [])
        if not idle:
            idle.append(self._next)
            self._next += 1
        number = self._taken[id(op)] = idle.pop()
        return number

    def free(self, op: Operation) -> int:
        number = self._taken[id(op)]
        if op.outcome != "unknown":
            self._idle[op.process].append(number)
        return number
