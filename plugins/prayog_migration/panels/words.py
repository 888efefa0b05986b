"""Numbers as people read them, for the panels of this topic."""

from __future__ import annotations

__all__ = ["bytes_in_words", "count_in_words", "seconds_in_words"]


def bytes_in_words(count: float) -> str:
    """12.3 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def count_in_words(count: float) -> str:
    """12,345 or 1.2 M."""
    return f"{count / 1e6:,.1f} M" if abs(count) >= 1e7 else f"{count:,.0f}"


def seconds_in_words(seconds: float | None) -> str:
    """340 ms, 2.1 s, 5 min, 3.2 h; None is never."""
    if seconds is None:
        return "never"
    if seconds < 1:
        return f"{1000 * seconds:,.0f} ms"
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
