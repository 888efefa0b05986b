"""The smoke test of a built lab (`packaging/smoke.py`), on the source always and on a frozen lab where there is one.

    PRAYOG_FROZEN=dist/prayog-full/prayog python3 lab.py test
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def smoke(*program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "packaging" / "smoke.py"), *program]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the smoke test cuts the network as Linux can")
def test_the_source_passes_the_smoke_test_without_a_network() -> None:
    done = smoke(sys.executable, "-m", "prayog")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "smallest/rumour: 205 steps" in done.stdout


@pytest.mark.timeout(300)
def test_a_frozen_lab_passes_the_smoke_test() -> None:
    program = os.environ.get("PRAYOG_FROZEN", "")
    if not program:
        pytest.skip("no frozen lab was named in PRAYOG_FROZEN; packaging/freeze.py makes one")
    done = smoke("--real", *(["--user=65534"] if os.getuid() == 0 else []), program)
    assert done.returncode == 0, done.stdout + done.stderr
