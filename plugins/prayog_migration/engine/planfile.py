"""A plan as JSON and back: what the wizard keeps in the target, so that every step works from the same plan.

The shape is that of the dataclasses themselves: each becomes an object with its fields that are not at their defaults.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Any, Literal, TypeVar, Union

from prayog_migration.engine.plan import Plan

__all__ = ["PlanUnreadable", "plan_from_json", "plan_to_json"]

T = TypeVar("T")


class PlanUnreadable(ValueError):
    """The JSON value is no plan of this version; the sentence says where it differs."""


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """`plan` as JSON values."""
    made: dict[str, Any] = _out(plan)
    return made


def plan_from_json(value: Any) -> Plan:
    """The plan that `plan_to_json` wrote.  Raises `PlanUnreadable`."""
    try:
        plan: Plan = _in(Plan, value)
        return plan
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise PlanUnreadable(
            f"The plan that is kept in the target was not written by this version of the lab ({error}). Assess the "
            "source again."
        ) from error


def _out(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _out(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [_out(one) for one in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _in(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is None and isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _in(hints[name], one) for name, one in value.items()})
    if origin in (Union, types.UnionType):
        kinds = [one for one in typing.get_args(kind) if one is not type(None)]
        return None if value is None else _in(kinds[0], value)
    if origin is tuple:
        args = typing.get_args(kind)
        if args[-1:] == (Ellipsis,):
            return tuple(_in(args[0], one) for one in value)
        return tuple(_in(arg, one) for arg, one in zip(args, value, strict=True))
    if origin is Literal and value not in typing.get_args(kind):
        raise ValueError(f"{value!r} is none of {', '.join(map(str, typing.get_args(kind)))}")
    return value
