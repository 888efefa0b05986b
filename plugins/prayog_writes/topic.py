"""Optimizing writes: what the lab asks of this topic, hook by hook.

The engine is in `engine` (a log-structured merge tree in LevelDB's formats); threads, the real disk and other engines
are in `engine.real`.  Start reading at `engine.database`, then `engine.study`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from prayog_sdk.checks import Check, Measure, always, count, last, never
from prayog_sdk.hookspecs import Progress, hookimpl
from prayog_sdk.params import Choice, Code, Section, Slider
from prayog_sdk.services import ServiceMissing
from prayog_sdk.specs import ActionSpec, Arg, CodeSpec, PanelSpec, SeriesSpec, Variant
from prayog_writes.engine.options import BROKEN, COMPRESSIONS, MODES, POLICIES, SYNCS, YOURS, Options
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.workload import WORKLOADS
from prayog_writes.measures import MEASURES, at_most, damage_named, levels_sorted, settled, syncs_tried

if TYPE_CHECKING:
    from prayog_sdk.compare import Comparison
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace
    from prayog_writes.engine.study import Study

CORRECT = "correct"


@dataclass(frozen=True)
class Params:
    """The engine, the disk under it, and the work that comes."""

    policy: Annotated[
        str, Choice(*POLICIES, YOURS, title="Compaction", help="Which tables are merged, and when; “yours” you write.")
    ] = "leveled"
    memtable_kib: Annotated[int, Slider(1, 16_384, log=True, unit="KiB", title="Memtable")] = 32
    file_kib: Annotated[int, Slider(1, 16_384, log=True, unit="KiB", title="Table file")] = 32
    base_kib: Annotated[int, Slider(4, 65_536, log=True, unit="KiB", title="Level 1 holds")] = 128
    fanout: Annotated[int, Slider(2, 20, title="Fanout", help="How many times larger each level is.")] = 4
    trigger: Annotated[int, Slider(2, 20, title="Compact at", unit="tables", help="Tables in L0, or runs.")] = 4
    slowdown: Annotated[int, Slider(3, 60, title="Delay writes at", unit="tables")] = 20
    stop: Annotated[int, Slider(4, 80, title="Stop writes at", unit="tables")] = 36
    bloom_bits: Annotated[
        int, Slider(0, 20, title="Bloom filter", unit="bits/key", help="0: no filters."), Section("Reads")
    ] = 10
    cache_kib: Annotated[
        int, Slider(0, 65_536, unit="KiB", title="Block cache", help="0: every read goes to disk.")
    ] = 0
    compression: Annotated[str, Choice(*COMPRESSIONS, title="Compress blocks", help="As LevelDB does.")] = "none"
    sync: Annotated[
        str, Choice(*SYNCS, title="Sync the log", help="always: before each acknowledgement."), Section("Durability")
    ] = "always"
    every_ms: Annotated[int, Slider(1, 5_000, log=True, unit="ms", title="… every")] = 100
    batch: Annotated[int, Slider(1, 1_000, log=True, title="Writes in a batch")] = 1
    mode: Annotated[str, Choice(*MODES, title="Recovery", help="What to do with a damaged log.")] = "point in time"
    workload: Annotated[str, Choice(*WORKLOADS, title="Workload"), Section("Work that comes")] = "random"
    operations: Annotated[int, Slider(1, 1_000_000, log=True, title="Operations")] = 5_000
    keys: Annotated[int, Slider(1, 1_000_000, log=True, title="Different keys")] = 2_000
    value_size: Annotated[int, Slider(0, 4_096, log=False, unit="bytes", title="Value")] = 100
    sync_ms: Annotated[
        float, Slider(0.0, 50.0, step=0.1, unit="ms", title="One fsync takes"), Section("Disk and engine")
    ] = 5.0
    rate: Annotated[int, Slider(1, 1_000_000, log=True, unit="/s", title="Writes arrive")] = 1_000
    disk_mb: Annotated[float, Slider(0.1, 1_000.0, log=True, unit="MB/s", title="Background writes")] = 20.0
    engine: Annotated[str, Choice(CORRECT, *BROKEN, title="Engine", help="Broken ones leave one step out.")] = CORRECT
    code: Annotated[str, Code(title="Your function", help="It picks compactions for the policy “yours”.")] = ""


def setup_of(params: Params, jobs: str) -> Setup:
    """The engine's own setup; `jobs` is ``manual`` (simulated clock) or ``inline``."""
    options = Options(
        memtable=params.memtable_kib << 10, file=params.file_kib << 10, base=params.base_kib << 10,
        fanout=params.fanout, policy=params.policy, code=params.code,
        bits=params.bloom_bits, trigger=params.trigger, slowdown=params.slowdown,
        stop=params.stop, fifo=8 * params.base_kib << 10, sync=params.sync, every_us=1_000 * params.every_ms,  # type: ignore[arg-type] # one of SYNCS
        mode=params.mode, cache=params.cache_kib << 10, compression=params.compression, jobs=jobs,  # type: ignore[arg-type] # manual or inline
        broken=frozenset() if params.engine == CORRECT else frozenset({params.engine}),
    )  # fmt: skip
    return Setup(
        options, params.workload, params.operations, params.keys, params.value_size, params.batch,
        round(1_000 * params.sync_ms), float(params.rate), 1e6 * params.disk_mb,
    )  # fmt: skip


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> Study:
    from prayog_writes.engine.study import Study

    return Study(setup_of(params, "manual"), seed)


