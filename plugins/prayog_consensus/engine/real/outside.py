"""Programs of the learner's own that speak Maelstrom's protocol, in the place of an algorithm of ours.

The knob ``program`` names a file, or one of the samples in ``data/maelstrom``; ``workload`` says what clients ask of
it.  Words of the options: ``clients=1``, ``count=10`` (questions of each client).  ``writes`` is how many questions
there are in a second, 20 when it is not set.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from prayog_consensus.engine.raft.options import number
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.cluster.outside import OutsideWorld, outside_world
from prayog_sdk.cluster.programs import Program
from prayog_sdk.cluster.workloads import surroundings
from prayog_sdk.params import ParamError

__all__ = ["SAMPLES", "build", "command", "programs"]

SAMPLES = Path(__file__).parents[2] / "data" / "maelstrom"
_RUNS_WITH = {".js": "node", ".mjs": "node", ".pl": "perl", ".rb": "ruby", ".lua": "lua", ".sh": "sh"}


def command(program: str) -> tuple[str, ...]:
    """How to run the file `program`.  Raises `ParamError` with a sentence when it cannot be run."""
    path = Path(program).expanduser()
    if not path.is_absolute() and (SAMPLES / program).is_file():
        path = SAMPLES / program
    if not path.is_file():
        samples = ", ".join(sorted(file.name for file in SAMPLES.glob("[!_]*.py")))
        raise ParamError(f"program is a file, or one of the samples {samples}; found {program!r}")
    path = path.resolve()
    if path.suffix == ".py":
        return sys.executable, str(path)
    if path.suffix in _RUNS_WITH:
        runner = shutil.which(_RUNS_WITH[path.suffix])
        if runner is None:
            raise ParamError(f"{path.name} needs {_RUNS_WITH[path.suffix]}, which was not found on this machine")
        return runner, str(path)
    if not os.access(path, os.X_OK):
        raise ParamError(f"{path.name} is not executable; allow it to run as a program, or give a .py, .js or .pl file")
    return (str(path),)


def programs(setup: Setup) -> tuple[dict[str, Program], Factories]:
    """The nodes n1, n2, … as outside programs, and the clients and services around them."""
    own = names(setup.nodes)
    every = round(1_000_000 / (setup.writes or 20))
    around = surroundings(setup.workload, own, number(setup, "clients", 1), number(setup, "count", 10), every)
    program = Program(command(setup.program))
    return dict.fromkeys(own, program), around


def build(setup: Setup, seed: int) -> OutsideWorld:
    """The programs under virtual time; see `prayog_sdk.cluster.outside` for what is reproducible."""
    own, around = programs(setup)
    return outside_world(own, around, seed, network(setup))
