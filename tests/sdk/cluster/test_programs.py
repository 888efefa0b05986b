"""Programs that speak Maelstrom's protocol: under virtual time and as real processes, well and badly behaved."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import prayog_consensus
from prayog_sdk.cluster import Cluster, Program
from prayog_sdk.cluster import recorded as recorded_module
from prayog_sdk.cluster.maelstrom import Garbage, body, read_line
from prayog_sdk.cluster.outside import OutsideWorld, outside_world
from prayog_sdk.cluster.services import LinKv, SeqKv
from prayog_sdk.cluster.verdicts import CHECKS
from prayog_sdk.cluster.workloads import surroundings
from prayog_sim.clock import ms, s
from prayog_sim.network import Link, Network, Uniform
from prayog_sim.node import Ctx
from prayog_sim.run import Action, Run
from prayog_sim.trace import Trace

pytestmark = pytest.mark.usefixtures("no_leaks")

SAMPLES = Path(prayog_consensus.__file__).parent / "data" / "maelstrom"
CASES = [("echo", "echo.py"), ("unique-ids", "echo.py"), ("broadcast", "broadcast.py"), ("lin-kv", "lin_kv.py")]
BAD = """
import json, sys, time
for line in sys.stdin:
    message = json.loads(line)
    if message["body"]["type"] == "init":
        answer = {"src": message["dest"], "dest": message["src"], "body": {"type": "init_ok", "in_reply_to": 1}}
        print(json.dumps(answer), flush=True)
    elif sys.argv[1] == "garbage":
        print('{"src": "n1", "dest": "n77", "body": {"type": "echo_ok"}}', flush=True)
        print("I am no JSON", flush=True)
    elif sys.argv[1] == "die":
        sys.exit("out of chairs")
    else:
        while True:
            pass
