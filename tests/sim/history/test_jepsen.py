"""Files of Jepsen become histories and come back; a trace tells one too."""

from __future__ import annotations

import pytest

from prayog_sim.history.jepsen import read_history, write_history
from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.operations import HistoryError, Incident, from_trace
from prayog_sim.history.registers import CasRegister, KeyValue
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from prayog_sim.world import World
from sim.history import generated

LINES = """
{:process 0, :type :invoke, :f :write, :value 3, :time 1200000, :index 0}
{:process :nemesis, :type :info, :f :start, :value "Cut off [n1]", :time 1300000, :index 1}
{:process 1, :type :invoke, :f :read, :value nil, :time 2000000, :index 2}
{:process 1, :type :ok, :f :read, :value 3, :time 3000000, :index 3}
{:process 2, :type :invoke, :f :cas, :value [3 4], :time 3100000, :index 4}
{:process 2, :type :fail, :f :cas, :value [3 4], :time 3200000, :index 5}
{:process 0, :type :info, :f :write, :value :timed-out, :time 5000000, :index 6}
{:process 1, :type :invoke, :f :read, :value nil, :time 6000000, :index 7}
"""


def test_a_line_for_each_event() -> None:
    history = read_history(LINES)
    write, read, cas, dangling = history.operations
    assert history.source == "edn"
    assert (write.process, write.kind, write.value, write.outcome) == (0, "write", 3, "unknown")
    assert write.times == (1_200, 5_000)
    assert (read.result, read.outcome) == (3, "ok")
    assert (cas.value, cas.outcome, cas.result) == ((3, 4), "fail", None)
    assert (dangling.returned, dangling.outcome) == (None, "unknown")
    assert history.incidents == (Incident("nemesis", "start", "Cut off [n1]", 1, 1_300),)


@pytest.mark.parametrize(
    "wrapped",
    [
        "[{0}]",
        "({0})",
        "; made by hand\n[{0}] ; end",
        "{{:name \"test\" :history [{0}]}}",
        "#jepsen.history.History [{0}]",
    ],
)  # fmt: skip
def test_one_form_for_all_events_is_the_same(wrapped: str) -> None:
    assert read_history(wrapped.format(LINES)) == read_history(LINES)


def test_tagged_events_are_events() -> None:
    assert read_history(LINES.replace("{:process", "#jepsen.history.Op{:process")) == read_history(LINES)


def test_pairs_of_key_and_value_are_taken_apart() -> None:
    text = """
    {:process 0 :type :invoke :f :write :value [7 1]} {:process 0 :type :ok :f :write :value [7 1]}
    {:process 0 :type :invoke :f :cas :value [8 [1 2]]} {:process 0 :type :info :f :cas :value [8 [1 2]]}
    {:process 1 :type :invoke :f :read :value [7 nil]} {:process 1 :type :ok :f :read :value [7 1]}
    """
    history = read_history(text)
    assert [(op.key, op.value, op.result) for op in history.operations] == [
        (7, 1, 1),
        (8, (1, 2), None),
        (7, None, 1),
    ]
    assert read_history(text, independent=False).operations[0].value == (7, 1)


def test_a_history_of_compare_and_sets_has_no_keys() -> None:
    text = "{:process 0 :type :invoke :f :cas :value [1 2]} {:process 0 :type :ok :f :cas :value [1 2]}"
    assert read_history(text).operations[0].key is None


def test_keys_may_have_a_field_of_their_own() -> None:
    text = """
    {:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}
    {:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}
    {:process 1, :type :invoke, :f :get, :key "5", :value nil}
    {:process 1, :type :ok, :f :get, :key "5", :value ""}
    {:process 1, :type :invoke, :f :get, :key "0", :value nil}
    {:process 1, :type :ok, :f :get, :key "0", :value "x 0 0 y"}
    """
    history = read_history(text)
    assert history.keys() == ["0", "5"]
    assert linearizable(history).verdict == "linearizable"
    assert linearizable(read_history(text.replace(':value ""', ':value "y"'))).key == "5"


LOG = """
INFO  jepsen.core - Everything is up
INFO  jepsen.util - 4\t:invoke\t:read\tnil
INFO  jepsen.util - 4\t:ok\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:write\t1
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 1\t:ok\t:write\t1
INFO  jepsen.util - 2\t:invoke\t:cas\t[1 4]
INFO  jepsen.util - 2\t:fail\t:cas\t[1 4]
INFO  jepsen.util - 3\t:invoke\t:read\tnil
INFO  jepsen.util - 3\t:fail\t:read\t:timed-out
INFO  jepsen.util - 0\t:invoke\t:cas\t[0 2]
INFO  jepsen.util - 0\t:info\t:cas\t:timed-out
"""


