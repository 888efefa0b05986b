"""Splits a database into shards: every shard is a target with its own plan, checkpoints and state.

A shard that dies goes on by itself.  At the end two things are shown: *complete* (the shards' rows add up to the
source's, digests and all) and *disjoint* (every row lies in the shard that the rule says, so in no other).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.build import Builder
from prayog_migration.engine.real.checksum import Comparing, SourceSide, Sum, TargetSide
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.load import TableLoad
from prayog_migration.engine.real.state import Checkpoint
from prayog_migration.engine.real.store import Row, Store
from prayog_migration.engine.sharding import Sharding, shards_of

__all__ = ["ShardVerdict", "check_shards", "load_shard"]


@dataclass(frozen=True, slots=True)
class ShardVerdict:
    """One divided table: the sums of the source and of each shard, and rows found in the wrong shard."""

    table: str
    source: Sum
    shards: tuple[Sum, ...]
    misplaced: int

    @property
    def complete(self) -> bool:
        """The shards together hold the source's rows."""
        total = Sum()
        for one in self.shards:
            total = total + one
        return total == self.source

    @property
    def disjoint(self) -> bool:
        """No row lies where it does not belong."""
        return not self.misplaced


def _divided(how: Sharding, move: TableMove) -> bool:
    return how.column in move.reads


def load_shard(
    source: Store,
    target: Store,
    plan: Plan,
    how: Sharding,
    shard: int,
    control: Control | None = None,
    told: Callable[[Checkpoint], None] = lambda checkpoint: None,
) -> list[Checkpoint]:
    """Make and load shard number `shard`; called again it goes on where it stopped.

    Foreign keys are not made: a parent may live in another shard.
    """
    builder = Builder(target, plan)
    done = []
    with source.reader() as reader, target.writer() as writer:
        builder.before_rows(writer)
        for move in plan.tables:
            keep = _keeping(source, how, move, shard) if _divided(how, move) else None
            load = TableLoad(source, target, plan, move, control, shard=str(shard), keep=keep)
            at = load.begin(reader, writer)
            while not at.done:
                at = load.step(reader, writer, at)
                told(at)
            done.append(at)
        builder.after_rows(writer, ("unique", "index"))
        builder.last(writer)
    return done


def _keeping(source: Store, how: Sharding, move: TableMove, shard: int) -> Callable[[list[Row]], list[Row]]:
    walk = source.walk(move.source)
    hidden = len(walk.keys) if walk and walk.hidden else 0
    place = hidden + move.reads.index(how.column)

    def keep(rows: list[Row]) -> list[Row]:
        numbers = shards_of(how, [row[place] for row in rows])
        return [row for row, number in zip(rows, numbers, strict=True) if number == shard]

    return keep


def check_shards(source: Store, targets: Sequence[Store], plan: Plan, how: Sharding) -> list[ShardVerdict]:
    """Whether the divided tables are complete and disjoint; nobody may write meanwhile."""
    verdicts = []
    with source.reader() as here:
        for move in plan.tables:
            if not _divided(how, move):
                continue
            compared = Comparing(plan, move)
            whole = SourceSide(source, here, compared).range_sum(None, None)
            sums, misplaced = [], 0
            for number, target in enumerate(targets):
                with target.reader() as there:
                    sums.append(TargetSide(target, there, compared).range_sum(None, None))
                    name = move.writes[move.reads.index(how.column)]
                    for batch in there.batches(move.target, (name,)):
                        misplaced += sum(one != number for one in shards_of(how, [value for (value,) in batch]))
            verdicts.append(ShardVerdict(move.source.title, whole, tuple(sums), misplaced))
    return verdicts
