"""`prayog` and `python -m prayog`: hands the command line to `cli`."""

from __future__ import annotations

import multiprocessing
import sys

from prayog_sdk import child


def main() -> int:
    """The command line's answer; in a child process of a frozen lab, that process's work instead."""
    multiprocessing.freeze_support()
    child.become()
    from prayog import cli

    return cli.main()


if __name__ == "__main__":  # sweeps start child processes, which import this module again
    sys.exit(main())
