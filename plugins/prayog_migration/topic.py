"""Database migration: what the lab asks of this topic, hook by hook.

Two kinds of run: *drills* (`engine.drills`), simulated and quick, in which one step is done wrongly and then rightly;
and real migrations (`engine.real.session`), in which a worker process moves a real database in eight steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from prayog_migration.engine.drills.judge import HOW
from prayog_migration.engine.setup import STRATEGIES, YOURS, Setup
from prayog_migration.engine.strategies import COMPANIES
from prayog_migration.engine.values import POLICIES
from prayog_migration.measures import MEASURES, all_fit, at_most, balanced, equal, four_ways, steady, went_back
from prayog_sdk.checks import Check, Measure, always, count, never
from prayog_sdk.hookspecs import Progress, hookimpl
from prayog_sdk.params import ParamError
from prayog_sdk.specs import ActionSpec, Arg, CodeSpec, PanelSpec, SeriesSpec

if TYPE_CHECKING:
    from prayog_sdk.run import Run
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session

FAULTS = (
    "kill", "zombie", "cut", "stall", "lose_commit", "fill_disk", "stop_target", "poison", "add_column", "lose_log",
)  # fmt: skip
"""What the fault buttons of a real migration do."""
CHANGES = ("begin", "forward", "back", "at once", "put away")
"""Steps of a column that changes."""
EXPERIMENTS = ("lost_minutes", "dual_write", "rename", "counts")


@hookimpl
def prayog_params() -> type[Setup]:
    return Setup


@hookimpl
def prayog_build(params: Setup, seed: int) -> Run:
    if params.drill == "strategies":
        from prayog_migration.engine.drills.choosing import Choosing

        return Choosing(seed)
    if params.drill == YOURS:
        from prayog_migration.engine.drills.yours import YourApply

        return YourApply(params.code, seed)
    if params.rate < 1:
        raise ParamError("rate must be at least 1 write a second in a drill; found 0", "rate")
    from prayog_migration.engine.drills.build import drill

    return drill(params, seed)


@hookimpl
def prayog_session(params: Setup, seed: int, services: Services, progress: Progress) -> Session:
    from prayog_migration.engine.real.session import MigrationSession

    return MigrationSession(params, seed, progress, services)


@hookimpl
def prayog_code(params: Setup) -> CodeSpec | None:
    if params.drill != YOURS:
        return None
    from prayog_migration.engine.drills.yours import APPLY

    return APPLY


_HOW = Arg("how", "choice", "How", HOW[0], HOW)
_SWITCH = (Arg("fence", "bool", "With a fence", True), Arg("reverse", "bool", "Keep the old side up to date", True))
_DRILLS: Mapping[str, tuple[ActionSpec, ...]] = {
    "move": (
        ActionSpec("note", "Note the position", "Where the log ends now.", key="n", icon="pin"),
        ActionSpec("copy", "Copy", "All rows, in the order of their keys.", key="c", icon="copy"),
        ActionSpec("sync", "Follow the log", "From the noted position on; without one, from now on.", key="f",
                   icon="sequence"),
        ActionSpec("switch", "Switch over", "Applications write to the new side.", args=_SWITCH, key="s", icon="swap"),
        ActionSpec("back", "Go back", "Applications write to the old side again.", args=_SWITCH, key="b",
                   icon="restart"),
    ),
    "dual write": (),
    "rename": (
        ActionSpec("rename", "Rename", "ALTER TABLE users RENAME phone TO mobile.", icon="swap"),
        ActionSpec("expand", "Expand", "Add the new column, and a trigger that keeps both equal.", icon="plus"),
        ActionSpec("backfill", "Backfill", "Fill old rows, a few at a time.", icon="copy"),
        ActionSpec("deploy", "Roll out version 2", "One instance after the other.", icon="play"),
        ActionSpec("contract", "Contract", "Drop the old column.", icon="minus"),
    ),
    "false alarm": (
        ActionSpec("compare", "Compare", "Both sides, while the application goes on.",
                   args=(_HOW, Arg("times", "int", "Times", 5)), key="c", icon="check"),
        ActionSpec("plant", "Plant a bad row", "Change one row behind everybody’s back.",
                   args=(Arg("node", "choice", "Side", "new", ("new", "old")),), icon="crash"),
        ActionSpec("switch", "Switch over", "Applications write to the new side.", args=_SWITCH, key="s", icon="swap"),
    ),
    "strategies": (
        ActionSpec("choose", "Choose", "Give a company a strategy.",
                   args=(Arg("company", "choice", "Company", COMPANIES[0].name, tuple(c.name for c in COMPANIES)),
                         Arg("strategy", "choice", "Strategy", STRATEGIES[0], STRATEGIES)), icon="plan"),
    ),
    YOURS: (
        ActionSpec("play", "Play the stream", "Changes that come once, twice and late.",
                   args=(Arg("count", "int", "Changes", 120),), icon="play"),
    ),
}  # fmt: skip
_TRAFFIC = (
    ActionSpec("stop", "Stop writing", "All instances stop.", icon="pause", group="Application"),
    ActionSpec("go", "Go on writing", "All instances go on.", icon="play", group="Application"),
)
_REAL = (
    ActionSpec("look", "Look", "Where the migration stands.", icon="search"),
    ActionSpec("probe", "Probe", "Two seconds of measuring on this machine, and the cost of each strategy.",
               icon="speed"),
    ActionSpec("assess", "Assess", "Look at every object and every value of the source.", icon="search"),
    ActionSpec("preview", "Preview", "The tables of both sides in SQL, and a dry run.", icon="table"),
    ActionSpec("schema", "Schema", "Make the tables on the target.", icon="outline"),
    ActionSpec("copy", "Copy", "Capture changes, then copy all rows.", icon="copy"),
    ActionSpec("validate", "Validate", "Compare at one position, then make indexes and rules.", icon="check"),
    ActionSpec("sync", "Live sync", "Apply changes until nothing waits.", icon="sequence"),
    ActionSpec("switch", "Switch over", "Fence, drain, compare, promote.", icon="swap"),
    ActionSpec("back", "Go back", "The same steps with the sides exchanged.", icon="restart"),
    ActionSpec("unfence", "Lower the fence", "Call a switch-over off, before the sides change.", icon="heal"),
    ActionSpec("clean", "Clean up", "Take away everything that begins with _wiz.", icon="delete"),
    ActionSpec("report", "Report", "Write the report as HTML.", icon="export"),
    ActionSpec("audit", "Audit", "Compare both sides at one position, whichever is in charge.", icon="check"),
    ActionSpec("ask", "Ask both", "The same question to both sides at one position; without one: counts and sums.",
               args=(Arg("sql", "text", "SQL", ""),), icon="search"),
    ActionSpec("aside", "Rows set aside", "Which rows the target did not take, and why.", icon="table"),
    ActionSpec("rules", "Try the rules", "Break every rule of the target on purpose; all of it is undone.",
               icon="check"),
    ActionSpec("cast", "Try a type", "What a type and a policy make of a column’s values.",
               args=(Arg("table", "text", "Table", ""), Arg("column", "text", "Column", ""),
                     Arg("type", "text", "Type", ""),
                     Arg("policy", "choice", "Policy", next(iter(POLICIES)), tuple(POLICIES))), icon="table"),
    ActionSpec("files", "Files", "A table as CSV, JSON and Parquet, and what each loses.",
               args=(Arg("table", "text", "Table", ""),), icon="export"),
    ActionSpec("shards", "Shards", "Split the source, and see whether the shards are complete and disjoint.",
               args=(Arg("column", "text", "Shard key", "customer_id"), Arg("count", "int", "Shards", 3),
                     Arg("by", "choice", "Rule", "hash", ("hash", "range"))), icon="outline"),
    ActionSpec("change", "Change a column", "On a copy, stage by stage, while two versions write.",
               args=(Arg("what", "choice", "What", CHANGES[0], CHANGES), Arg("table", "text", "Table", "customers"),
                     Arg("column", "text", "Column", "phone"), Arg("new", "text", "New name", "mobile")), icon="swap"),
    ActionSpec("undo", "Undo", "Take a step back.",
               args=(Arg("step", "choice", "Step", "data", ("schema", "data", "validate", "sync")),), icon="step-back"),
    ActionSpec("replan", "Plan again", "The source’s tables have changed: begin with what they are now.", icon="reset"),
    ActionSpec("traffic", "Writers", "How many write to the demo source; 0 stops them.",
               args=(Arg("writers", "int", "Writers", 2),), icon="play"),
    ActionSpec("pause", "Pause", "Hold at the next chunk.", icon="pause"),
    ActionSpec("resume", "Go on", "After a pause.", icon="play"),
    ActionSpec("throttle", "Throttle", "At most so many rows a second; 0: as fast as it goes.",
               args=(Arg("rate", "int", "Rows a second", 0),), icon="speed"),
    ActionSpec("cancel", "Cancel", "Stop within two seconds; nothing of ours stays on the source.", icon="stop"),
    ActionSpec("fault", "Fault", "Break something now.",
               args=(Arg("what", "choice", "What", FAULTS[0], FAULTS),), icon="crash"),
    ActionSpec("heal", "Heal", "Everything that was broken works again.", icon="heal"),
    ActionSpec("experiment", "Experiment", "One of four mistakes on real databases, small.",
               args=(Arg("what", "choice", "Which", EXPERIMENTS[0], EXPERIMENTS),
                     Arg("right", "bool", "The right way", False)), icon="dice"),
)  # fmt: skip


@hookimpl
def prayog_actions(params: Setup) -> list[ActionSpec]:
    traffic = _TRAFFIC if params.drill in ("move", "dual write", "rename", "false alarm") else ()
    drill = (*_DRILLS[params.drill], *traffic)
    real = {spec.name for spec in _REAL}
    names = {spec.name for spec in drill}
    more = [spec for spec in _REAL if spec.name not in names]
    return [
        *(spec if spec.name in real else replace(spec, kinds=("world",)) for spec in drill),
        *(replace(spec, key="", group="Real migration", kinds=("session",)) for spec in more),
    ]


@hookimpl
def prayog_checks() -> list[Check]:
    return [
        Check("equal", "Both sides hold the same rows", equal, "Folded from all that was written on either."),
        Check("nothing_lost", "No acknowledged write is lost", at_most("lost", 0)),
        Check("nothing_doubled", "No row is there twice", at_most("duplicated", 0)),
        Check("no_failed_request", "No request failed", never("failed") & never("request_failed")),
        Check("one_writer", "After the switch-over nobody wrote to the old side", at_most("late_writes", 0)),
        Check("drained", "Nothing waited when the side changed", always("cut", lag=0) & (count("cut") > 0)),
        Check("short_pause", "Applications waited for at most 2 s", at_most("pause_ms", 2_000)),
        Check("short_freeze", "The fence was up for at most 2 s", at_most("freeze_ms", 2_000)),
        Check("went_back", "The old side took over again, 60 s after the switch-over", went_back),
        Check("steady", "One way of comparing was steady, and found the planted row", steady),
        Check("all_fit", "Every company’s limits are kept", all_fit),
        Check("four_ways", "Four companies, four strategies", four_ways),
        Check("applied_once", "After every change the table was right",
              always("applied", right=True) & (count("played") > 0)),
        Check("no_mistake", "Your function answered every call", never("code_error")),
        Check("balanced", "Source rows = target rows + quarantined", balanced),
        Check("clean", "Nothing of ours is left on either side", always("clean", left=[]) & (count("clean") > 0)),
    ]  # fmt: skip


@hookimpl
def prayog_measures() -> Mapping[str, Measure]:
    return MEASURES


@hookimpl
def prayog_series() -> list[SeriesSpec]:
    return [SeriesSpec("lag", "Changes that wait")]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_migration.panels"
    return [
        PanelSpec("canvas", "Who speaks to whom", "canvas", "centre", "canvas", kinds=("world",)),
        PanelSpec("wizard", "Wizard", f"{here}.wizard_panel:WizardPanel", "tab", "outline"),
        PanelSpec("tables", "Old and new", f"{here}.tables_panel:TablesPanel", "tab", "table", kinds=("world",)),
        PanelSpec(
            "strategies", "Strategies", f"{here}.strategies_panel:StrategiesPanel", "tab", "plan", kinds=("world",)
        ),
        PanelSpec("spacetime", "Space-time", "spacetime", "tab", "sequence", kinds=("world",)),
        PanelSpec("lag", "Lag", "series", "tab", "plot", kinds=("world",)),
        PanelSpec("events", "Events", "events", "tab", "table"),
        PanelSpec("state", "State", "state", "tab", "tree"),
    ]
