"""What each fault button is called, and what it will do, in a sentence.  No Qt."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FAULTS"]

FAULTS: Mapping[str, tuple[str, str]] = {
    "kill": (
        "Kill the worker",
        "the process ends at once, as in a power cut. A successor goes on at the last checkpoint.",
    ),
    "zombie": (
        "Make a zombie",
        "the worker falls asleep, a successor starts, and then the first one wakes up. Its commit fails: it is not in "
        "charge any more.",
    ),
    "cut": (
        "Cut the network",
        "every connection of the wizard breaks, and new ones are refused until Heal. It tries again and goes on.",
    ),
    "stall": (
        "Let it stall",
        "connections stay up, and nothing comes through until Heal. After some seconds the worker begins anew.",
    ),
    "lose_commit": (
        "Lose one answer",
        "a COMMIT is done, and its answer is lost. The wizard reads the checkpoint instead of guessing.",
    ),
    "fill_disk": (
        "Fill the disk",
        "the target answers as if it had no room, until Heal. The wizard waits; nothing is lost.",
    ),
    "stop_target": (
        "Stop the target",
        "the server ends without a farewell and starts again. What was committed is there.",
    ),
    "poison": (
        "Poison a row",
        "the application writes a value that the target does not take. The row is set aside, with the reason.",
    ),
    "add_column": (
        "Add a column now",
        "somebody changes a table of the source. The wizard holds until you plan again.",
    ),
    "lose_log": (
        "Lose the log",
        "what was captured is gone. The wizard notices the gap and copies again.",
    ),
}
"""By the name of the fault: its button, and what it will do."""
