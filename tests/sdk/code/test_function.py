"""A function of the learner's: what it may use, and that no accident in it hurts, each with its line and a sentence."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from prayog_sdk.code.function import Function, Outcome, Unfenced, events, gate
from prayog_sdk.code.source import LONGEST


@pytest.fixture(autouse=True)
def _fenced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """These texts are ours: they may run in this process."""
    monkeypatch.setattr(gate, "is_open", True)
    return


def call(body: str, *args: Any, **kwargs: Any) -> Outcome:
    """What `f`, whose whole text is `body`, gives for `args`."""
    return Function("f", body, 2_000)(*args, **kwargs)


def failed(body: str, *args: Any, **kwargs: Any) -> tuple[str, int, str]:
    mistake = call(body, *args, **kwargs).mistake
    assert mistake is not None
    assert mistake.sentence.startswith(f"Line {mistake.line}: ") or not mistake.line
    assert mistake.sentence.endswith(".")
    return mistake.kind, mistake.line, mistake.sentence


def test_a_function_is_called_and_its_steps_are_counted() -> None:
    outcome = call("def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n", 10)
    assert (outcome.value, outcome.mistake) == (45, None)
    assert outcome.steps == 11  # one call, ten rounds


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "while True:\n        try: x = 1\n        except: pass",
        "while True:\n        try: 1 / 0\n        finally: continue",
        "for _ in iter(int, 1): pass",
        "return [x for x in iter(int, 1)]",
        "return sum(1 for x in iter(int, 1))",
        "g = lambda: 1\n    while g(): g()",
        "def g(n): return g(n + 1) if n < 900 else 0\n    while True: g(0)",
    ],
)
def test_no_loop_without_an_end_gets_through(loop: str) -> None:
    kind, line, sentence = failed(f"def f():\n    {loop}\n")
    assert kind == "steps"
    assert 2 <= line <= 4
    assert "a call has 2,000 steps, and they are used up" in sentence


def test_steps_are_counted_even_when_the_learner_swallows_everything() -> None:
    kind, line, _ = failed("def f():\n    try:\n        while True: pass\n    finally:\n        return 'fine'\n")
    assert (kind, line) == ("steps", 3)


@pytest.mark.parametrize(
    ("body", "kind", "line", "says"),
    [
        ("def f(:\n    pass\n", "text", 1, "this is not Python yet"),
        ("def f():\n  x = 1\n    y = 2\n", "text", 3, "unexpected indent"),
        ("def g():\n    pass\n", "text", 0, "There is no function f any more"),
        ("def f():\n    return 1 / 0\n", "error", 2, "ZeroDivisionError: division by zero"),
        ("def f():\n    return {}['x']\n", "error", 2, "KeyError: there is no key 'x'"),
        ("def f():\n    return g()\ndef g():\n    return y\n", "error", 4, "NameError: name 'y' is not defined"),
        ("def f():\n    return f()\n", "error", 1, "it calls itself again and again"),
        ("def f():\n    return [0] * 10 ** 12\n", "memory", 2, "asks for more memory"),
        ("def f():\n    x = input('?')\n", "text", 2, "input() waits for somebody at a keyboard"),
        ("def f():\n    exit()\n", "text", 2, "write return to leave the function"),
        ("def f():\n    open('x')\n", "text", 2, "gets all that it needs as arguments"),
        ("def f():\n    return hash('x')\n", "text", 2, "differs from one run to the next"),
        ("import os\ndef f():\n    pass\n", "text", 1, "os cannot be imported here; these can: bisect"),
        ("def f():\n    import random\n", "text", 2, "random cannot be imported here"),
        ("def f():\n    raise SystemExit\n", "error", 2, "name 'SystemExit' is not defined"),
        ("async def f():\n    pass\n", "text", 1, "write a plain function"),
        ("def f():\n    assert 1 > 2\n", "error", 2, "what you asserted does not hold"),
        ("def f(a):\n    return a\n", "error", 1, "missing 1 required positional argument"),
        ("x = 1 / 0\ndef f():\n    return 1\n", "error", 1, "division by zero"),
        ("while True: pass\ndef f():\n    return 1\n", "steps", 1, "used up"),
        (f"def f():\n    return {'(' * 300}1{')' * 300}\n", "text", 0, "nested"),
        (f"def f():\n    return '{'x' * LONGEST}'\n", "text", 0, "at most 20,000 are taken"),
    ],
)  # fmt: skip
def test_every_accident_is_a_line_and_a_sentence(body: str, kind: str, line: int, says: str) -> None:
    found = failed(body)
    if says == "nested":  # Python words it differently from version to version
        assert found[0] == "text"
        return
    assert found[:2] == (kind, line)
    assert says in found[2]


def test_the_wrong_result_is_said_in_the_words_of_the_topic() -> None:
    def yes_or_no(value: Any) -> str:
        return "" if isinstance(value, bool) else f"must return True or False; it returned {value!r}."

    text = "\ndef f(n):\n    n > 1\n"
    assert failed(text, 3, expect=yes_or_no) == (
        "result", 2, "Line 2: f must return True or False; it returned None.",
    )  # fmt: skip
    assert call("def f(n):\n    return n > 1\n", 3, expect=yes_or_no).value is True


@pytest.mark.parametrize(
    "way_out",
    [
        "return ().__class__.__base__.__subclasses__()",
        "return f.__globals__",
        "return getattr(f, '__globals__')",
        "return (x for x in ()).gi_frame",
        "return __builtins__",
        "return f'{f.__code__}'",
        "match f:\n        case object(__globals__=g): return g",
        "return eval('1')",
        "return __import__('os')",
        "import typing\n    return typing.get_type_hints(f)",
        "import dataclasses\n    return dataclasses.sys",
        "from typing import ForwardRef",
        "import collections\n    return collections.abc.sys",
    ],
)
def test_the_well_known_ways_out_are_closed(way_out: str) -> None:
    assert call(f"def f():\n    {way_out}\n").mistake is not None


def test_what_is_useful_can_be_imported() -> None:
    text = (
        "from __future__ import annotations\nimport heapq, math\nimport collections.abc\n"
        "from collections import Counter, deque\nfrom dataclasses import dataclass\nfrom functools import cache\n"
        "from typing import NamedTuple\n"
        "@dataclass(order=True)\nclass Item:\n    cost: float\n    _note: str = ''\n"
        "    def show(self): return self._note\n"
        "class Pair(NamedTuple):\n    a: int\n    b: int\n"
        "@cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "def f():\n    heap = [Item(3.0), Item(1.0, 'x')]\n    heapq.heapify(heap)\n"
        "    pair = Pair(1, 2)._replace(b=5)\n    fine = isinstance(deque(), collections.abc.Iterable)\n"
        "    return math.floor(heap[0].cost), heap[0].show(), Counter('aab')['a'], fib(20), pair.b, fine\n"
    )
    outcome = call(text)
    assert outcome.mistake is None, outcome.mistake
    assert outcome.value == (1, "x", 2, 6765, 5, True)


@pytest.mark.parametrize(
    "text",
    [
        "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)\n",
        "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)\n",
        "def f(x):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n\n",
        "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n\n",
        "import math\ndef f(x):\n    math.n = getattr(math, 'n', 0) + 1\n    return math.n\n",
        "class Box:\n    n = 0\ndef f(x):\n    Box.n += 1\n    return Box.n\n",
    ],
)
def test_each_call_begins_afresh(text: str) -> None:
    function = Function("f", text)
    assert [function(1).value for _ in range(3)] == [1, 1, 1]


def test_what_is_printed_is_kept_with_its_line() -> None:
    outcome = call("def f():\n    print('a', 1, sep='-')\n    for i in range(99):\n        print(i, 'x' * 900)\n")
    assert outcome.printed[0] == (2, "a-1")
    assert len(outcome.printed) == 21
    assert len(outcome.printed[1][1]) < 510
    assert "and more" in outcome.printed[-1][1]
    told = list(events(call("def f():\n    print('x')\n    1 / 0\n")))
    assert [kind for kind, _ in told] == ["printed", "code_error"]
    assert told[1][1]["line"] == 3


def test_a_function_is_a_value() -> None:
    function = Function("f", "def f(x):\n    return x + 1\n")
    for twin in (pickle.loads(pickle.dumps(function)), copy.deepcopy(function)):
        assert twin(1).value == 2
        assert (twin.name, twin.text, twin.steps, twin.own) == ("f", function.text, function.steps, True)


def test_outside_of_the_fence_only_what_came_with_the_topic_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", False)
    text = "def f():\n    return 1\n"
    assert Function("f", text, own=False)().value == 1
    with pytest.raises(Unfenced, match="code of your own runs on the bench"):
        Function("f", text)()
    assert Function("f", "def f(:\n")().mistake is not None  # reading runs nothing
