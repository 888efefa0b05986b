"""Broken variants: each leaves out one rule, and a check finds it on a scenario made for that."""

from __future__ import annotations

from prayog_sdk.specs import Variant

__all__ = ["VARIANTS"]

VARIANTS: tuple[Variant, ...] = ()
