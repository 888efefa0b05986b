"""Scenario scripts: read one with `parse` (the grammar is in `labfile`), play it with `play` (see `player`)."""

from prayog_sim.labfile import Script, ScriptError, parse
from prayog_sim.player import Block, Checked, Judge, ScriptResult, play, rewrite

__all__ = ["Block", "Checked", "Judge", "Script", "ScriptError", "ScriptResult", "parse", "play", "rewrite"]
