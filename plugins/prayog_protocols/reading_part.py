"""What can be done with a capture that was opened, for `topic`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from prayog_sdk.checks import Check, always, count, never
from prayog_sdk.params import FilePath, ParamError
from prayog_sdk.specs import ActionSpec, Arg

if TYPE_CHECKING:
    from prayog_protocols.engine.reading import Reading

__all__ = ["ACTIONS", "CHECKS", "Knobs", "build"]


@dataclass(frozen=True)
class Knobs:
    """Which capture."""

    file: Annotated[
        str,
        FilePath(("pcap", "pcapng", "cap", "gz"), title="My capture",
                 help="A file from Wireshark, tcpdump or dumpcap. Empty: an afternoon that the lab made."),
    ] = ""  # fmt: skip


def build(knobs: Knobs, progress: Callable[[int, int, str], None]) -> Reading:
    """The run of a capture; everything that takes long for a large file is done here, in the worker.

    Raises `ParamError` with a sentence when the file cannot be read.
    """
    from prayog_protocols.engine.reading import Reading, digest

    if not knobs.file:
        from prayog_protocols.engine.demo import demo

        made = demo()
        return Reading(made, digest(made))
    from prayog_protocols.engine.capture.records import CaptureError
    from prayog_protocols.engine.real.files import open_capture

    def indexing(done: int) -> bool:
        progress(done, size, "finding the packets")  # raises when the learner cancels
        return True

    try:
        size = Path(knobs.file).stat().st_size
        capture = open_capture(Path(knobs.file), indexing)
    except CaptureError as error:
        raise ParamError(f"{Path(knobs.file).name} is no capture that can be read: {error}", "file") from None
    except OSError as error:
        raise ParamError(f"{knobs.file} cannot be opened: {error.strerror or error}", "file") from None
    sha256 = digest(capture, progress)
    progress(0, 0, "finding the conversations")
    _ = capture.flows
    return Reading(capture, sha256, capture.close)


_PACKET = Arg("packet", "int", "Packet", 1)
ACTIONS = (
    ActionSpec("filter", "Filter", "Keep the packets for which an expression holds, as in Wireshark.",
               args=(Arg("text", "text", "Filter", "tcp.port == 80"),), key="f", icon="filter"),
    ActionSpec("verify", "Check sums", "Compute check sums again. Off at first: senders often fill them in late.",
               args=(Arg("on", "bool", "Compute them", True),), icon="check"),
    ActionSpec("comment", "Comment", "Write something about a packet; it goes into the saved file.",
               args=(_PACKET, Arg("text", "text", "Comment", "")), icon="lesson"),
    ActionSpec("speaks", "Decode as", "Say which protocol a port speaks.",
               args=(Arg("port", "int", "Port", 8080), Arg("protocol", "text", "Protocol", "http")), icon="swap"),
    ActionSpec("answer", "Answer", "Answer an exercise that was made of a packet.",
               args=(Arg("kind", "choice", "Exercise", "blank", ("blank", "lie", "next", "order", "filter")), _PACKET,
                     Arg("number", "int", "Number", 0), Arg("answer", "text", "Answer", "")), icon="help"),
)  # fmt: skip
CHECKS = (
    Check("filtered", "A filter was used", count("filtered") >= 1),
    Check("found_some", "The last filter keeps some packets, and not all", always("filtered", lambda e: e["hits"] > 0)
          & (count("filtered") >= 1)),
    Check("no_wrong_answer", "Every answer was right", never("answered", right=False)),
)  # fmt: skip
