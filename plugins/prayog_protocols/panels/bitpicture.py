"""A header as RFCs draw it: rows of 32 bits, a cell for each field.  From a packet, or from the spec alone.  No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prayog_protocols.engine.showing import display
from prayog_protocols.engine.spec import Block, Choose, Field, Item, Kind, Protocol, Repeat, When
from prayog_protocols.engine.tree import Node

__all__ = ["WIDTH", "Cell", "Piece", "cells_of", "pieces", "spec_cells"]

WIDTH = 32
_LETTERS = {"push": "PSH", "reset": "RST"}
_LARGEST = 128  # bits of a field that is drawn as it is; longer ones take one row


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the picture."""

    label: str
    bits: int  # that it takes in the picture
    value: str = ""
    node: Node | None = None
    more: str = ""  # said of one that is longer than it is drawn


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a cell that lies in one row."""

    cell: Cell
    row: int
    column: int  # bit 0 is the first of the row
    bits: int
    first: bool  # the words go here


def cells_of(layer: Node) -> list[Cell]:
    """The fields of a layer of a packet."""
    return list(_of_nodes(layer.children))


def _of_nodes(nodes: Iterable[Node]) -> Iterator[Cell]:
    for node in nodes:
        if not node.bits or node.field.derived:
            continue
        inside = [child for child in node.children if child.bits and not child.field.derived]
        whole = sum(child.bits for child in inside) == node.bits
        if inside and (whole or node.field.kind is Kind.NONE):
            yield from _of_nodes(inside)
        elif node.bits > _LARGEST or node.field.kind is Kind.TEXT:
            yield Cell(node.field.label or node.name, WIDTH, _short(node), node, f"{node.bits // 8:,} bytes")
        else:
            yield Cell(_label(node.field), node.bits, display(node), node)


def _label(field: Field) -> str:
    """A name that fits: single bits go by the letters that everybody uses."""
    if field.bits == 1 and field.name:
        return _LETTERS.get(field.key, field.key.upper()[:3])
    return field.label or field.name


def _short(node: Node) -> str:
    """The beginning of a long value; how long it is stands beside it."""
    shown = display(node).partition("… (")[0]
    return shown if len(shown) <= 60 else shown[:60] + "…"


def spec_cells(protocol: Protocol) -> list[Cell]:
    """The fields of a protocol, as far as their widths are known beforehand."""
    return list(_of_items(protocol.items))


def _of_items(items: Iterable[Item]) -> Iterator[Cell]:
    for item in items:
        match item:
            case Field() if item.parts and sum(part.bits for part in item.parts) == item.bits:
                yield from (Cell(_label(part), part.bits) for part in item.parts)
            case Field() if item.bits and item.bits <= _LARGEST:
                yield Cell(item.label or item.name, item.bits)
            case Field():
                yield Cell(item.label or item.name, WIDTH, "", None, "as many bytes as it takes")
            case Block():
                yield Cell(item.field.label or "…", WIDTH, "", None, "as many bytes as it takes")
            case Repeat() | When() | Choose():
                yield Cell("depends on the fields above", WIDTH, "", None, "if there")
            case _:
                pass


def pieces(cells: Iterable[Cell]) -> list[Piece]:
    """Where each cell lies; one that is longer than the rest of its row goes on in the next."""
    placed = []
    row = column = 0
    for cell in cells:
        left, first = cell.bits, True
        if cell.more and column:
            row, column = row + 1, 0
        while left:
            here = min(left, WIDTH - column)
            placed.append(Piece(cell, row, column, here, first))
            left, first, column = left - here, False, column + here
            if column == WIDTH:
                row, column = row + 1, 0
    return placed