@hookimpl
def prayog_code(params: Params) -> CodeSpec | None:
    if params.policy != YOURS:
        return None
    from prayog_writes.engine.yours import COMPACTION

    return COMPACTION


@hookimpl
def prayog_session(params: Params, seed: int, services: Services, progress: Progress) -> Session:
    from prayog_writes.engine.real.session import DiskSession

    if params.policy == YOURS and params.code:
        raise ServiceMissing("Your function runs in the simulation only.", "Choose another compaction for the disk.")
    return DiskSession(setup_of(params, "inline"), seed, progress, services)


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    from prayog_writes.comparing import compare

    return compare(simulated, real)


_GROUPS = {
    "Tables": ("flush", "compact", "verify", "fill_disk"),
    "Crash lab": ("crash", "power_fail", "cut_wal", "flip_byte", "try_modes", "reopen"),
    "Real disk": ("group_commit", "compare", "crash_peers", "look_into", "optimise"),
}
"""Tools that share a menu, so that one line is enough for all."""

_KEY, _VALUE = Arg("key", "text", "Key", "asha"), Arg("value", "text", "Value", "1")
_AT = Arg("at", "int", "Byte (negative: from the end)", -3)


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    actions = [
        ActionSpec("put", "Put", "Write one value.", args=(_KEY, _VALUE), key="p", icon="plus"),
        ActionSpec("get", "Get", "Read one value, and see every place that was looked at.", args=(_KEY,), key="g",
                   icon="search"),
        ActionSpec("delete", "Delete", "Write a tombstone.", args=(_KEY,), key="d", icon="delete"),
        ActionSpec("scan", "Scan", "Read some keys in order, forwards or backwards.",
                   args=(Arg("start", "text", "From", "user"), Arg("count", "int", "How many", 10),
                         Arg("reverse", "bool", "Backwards, from before that key", False)), icon="table"),
        ActionSpec("run_workload", "Run workload", "A stream of operations.",
                   args=(Arg("workload", "choice", "Workload (empty: the knob’s)", "", ("", *WORKLOADS)),
                         Arg("count", "int", "Operations", 5_000)), key="w", icon="play"),
        ActionSpec("flush", "Flush", "Write the memtable as a table now.", key="f", icon="disk"),
        ActionSpec("compact", "Compact", "Merge one level into the next, or everything.",
                   args=(Arg("level", "int", "Level (−1: everything)", -1),), key="c", icon="check"),
        ActionSpec("verify", "Verify", "Check every block of every table.", icon="check"),
        ActionSpec("crash", "Kill the process", "What was written stays, synced or not.", key="x", icon="crash"),
        ActionSpec("power_fail", "Pull the plug", "Only what was synced is sure to stay.",
                   args=(Arg("torn", "int", "Unsynced bytes that stay all the same", 0, unit="%"),), key="u",
                   icon="crash"),
        ActionSpec("cut_wal", "Cut the log", "Remove the log’s end from a byte on. The database must be down.",
                   args=(_AT,), icon="drop"),
        ActionSpec("flip_byte", "Flip a bit", "Damage a file. The database must be down.",
                   args=(Arg("file", "text", "log, table, MANIFEST or a name", "log"), Arg("at", "int", "Byte", 100),
                         Arg("bit", "int", "Bit", 6)), icon="dice"),
        ActionSpec("try_modes", "Try all four modes", "What each recovery mode would bring back; nothing is changed.",
                   icon="fork"),
        ActionSpec("reopen", "Reopen", "Recover, and compare with all that was acknowledged.",
                   args=(Arg("mode", "choice", "Recovery (empty: the knob’s)", "", ("", *MODES)),), key="o",
                   icon="restart"),
        ActionSpec("fill_disk", "Fill the disk", "Leave only so much room.",
                   args=(Arg("room", "int", "Room", 0, unit="bytes"),), icon="lock"),
        ActionSpec("group_commit", "Group commit", "Real disk: many threads share their syncs.",
                   args=(Arg("threads", "int", "Threads", 32), Arg("count", "int", "Writes", 20_000))),
        ActionSpec("compare", "Other engines", "Real disk: the same writes into LevelDB, RocksDB, SQLite and LMDB.",
                   args=(Arg("count", "int", "Operations", 5_000),)),
        ActionSpec("look_into", "Open another database", "Real disk: a LevelDB or RocksDB folder, read only.",
                   args=(Arg("folder", "text", "Folder", ""),), icon="open"),
        ActionSpec("crash_peers", "Crash other engines",
                   "Real disk: what survives in LevelDB, RocksDB, SQLite and LMDB when their process dies, with a cut "
                   "log and with a flipped bit.",
                   args=(Arg("count", "int", "Rows", 2_000),
                         Arg("engine", "choice", "Engine", "all",
                             ("all", "prayog", "leveldb", "rocksdb", "sqlite", "lmdb")))),
        ActionSpec("optimise", "Other optimisations", "Real disk: one of eight experiments on SQLite and PostgreSQL.",
                   args=(Arg("what", "choice", "Experiment", "batch",
                             ("batch", "no_wait", "queue", "index", "cache", "replica", "view", "denormalise")),
                         Arg("count", "int", "Rows", 2_000),
                         Arg("on", "choice", "On", "both", ("both", "SQLite", "PostgreSQL")))),
    ]  # fmt: skip
    return [
        replace(spec, group=next((g for g, names in _GROUPS.items() if spec.name in names), "")) for spec in actions
    ]