def test_the_text_log() -> None:
    history = read_history(LOG)
    assert [op.outcome for op in history.operations] == ["ok", "ok", "fail", "fail", "unknown"]
    assert history.operations[2].result is False
    assert len(history.incidents) == 1


def test_a_refusal_counts_in_a_log_and_not_in_edn_unless_it_is_said_otherwise() -> None:
    """etcd refused to replace 1 although 1 had been written: the log tells it."""
    assert linearizable(read_history(LOG)).verdict == "not linearizable"
    assert linearizable(read_history(LOG, refusals=False)).verdict == "linearizable"
    quiet = read_history(LINES)
    assert linearizable(quiet).verdict == "linearizable"
    assert read_history(LINES, refusals=True).operations[2].result is False


def test_newer_logs_have_another_head() -> None:
    head = "2026-01-05 10:00:00,123{GMT}\tINFO\t[jepsen worker 0] jepsen.util: "
    text = f"{head}0\t:invoke\t:write\t[1 2]\n{head}0\t:info\t:write\t[1 2]\t:timeout some words\n"
    assert read_history(text, independent=False).operations[0].value == (1, 2)


def test_edn_does_not_say_what_the_register_held_at_first() -> None:
    text = "{:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value 7}"
    assert linearizable(read_history(text)).verdict == "linearizable"
    assert linearizable(read_history(text), CasRegister(0)).verdict == "not linearizable"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there are no operations"),
        ("hello", "line 1, column 1: expected a map with :type, :process and :f, found hello"),
        (
            "{:process 0 :type :ok :f :read :value 1}",
            "line 1, column 1: process 0 was told 'ok', but it had asked for nothing",
        ),
        (
            "{:process 0 :type :done :f :read}",
            "line 1, column 1: expected :type :invoke, :ok, :fail or :info, found 'done'",
        ),
        ("{:process 0 :type :invoke}", "line 1, column 1: the invocation has no :f"),
        (
            "[{:process 0 :type :invoke :f :read}\r\n  {:process 0 :type :ok :f :write}]",
            "line 2, column 3: process 0 asked for 'read' and is told about 'write'",
        ),
        ("{:process :nemesis :type :info :f :start}", "there are 1 incidents in this text, and no operation"),
        ("; a\r{:process 0 :process 1}", "this cannot be read as EDN: line 2, column 1: the key :process stands twice"),
        ("[{:process 0\n :type", "this cannot be read as EDN: line 1, column 2: '{' has no end"),
        ("0\t:ok\t:read\t1", "line 1, column 1: process 0 was told 'ok'"),
        ("0\t:invoke\t:read\t[1", "line 1, column 1: '[' has no end"),
    ],
)
def test_what_is_no_history_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(HistoryError) as caught:
        read_history(text)
    assert str(caught.value).startswith(sentence)


WRITE = "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n"
READ = "{:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value 1}\n"


@pytest.mark.parametrize(
    ("text", "operations", "incidents"),
    [
        (f"; a history\n{WRITE}#_ {{:process 9}} ; left out\n{READ};; the end", 2, 0),
        (f"; a history\r{WRITE}; more\r{READ}".replace("\n", "\r"), 2, 0),
        (f"[{WRITE}]\r\n({READ})\r\n{{:process 2 :type :invoke :f :read}}".replace("\n", "\r\n"), 3, 0),
        (
            f"{WRITE}{{:type :info :process :nemesis :f nil :value #{{:n1}}}}{{:process :nemesis :type :invoke}}",
            1,
            2,
        ),
        (f"{{:process 0 :type :info :f :read :error [:timeout nil]}}{WRITE}", 1, 1),
        (f'#jepsen.history.Op{{:index 0 :type :invoke :process 3 :f :read :at #inst "2026-01-05"}}{WRITE}', 2, 0),
        ("#:op{:process 0 :type :invoke :f :read}{:op/process 0 :op/type :ok :op/f :read :op/value 3}", 1, 0),
        ("{:process :c1 :type :invoke :f :read}{:process :c1 :type :info :f :read :value nil}", 1, 0),
        ('{:process "c1" :type "invoke" :f "read"}{:process "c1" :type "ok" :f "read" :value ##NaN}', 1, 0),
    ],
)
def test_what_histories_look_like_in_the_wild(text: str, operations: int, incidents: int) -> None:
    history = read_history(text)
    assert (len(history.operations), len(history.incidents)) == (operations, incidents)
    again = read_history("".join(write_history(history)))
    assert [str(op) for op in again.operations] == [str(op) for op in history.operations]
    assert len(again.incidents) == incidents
    assert linearizable(history).verdict == "linearizable"


