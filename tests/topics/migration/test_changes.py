"""Folded changes, applied in bulk, give the table that single steps give."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_migration.engine.changes import Bag, Change, Contradiction, Folding
from prayog_migration.engine.pgoutput import UNCHANGED

Table = dict[tuple[int], tuple[object, ...]]


def by_steps(table: Table, change: Change) -> None:
    if change.op == "truncate":
        table.clear()
        return
    old = table.pop(change.before) if change.before else None
    if change.row is not None:
        assert change.after is not None
        assert change.after not in table
        row = tuple(o if n is UNCHANGED else n for o, n in zip(old or change.row, change.row, strict=True))
        table[change.after] = row


def in_bulk(table: Table, folding: Folding) -> None:
    """What an applier does: fill in what did not change, delete all origins, insert all rows."""
    if folding.truncated:
        table.clear()
    nets = list(folding.nets())
    rows = []
    for net in nets:
        if net.row is not None:
            old = table.get(net.origin) if net.origin else None
            rows.append(
                (net.key, tuple(o if n is UNCHANGED else n for o, n in zip(old or net.row, net.row, strict=True)))
            )
    for net in nets:
        if net.origin is not None and folding.exact:
            del table[net.origin]
        elif net.origin is not None:
            table.pop(net.origin, None)
    for key, row in rows:
        assert key is not None
        assert UNCHANGED not in row
        assert not folding.exact or key not in table
        table[key] = row


@st.composite
def histories(draw: st.DrawFn) -> tuple[Table, list[Change]]:
    """A table and changes that are possible on it."""
    start: Table = {(n,): (n, f"old {n}", "big") for n in range(draw(st.integers(0, 5)))}
    table = dict(start)
    changes = []
    for n in range(draw(st.integers(0, 25))):
        free = [(k,) for k in range(8) if (k,) not in table]
        kinds = ["truncate"] if draw(st.integers(0, 30)) == 0 else []
        kinds += (["insert"] if free else []) + (["update", "move", "delete", "update"] if table else [])
        op = draw(st.sampled_from(kinds))
        if op == "insert":
            key = draw(st.sampled_from(free))
            change = Change(0, "insert", after=key, row=(*key, f"new {n}", f"big {n}"))
        elif op in ("update", "move"):
            before = draw(st.sampled_from(sorted(table)))
            after = draw(st.sampled_from(free)) if op == "move" and free else before
            big = draw(st.sampled_from([UNCHANGED, f"big {n}"]))
            change = Change(0, "update", before=before, after=after, row=(*after, f"text {n}", big))
        elif op == "delete":
            change = Change(0, "delete", before=draw(st.sampled_from(sorted(table))))
        else:
            change = Change(0, "truncate")
        by_steps(table, change)
        changes.append(change)
    return start, changes


@given(histories(), st.booleans())
def test_folding_is_the_same_as_doing_one_after_the_other(history: tuple[Table, list[Change]], exact: bool) -> None:
    start, changes = history
    steps, bulk, folding = dict(start), dict(start), Folding(exact)
    for change in changes:
        by_steps(steps, change)
        folding.add(change)
    in_bulk(bulk, folding)
    assert bulk == steps


@given(histories(), st.data())
def test_a_stream_that_repeats_what_the_copy_saw_ends_right_all_the_same(
    history: tuple[Table, list[Change]], data: st.DataObject
) -> None:
    """Every row was copied at a moment of its own; then the whole stream comes once more.  (Without unchanged cells:
    of a row that is not there they are read from the source, which is not at hand here.)"""
    start, changes = history
    states = [dict(start)]
    for change in changes:
        table = dict(states[-1])
        by_steps(table, change)
        states.append(table)
    copied: Table = {}
    # As the wizard copies: keys in order, each chunk from a later state than the one before.
    moments = sorted(data.draw(st.lists(st.integers(0, len(changes)), min_size=8, max_size=8)))
    for k, moment in enumerate(moments):
        if (k,) in states[moment]:
            copied[(k,)] = states[moment][(k,)]
    folding, table = Folding(exact=False), dict(start)
    for change in changes:
        row = change.row
        if row is not None and change.before is not None:
            row = tuple(o if n is UNCHANGED else n for o, n in zip(table[change.before], row, strict=True))
        by_steps(table, change)
        folding.add(change._replace(row=row))
    in_bulk(copied, folding)
    assert copied == states[-1]


def test_an_exact_stream_that_does_not_fit_is_refused() -> None:
    row = (1, "a", "b")
    for changes in (
        [Change(0, "insert", after=(1,), row=row)] * 2,
        [Change(0, "delete", before=(1,))] * 2,
        [Change(0, "truncate"), Change(0, "delete", before=(1,))],
        [Change(0, "insert", after=(1,), row=row), Change(0, "update", before=(2,), after=(1,), row=row)],
    ):
        folding = Folding(exact=True, title="payments")
        for change in changes[:-1]:
            folding.add(change)
        with pytest.raises(Contradiction, match="payments"):
            folding.add(changes[-1])


def test_rows_without_a_key_are_counted() -> None:
    bag = Bag()
    bag.add(Change(0, "insert", row=("a", "1")))
    bag.add(Change(0, "insert", row=("a", "1")))
    bag.add(Change(0, "update", before=("b", "2"), after=("b", "3"), row=("b", UNCHANGED)))
    bag.add(Change(0, "delete", before=("c", "3")))
    assert +bag.more == Counter({("a", "1"): 2})
    assert -bag.more == Counter({("c", "3"): 1})
    bag.add(Change(0, "truncate"))
    assert (bag.truncated, bag.more) == (True, Counter())