@hookimpl
def prayog_checks() -> list[Check]:
    return [
        Check("kept", "Nothing that was acknowledged is lost", never("survival", lambda e: e["lost"] > 0),
              "Compared after every reopening with all writes in the order of their acknowledgement."),
        Check("prefix", "What is recovered is a state that once was", always("survival", prefix=True),
              "All writes up to some moment and none after it."),
        Check("lost_some", "The last crash lost at least one acknowledged write", last("survival").lost > 0),
        Check("opened", "The database opened again each time", never("refused")),
        Check("refused", "A recovery mode refused the log", (count("refused") > 0) | (count("mode", opens=False) > 0)),
        Check("right", "Every answer is what an honest witness remembers",
              never("answer", right=False) & never("rows", right=False) & never("work", lambda e: e["wrong"] > 0),
              "The run keeps a plain dict of all acknowledged writes beside the engine."),
        Check("undead", "A deleted row came back",
              count("answer", lambda e: e["expected"] is None and not e["right"]) > 0),
        Check("levels_sorted", "From level 1 on no two tables overlap", levels_sorted),
        Check("no_stall", "Writers never had to stop", never("stall")),
        Check("damage_named", "Damage was found and its file named", damage_named),
        Check("disk_full_told", "The full disk was told in a sentence", count("failed") > 0),
        Check("low_write_amp", "Write amplification is at most 8", at_most("write_amplification", 8)),
        Check("low_read_amp", "Read amplification is at most 3", at_most("read_amplification", 3)),
        Check("low_space_amp", "Space amplification is at most 1.4", at_most("space_amplification", 1.4)),
        Check("short_stalls", "No writer waited for more than 1 s", at_most("longest_stall_ms", 1_000)),
        Check("very_short_stalls", "No writer waited for more than 0.5 s", at_most("longest_stall_ms", 500)),
        Check("settled", "No compaction is due any more", settled),
        Check("no_mistake", "Your function answered every call", never("code_error")),
        Check("three_syncs", "A crash was tried under all three sync policies", syncs_tried),
        Check("same_contents", "Every engine holds the same rows", always("peer", same=True)),
    ]  # fmt: skip