def test_the_index_is_the_order() -> None:
    lines = [
        "{:index 2 :process 1 :type :invoke :f :read}", "{:index 1 :process 0 :type :ok :f :write :value 1}",
        "{:index 3 :process 1 :type :ok :f :read :value 0}", "{:index 0 :process 0 :type :invoke :f :write :value 1}",
    ]  # fmt: skip
    result = linearizable(read_history("\n".join(lines)))
    assert result.verdict == "not linearizable"
    assert str(result.operation) == "process 1 read → 0"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ask", [generated.cas_register, generated.key_value, generated.mutex])
def test_what_is_written_is_read_back(ask: generated.Ask, seed: int) -> None:
    from prayog_sim.history.queues import Mutex

    model = {"cas_register": CasRegister(), "key_value": KeyValue(), "mutex": Mutex()}[ask.__name__]
    history = generated.atomic(ask, model, seed, 60, 5, 0.2)
    text = "".join(write_history(history))
    back = read_history(text)
    assert "".join(write_history(back)) == text
    assert [(op.process, op.kind, op.value, op.key, op.outcome, op.times) for op in back.operations] == [
        (op.process, op.kind, op.value, op.key, op.outcome, op.times) for op in history.operations
    ]
    assert linearizable(back, model) == linearizable(back, model)
    assert linearizable(back, model).verdict == linearizable(history, model).verdict


# -- a simulated client ----------------------------------------------------------------------------------------------


class Store(Node):
    """One register; it forgets to answer the third request, after doing what it says."""

    def __init__(self) -> None:
        self.value = 0
        self.asked = 0

    def on_message(self, src: str, msg: object, ctx: Ctx) -> None:
        assert isinstance(msg, tuple)
        number, kind, value = msg
        self.asked += 1
        if kind == "write":
            self.value = value
        if self.asked != 3:
            ctx.send(src, (number, self.value))


class Client(Node):
    """Writes and reads in turn, one at a time, and waits 20 ms for an answer."""

    def __init__(self, first: int) -> None:
        self.number = 0
        self.first = first

    def on_start(self, ctx: Ctx) -> None:
        self.ask(ctx)

    def ask(self, ctx: Ctx) -> None:
        self.number += 1
        kind, value = ("write", self.first + self.number) if self.number % 2 else ("read", None)
        ctx.emit("invoke", op=self.number, f=kind, value=value)
        ctx.send("store", (self.number, kind, value))
        ctx.set_timer("answer", 20_000)

    def on_message(self, src: str, msg: object, ctx: Ctx) -> None:
        assert isinstance(msg, tuple)
        if msg[0] == self.number:
            ctx.emit("ok", op=self.number, **({} if self.number % 2 else {"value": msg[1]}))
            self.ask(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.emit("unknown", op=self.number)
        self.ask(ctx)


def run() -> World:
    world = World({"store": Store, "c1": lambda: Client(100), "c2": lambda: Client(200)}, seed=3, strict=True)
    world.run(until_us=60_000)
    world.do(Action("crash", {"node": "c2"}))
    world.run(until_us=90_000)
    return world


def test_clients_tell_their_history_in_the_trace() -> None:
    history = from_trace(run().trace)
    assert {op.process for op in history.operations} == {"c1", "c2"}
    assert sum(op.outcome == "unknown" for op in history.operations) >= 2  # the forgotten answer, and the crash
    assert [incident.kind for incident in history.incidents] == ["crash"]
    assert linearizable(history).verdict == "linearizable"


def test_the_history_of_a_trace_can_be_written_with_numbers_and_read_back_with_names() -> None:
    history = from_trace(run().trace)
    text = "".join(write_history(history))
    back = read_history(text)
    assert [(op.process, op.kind, op.value, op.result, op.outcome, op.times) for op in back.operations] == [
        (op.process, op.kind, op.value, op.result, op.outcome, op.times) for op in history.operations
    ]
    numbers = [line.split()[1] for line in text.splitlines() if ":client" in line and ":invoke" in line]
    unknown = sum(op.outcome == "unknown" for op in history.operations)
    assert len(set(numbers)) >= unknown  # a process with an unknown outcome ends


def test_an_invocation_must_say_what_it_asks() -> None:
    class Mute(Node):
        def on_start(self, ctx: Ctx) -> None:
            ctx.emit("invoke", f="read")

    world = World({"c1": Mute})
    world.run()
    with pytest.raises(HistoryError, match=r'ctx\.emit\("invoke", op=1, f="read"\)'):
        from_trace(world.trace)
