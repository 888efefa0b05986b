"""Processes of our own: how a module of the lab, or of a topic, is started as another process.

From source and from a wheel that is ``python -m MODULE``.  A frozen lab has no Python beside it: there the program
itself takes the words ``--module MODULE`` first and becomes that module (`become`, called before anything else).
"""

from __future__ import annotations

import os
import runpy
import sys

__all__ = ["become", "command"]

_WORD = "--module"


def command(module: str, *arguments: str, alone: bool = False) -> list[str]:
    """The command line that runs `module` as ``__main__`` with `arguments`.

    `alone`: it uses the standard library only, so it starts without site packages, which is three times as fast.  It
    must have been imported here already.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, _WORD, module, *arguments]
    if alone:
        return [sys.executable, "-I", "-S", str(sys.modules[module].__file__), *arguments]
    return [sys.executable, "-m", module, *arguments]


def become() -> None:
    """In a frozen lab that was started by `command`: run that module and end the process.  Otherwise nothing."""
    if not getattr(sys, "frozen", False) or sys.argv[1:2] != [_WORD]:
        return
    # A frozen Python ignores this variable; nodes of topics from outside are found through it.
    sys.path += [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in sys.path]
    module, sys.argv[:] = sys.argv[2], [sys.argv[0], *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()
