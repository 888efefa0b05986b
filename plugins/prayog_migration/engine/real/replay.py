"""The same question to both databases: the same answer, or the rows in which they differ, and how long each took."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.literals import plain_decimal
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.queries import Words, translate_query
from prayog_migration.engine.real.store import Reader, Store
from prayog_migration.engine.symbols import Untranslatable
from prayog_migration.engine.temporal import to_utc, without_zeros

__all__ = ["Answer", "Both", "asked", "own_questions", "replay", "words_of"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_MOST = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: how many rows each side gave, up to 20 of those only one side gave, and the milliseconds.

    ``problem`` is the sentence when it could not be asked; ``target_sql`` is what the target was asked.
    """

    source_sql: str
    target_sql: str
    source_rows: int = 0
    target_rows: int = 0
    only_source: tuple[str, ...] = ()
    only_target: tuple[str, ...] = ()
    source_ms: float = 0.0
    target_ms: float = 0.0
    problem: str = ""

    @property
    def same(self) -> bool:
        """Both gave the same rows, in whatever order."""
        return not (self.problem or self.only_source or self.only_target)


def own_questions(plan: Plan) -> Iterator[str]:
    """Questions that every table can be asked: how many rows, and what its columns add up to and reach."""
    for move in plan.tables:
        q = "`" if plan.source.dialect == "mysql" else '"'

        def name(text: str, q: str = q) -> str:
            return q + text.replace(q, q * 2) + q

        asked = ["count(*)"]
        for column in move.columns:
            label = name(column.source)
            asked.append(f"count({label})")
            if column.target_kind.name in ("integer", "decimal"):
                asked += [f"min({label})", f"max({label})"]
            elif column.target_kind.name == "date":
                asked.append(f"max({label})")
        table = ".".join(name(part) for part in (move.source.schema, move.source.name) if part)
        yield f"SELECT {', '.join(asked[:40])} FROM {table}"


def replay(source: Store, target: Store, plan: Plan, questions: Sequence[str]) -> list[Answer]:
    """Ask every question of the source, and its translation of the target."""
    words = words_of(plan)
    answers = []
    for question in questions:
        with source.reader() as here, target.reader() as there:
            answers.append(asked(Both(source, here, target, there), plan, question, words))
    return answers


@dataclass(frozen=True, slots=True)
class Both:
    """Both stores, each with a reader."""

    source: Store
    here: Reader
    target: Store
    there: Reader


def words_of(plan: Plan) -> Words:
    """What the plan's tables and columns are called on both sides."""
    tables = {(move.source.schema, move.source.name): move.target.name for move in plan.tables}
    columns = {column.source: column.target for move in plan.tables for column in move.columns}
    return Words(plan.source.dialect, plan.target, tables, columns)


def asked(both: Both, plan: Plan, question: str, words: Words) -> Answer:
    """One question to both readers."""
    source, target = both.source, both.target
    there = question
    try:
        if plan.source.dialect != plan.target:
            there = translate_query(question, words)
        left, left_ms = _rows(both.here, question)
        right, right_ms = _rows(both.there, there)
    except Untranslatable as error:
        return Answer(question, "", problem=str(error))
    except Exception as error:  # noqa: BLE001 - a learner's SQL may be wrong in any way
        fault = target.fault(error)
        sentence = fault.sentence if fault.kind != "fatal" else source.fault(error).sentence
        return Answer(question, there, problem=sentence)
    mine, theirs = Counter(left), Counter(right)
    only_source, only_target = (mine - theirs).elements(), (theirs - mine).elements()
    return Answer(
        question,
        there,
        len(left),
        len(right),
        tuple(sorted(only_source)[:_MOST]),
        tuple(sorted(only_target)[:_MOST]),
        left_ms,
        right_ms,
    )


def _rows(reader: Reader, sql: str) -> tuple[list[str], float]:
    began = time.perf_counter()
    rows = reader.query(sql)
    took = (time.perf_counter() - began) * 1000
    return [" | ".join(map(_shown, row)) for row in rows], took


def _shown(value: Any) -> str:
    """One text for what databases show differently: numbers, booleans, times."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return value.hex()
    text = str(value)
    if text in ("t", "f"):
        return str(int(text == "t"))
    if _NUMBER.fullmatch(text):
        return plain_decimal(text)
    return without_zeros(to_utc(text) or text)
