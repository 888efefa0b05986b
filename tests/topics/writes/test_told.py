"""What the steps tell the panels: heat, meters, the bytes of the log, which writes each recovery mode takes."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from prayog_sim.run import Action
from prayog_writes.engine.heat import RANGES, Heat
from prayog_writes.engine.study import Study
from prayog_writes.engine.workload import Op, operations
from prayog_writes.topic import Params, setup_of


def study(seed: int = 1, **knobs: Any) -> Study:
    return Study(
        setup_of(Params(memtable_kib=4, file_kib=4, base_kib=16, keys=300, value_size=40, **knobs), "manual"), seed
    )


def do(run: Study, name: str, **args: Any) -> Mapping[str, Any]:
    run.do(Action(name, args))
    while run.step() is not None:
        pass
    return run.view().facts


def test_heat_counts_every_operation_in_its_range() -> None:
    heat = Heat()
    first = heat.portion([Op("put", b"user00000003"), Op("get", b"user00000003"), Op("update", b"user00000063")])
    assert first["width"] == 1
    assert (first["writes"][3], first["reads"][3], first["reads"][63], first["writes"][63]) == (1, 1, 1, 1)
    later = heat.portion([Op("delete", b"user00001000"), Op("scan", b"user00000000"), Op("put", b"somebody")])
    assert later["width"] == 16
    assert (later["writes"][1000 // 16], later["reads"][0]) == (1, 1)
    assert sum(later["writes"]) == 1
    assert len(later["reads"]) == RANGES


def test_the_heat_of_a_workload_is_its_operations() -> None:
    run = study()
    do(run, "run_workload", workload="YCSB F", count=700)
    portions = [step.data["heat"] for step in run.trace if step.kind == "work"]
    stream = list(operations("YCSB F", 700, 300, 40, 1))
    assert sum(sum(p["reads"]) for p in portions) == sum(op.what in ("get", "update") for op in stream)
    assert sum(sum(p["writes"]) for p in portions) == sum(op.what in ("put", "update") for op in stream)


def test_meters_while_working_have_both_halves() -> None:
    run = study()
    facts = do(run, "run_workload", workload="delete-heavy", count=900)
    last = [step.data for step in run.trace if step.kind == "worked"][-1]
    parts, end = last["parts"], facts["amplification"]
    assert parts["written"] == end["write"]["numerator"]
    assert parts["written"] + parts["log"] == end["write_with_log"]["numerator"]
    assert parts["user"] == end["write"]["denominator"]
    assert parts["live"] == sum(len(k) + len(v) for k, v in run.memory.now.items()) == end["space"]["denominator"]
    assert last["formulas"] == facts["formulas"]


def test_the_meters_are_live_in_the_middle_of_a_workload() -> None:
    run = study()
    do(run, "run_workload", workload="random", count=900)
    middle = [step for step in run.trace if step.kind == "work"][2]
    facts = run.view(middle.seq).facts
    parts = middle.data["parts"]
    assert facts["amplification"]["write"]["value"] == round(parts["written"] / parts["user"], 3)
    assert facts["memtable"] == middle.data["memtable"]
    assert facts["memtable"]["rows"] > 0


def test_live_bytes_follow_a_recovery() -> None:
    run = study(sync="never")
    do(run, "run_workload", workload="random", count=500)
    do(run, "power_fail")
    do(run, "reopen")
    assert run.memory.live == sum(len(k) + len(v) for k, v in run.memory.now.items())
    do(run, "put", key="asha", value="12")
    do(run, "put", key="asha", value="123")
    do(run, "delete", key="asha")
    assert run.memory.live == sum(len(k) + len(v) for k, v in run.memory.now.items())


def test_each_mode_tells_which_writes_it_took() -> None:
    run = study()
    for n in range(10):
        do(run, "put", key=f"k{n}")
    facts = do(run, "crash")
    record = facts["wal"]["records"][4]
    do(run, "flip_byte", file="log", at=record["end"] - 1)
    facts = do(run, "try_modes")
    modes = facts["modes"]
    assert modes["point in time"]["taken"] == [[1, 4]]
    assert modes["absolute consistency"].get("taken") is None
    # The rest of a block cannot be trusted once a checksum in it is wrong, so nothing behind the damage is there.
    assert modes["skip any corrupted record"]["taken"] == [[1, 4]]
    for mode in modes.values():
        if mode["opens"]:
            assert sum(last - first + 1 for first, last in mode["taken"]) == mode["survived"]


def test_the_bytes_of_the_log_are_told_as_they_are_on_the_disk() -> None:
    run = study()
    for n in range(3):
        do(run, "put", key=f"k{n}")
    facts = do(run, "crash")
    assert b64decode(facts["wal"]["data"]) == run.disk[facts["wal"]["file"]]
    facts = do(run, "flip_byte", file="log", at=20, bit=3)
    assert b64decode(facts["wal"]["data"]) == run.disk[facts["wal"]["file"]]


def test_a_job_is_over_when_its_edit_is_there() -> None:
    run = study()
    do(run, "run_workload", workload="random", count=900)
    edits = [step.seq for step in run.trace if step.kind == "edit" and step.data["what"] != "start"]
    assert len(edits) > 5
    for seq in edits:
        assert run.view(seq - 1).facts["job"] is not None
        assert run.view(seq).facts["job"] is None


def test_the_log_as_the_crash_left_it_stays_beside_the_one_that_was_cut() -> None:
    run = study()
    for n in range(4):
        do(run, "put", key=f"k{n}")
    facts = do(run, "crash")
    left = facts["wal"]
    do(run, "try_modes")
    facts = do(run, "cut_wal", at=-1)
    assert facts["wal_left"] == left
    assert facts["wal"]["bytes"] == left["bytes"] - 1
    assert facts["modes"] == {}  # they were asked about another file
    do(run, "reopen")
    do(run, "put", key="k9")
    facts = do(run, "crash")
    assert facts["wal_left"] == facts["wal"] != left