"""
IN_NODE = """
let id = "", number = 0;
const say = (dest, body) => console.log(JSON.stringify({src: id, dest, body: {msg_id: ++number, ...body}}));
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const {src, body} = JSON.parse(line);
  if (body.type === "init") { id = body.node_id; say(src, {type: "init_ok", in_reply_to: body.msg_id}); }
  else if (body.type === "echo") say(src, {type: "echo_ok", echo: body.echo, in_reply_to: body.msg_id});
});
"""
IN_PERL = r"""
use strict; use warnings; use JSON::PP; $| = 1;
my ($id, $number) = ("", 0);
while (my $line = <STDIN>) {
  my $m = decode_json($line); my $b = $m->{body};
  my %answer = (msg_id => ++$number, in_reply_to => $b->{msg_id});
  if ($b->{type} eq "init") { $id = $b->{node_id}; $answer{type} = "init_ok"; }
  elsif ($b->{type} eq "echo") { $answer{type} = "echo_ok"; $answer{echo} = $b->{echo}; }
  else { next; }
  print encode_json({src => $id, dest => $m->{src}, body => \%answer}), "\n";
}
"""


def nodes(file: Path, *words: str, count: int = 3) -> dict[str, Program]:
    return {f"n{i + 1}": Program((sys.executable, str(file), *words)) for i in range(count)}


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    made: list[Run] = []
    yield made
    for run in made:
        run.close()


def virtual(runs: list[Run], programs: dict[str, Program], workload: str, loss: float = 0.0) -> OutsideWorld:
    around = surroundings(workload, tuple(programs), 2, 8, ms(50))
    world = outside_world(programs, around, 3, Network(Link(Uniform(8_000, 12_000), loss=loss)))
    runs.append(world)
    return world


def real(runs: list[Run], programs: dict[str, Program], workload: str, until: str = "") -> Cluster:
    """As real processes, until both clients are through or (`until`) a step or an effect of that kind comes."""
    cluster = Cluster({**programs, **surroundings(workload, tuple(programs), 2, 8, ms(20))}, 3)
    runs.append(cluster)
    end, finished = time.monotonic() + 20, 0
    while time.monotonic() < end and finished < 2 and not (until and told(cluster.trace, until)):
        step = cluster.wait(0.05)
        finished += sum(effect.kind == "finished" for effect in step.effects) if step else 0
    return cluster


def told(trace: Trace, kind: str) -> list[str]:
    """The sentences of steps and effects of `kind`."""
    data = [step.data for step in trace if step.kind == kind]
    data += [effect.data for step in trace for effect in step.effects if effect.kind == kind]
    return [str(each.get("sentence", "")) for each in data]


# -- well behaved ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workload", "file"), CASES)
def test_a_sample_does_its_work_under_virtual_time(runs: list[Run], workload: str, file: str) -> None:
    world = virtual(runs, nodes(SAMPLES / file), workload)
    world.run(until_us=s(20))
    verdict = CHECKS[workload].judge(world.trace)
    assert verdict.ok, verdict.reason
    middle = len(world.trace) // 2
    then = world.view(middle)
    assert then.nodes["n1"].volatile["heard"] <= world.view().nodes["n1"].volatile["heard"]
    twin = world.fork(middle)  # the tape knows the past; a fresh process is told it before it goes on
    twin.do(Action("crash", {"node": "c2"}))
    twin.run(until_us=s(20))
    assert [a == b for a, b in zip(twin.trace[: middle + 1], world.trace[: middle + 1], strict=True)].count(False) == 0
    assert CHECKS[workload].judge(twin.trace).ok
    assert not told(twin.trace, "garbage")


@pytest.mark.parametrize(("workload", "file"), CASES)
def test_a_sample_does_its_work_as_real_processes(runs: list[Run], workload: str, file: str) -> None:
    cluster = real(runs, nodes(SAMPLES / file), workload)
    verdict = CHECKS[workload].judge(cluster.trace)
    assert verdict.ok, verdict.reason
    answers = [step for step in cluster.trace if step.kind == "say" and step.cause >= 0]
    assert answers
    assert all(cluster.trace[step.cause].kind == "deliver" for step in answers)
    assert all(cluster.trace[step.cause].node == step.node for step in answers)


def test_the_same_seed_gives_the_same_trace(runs: list[Run]) -> None:
    traces = []
    for _ in range(2):
        world = virtual(runs, nodes(SAMPLES / "lin_kv.py"), "lin-kv", loss=0.05)
        world.run(until_us=s(10))
        traces.append(world.trace)
    effects = [effect for trace in traces for step in trace for effect in step.effects]
    if any(effect.kind == "timer" and effect.data["name"] == "listen" for effect in effects):
        pytest.skip("this machine is too busy: a program needed longer for an answer than one turn may take")
    if any(effect.kind == "note" and "by itself" in effect.data["text"] for effect in effects):
        pytest.skip("this machine is too busy: a program slept in the middle of an answer, and the trace says so")
    differing = next((pair for pair in zip(*traces, strict=False) if pair[0] != pair[1]), None)
    assert differing is None
    assert traces[0].hash() == traces[1].hash()


def test_a_crash_starts_the_program_afresh(runs: list[Run]) -> None:
    world = virtual(runs, nodes(SAMPLES / "echo.py", count=1), "unique-ids")
    world.run(until_us=ms(200))
    world.do(Action("crash", {"node": "n1"}))
    world.run(until_us=ms(300))
    world.do(Action("restart", {"node": "n1"}))
    world.run(until_us=s(20))
    assert not CHECKS["unique-ids"].judge(world.trace).ok  # the sample counts from one again: a real fault, found


@pytest.mark.parametrize(("language", "ending", "text"), [("node", "js", IN_NODE), ("perl", "pl", IN_PERL)])
def test_a_program_in_another_language_runs_unchanged(
    runs: list[Run], tmp_path: Path, language: str, ending: str, text: str
) -> None:
    runner = shutil.which(language)
    if runner is None:
        pytest.skip(f"{language} is not on this machine")
    file = tmp_path / f"echo.{ending}"
    file.write_text(text)
    programs = {"n1": Program((runner, str(file)))}
    world = virtual(runs, programs, "echo")
    world.run(until_us=s(20))
    cluster = real(runs, programs, "echo")
    for trace in (world.trace, cluster.trace):
        verdict = CHECKS["echo"].judge(trace)
        assert verdict.ok, verdict.reason


# -- badly behaved -----------------------------------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.py"
    file.write_text(BAD)
    return file


def test_garbage_is_an_event(runs: list[Run], bad: Path) -> None:
    world = virtual(runs, nodes(bad, "garbage", count=1), "echo")
    world.run(until_us=ms(300))
    assert any("no JSON: 'I am no JSON'" in text for text in told(world.trace, "garbage"))
    assert any("to n77, and no node is called so" in text for text in told(world.trace, "garbage"))
    cluster = real(runs, nodes(bad, "garbage", count=1), "echo", until="garbage")
    assert any("no JSON: 'I am no JSON'" in text for text in told(cluster.trace, "garbage"))
    fates = [e.data["fate"] for step in cluster.trace for e in step.effects if e.data.get("to") == "n77"]
    assert fates
    assert set(fates) == {"no node is called n77"}


def test_death_is_an_event_with_its_last_words(runs: list[Run], bad: Path) -> None:
    world = virtual(runs, nodes(bad, "die", count=1), "echo")
    world.run(until_us=ms(300))
    assert any("n1 ended with exit code 1: out of chairs" in text for text in told(world.trace, "error"))
    assert world.view().nodes["n1"].status == "down"
    cluster = real(runs, nodes(bad, "die", count=1), "echo", until="error")
    assert any("ended with exit code 1" in text for text in told(cluster.trace, "error"))


def test_a_hung_program_holds_nobody_up(runs: list[Run], bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prayog_sdk.cluster.outside._PATIENCE", 5)
    world = virtual(runs, nodes(bad, "hang", count=1), "echo")
    world.run(until_us=ms(300))
    assert any("says nothing" in text for text in told(world.trace, "hung"))
    monkeypatch.setattr(recorded_module, "SILENCE", 300_000)
    cluster = real(runs, nodes(bad, "hang", count=1), "echo", until="hung")
    assert any("n1 does nothing" in text for text in told(cluster.trace, "hung"))


def test_a_program_that_is_not_there_is_an_event(runs: list[Run], tmp_path: Path) -> None:
    missing = {"n1": Program((str(tmp_path / "nothing"),))}
    world = virtual(runs, missing, "echo")
    world.run(until_us=ms(10))
    assert any("n1 did not start" in text for text in told(world.trace, "error"))
    cluster = real(runs, missing, "echo", until="error")
    assert any("n1 did not start" in text for text in told(cluster.trace, "error"))


# -- the parts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"src": "n2", "dest": "n3", "body": {}}', '{"dest": "n1", "body": 3}']
)
def test_what_is_no_message_is_said(line: str) -> None:
    with pytest.raises(Garbage, match="n1 "):
        read_line("n1", line)


def ask(service: LinKv, ctx: Ctx, src: str = "n1", **fields: Any) -> dict[str, Any]:
    ctx.effects.clear()
    service.on_message(src, body(msg_id=7, **fields), ctx)
    ((_, dst, answer),) = ctx.effects
    assert dst == src
    found: dict[str, Any] = json.loads(answer.text)
    assert found.pop("in_reply_to") == 7
    return found


def test_lin_kv_answers_as_maelstroms() -> None:
    kv, ctx = LinKv(), Ctx("lin-kv", ("n1",))
    assert ask(kv, ctx, type="read", key="x")["code"] == 20
    cas = {"type": "cas", "key": "x", "from": 1, "to": 2}
    assert ask(kv, ctx, **cas)["code"] == 20
    assert ask(kv, ctx, **cas, create_if_not_exists=True) == {"type": "cas_ok"}
    assert ask(kv, ctx, **cas)["code"] == 22
    assert ask(kv, ctx, type="write", key="x", value=[1]) == {"type": "write_ok"}
    assert ask(kv, ctx, type="read", key="x") == {"type": "read_ok", "value": [1]}
    assert ask(kv, ctx, type="dance")["code"] == 10


def test_seq_kv_may_be_old_but_never_goes_back() -> None:
    kv, ctx = SeqKv(), Ctx("seq-kv", ("n1", "n2"))
    for value in range(20):
        ask(kv, ctx, type="write", key="x", value=value)
        assert ask(kv, ctx, type="read", key="x") == {"type": "read_ok", "value": value}  # one's own writes
    seen = [ask(kv, ctx, "n2", type="read", key="x").get("value", -1) for _ in range(30)]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert seen[0] < 19
