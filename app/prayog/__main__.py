"""`prayog` and `python -m prayog`: hands the command line to `cli`."""

from __future__ import annotations

import sys

from prayog.cli import main

if __name__ == "__main__":  # sweeps start child processes, which import this module again
    sys.exit(main())
