"""Addresses with passwords, kept in memory only: knobs, traces and saved runs get the masked address."""

from __future__ import annotations

from prayog_sdk.services import masked

__all__ = ["keep", "whole"]

_KNOWN: dict[str, str] = {}


def keep(url: str) -> str:
    """Remember `url` for this process; returns it without its password."""
    hidden = masked(url)
    if hidden != url:
        _KNOWN[hidden] = url
    return hidden


def whole(text: str) -> str:
    """The address that `keep` was given, or `text` itself.  `ValueError` when its password is not known any more."""
    if text in _KNOWN:
        return _KNOWN[text]
    if "•••" in text:
        raise ValueError(
            f"The password of {text} is not kept between sessions. Enter it again on the page Plan."
        )
    return text