@hookimpl
def prayog_measures() -> Mapping[str, Measure]:
    return MEASURES


@hookimpl
def prayog_series() -> list[SeriesSpec]:
    return [
        SeriesSpec("write_amplification", "Write amplification"),
        SeriesSpec("read_amplification", "Read amplification"),
        SeriesSpec("space_amplification", "Space amplification"),
        SeriesSpec("l0_tables", "Tables in L0"),
    ]


@hookimpl
def prayog_broken() -> list[Variant]:
    caught = {
        "acknowledges first": ("kept", "kill_the_process"),
        "forgets to sync": ("kept", "pull_the_plug"),
        "no folder sync": ("kept", "pull_the_plug"),
        "manifest first": ("opened", "plug_after_flush"),
        "drops tombstones early": ("right", "undead_row"),
        "keeps the oldest": ("right", "levels_form"),
        "wrong filter": ("right", "levels_form"),
        "no checksums": ("damage_named", "damaged_table"),
    }
    return [
        Variant(name, f"An engine in which {story}", {"engine": name}, check, scenario, 3, story)
        for (name, story), (check, scenario) in zip(BROKEN.items(), caught.values(), strict=True)
    ]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_writes.panels"
    return [
        PanelSpec("levels", "Levels", f"{here}.levels_panel:LevelsPanel", "centre", "outline"),
        PanelSpec("log", "Crash lab", f"{here}.log_panel:LogPanel", "tab", "table"),
        PanelSpec("policies", "Two policies", f"{here}.policies_panel:PoliciesPanel", "tab", "fork", kinds=("world",)),
        PanelSpec("heat", "Key heat", f"{here}.heat_panel:HeatPanel", "tab", "map"),
        PanelSpec("filter", "Bloom filter", f"{here}.filter_panel:FilterPanel", "tab", "tree"),
        PanelSpec("meters", "Amplification", f"{here}.meters_panel:MetersPanel", "tab", "plot"),
        PanelSpec("costs", "Costs", f"{here}.cost_panel:CostPanel", "right", "plan"),
        PanelSpec("events", "Events", "events", "bottom", "table"),
        PanelSpec("engines", "Other engines", f"{here}.engines_panel:EnginesPanel", "tab", "services"),
        PanelSpec("optimising", "Optimisations", f"{here}.optimising_panel:OptimisingPanel", "tab", "speed"),
        PanelSpec("state", "State", "state", "tab", "tree"),
    ]
