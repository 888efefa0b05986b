"""A module of the lab is started as a process: from source by Python, in a frozen lab by the program itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prayog_sdk import child
from prayog_sdk.services import guard

PROGRAM = "import sys; sys.frozen = True; from prayog_sdk import child; child.become(); print('the window')"


def test_from_source_python_runs_the_module() -> None:
    assert child.command("this.module", "7") == [sys.executable, "-m", "this.module", "7"]


def test_what_needs_nothing_starts_without_site_packages() -> None:
    assert child.command(guard.__name__, "7", alone=True) == [sys.executable, "-I", "-S", guard.__file__, "7"]


def test_a_frozen_lab_becomes_the_module_and_finds_topics_from_outside(tmp_path: Path) -> None:
    (tmp_path / "dropped_in.py").write_text("import sys; print(__name__, *sys.argv[1:])")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path)])}
    for words, said in ([["--module", "dropped_in", "7"], "__main__ 7\n"], [["7"], "the window\n"]):
        line = [sys.executable, "-c", PROGRAM, *words]
        assert subprocess.run(line, env=environ, capture_output=True, text=True, check=True).stdout == said
