"""The simulated TCP, as the topic sees it: knobs, world, actions, checks, measures, curves and broken variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from prayog_protocols.engine.tcp.verdicts import CHECKS, FOUR, MEASURES
from prayog_sdk.checks import Check
from prayog_sdk.params import Choice, ParamError, Section, Slider, Text
from prayog_sdk.specs import ActionSpec, Arg, PanelSpec, SeriesSpec, Variant

if TYPE_CHECKING:
    from prayog_sim.world import World

__all__ = ["ACTIONS", "BROKEN", "MEASURES", "PANELS", "SERIES", "STUDY", "Knobs", "build", "checks"]

STUDY = "tcp"
_WAYS = ("tahoe", "reno", "newreno", "cubic", "udp")
_OPTIONS = ("sack", "stamps", "nagle", "limited", "delayed", "keepalive")
_FAULTS: Mapping[str, str] = {
    "no Karn": "It measures round trips with segments that were sent twice.",
    "no backoff": "After a timeout it waits no longer than before.",
    "acks beyond a hole": "Its receiver confirms what came last, though something before it is missing.",
    "window ignored": "Its sender does not look at the window.",
    "timer without a floor": "Its timer has no least value.",
    "trusts SACK": "After a timeout it sends nothing again that was ever reported.",
    "one duplicate": "It sends again after the first duplicate ACK.",
    "no probes": "It does not ask about a window that is shut.",
}


@dataclass(frozen=True)
class Knobs:
    """The two ends, what they do, and the line between them.  All of the experiment “tcp”."""

    tcp_control: Annotated[
        str, Choice(*_WAYS, title="Congestion control", help="Of the laptop; “udp” sends datagrams instead."),
        Section("TCP under the glass"),
    ] = "newreno"
    tcp_second: Annotated[
        str, Choice("none", *_WAYS, title="Beside it", help="What a phone does on the same line.")
    ] = "none"
    tcp_program: Annotated[
        str,
        Choice("bulk", "messages", "requests", "wait", "both open", "none", title="Program",
               help="bulk: one large file. messages: 200 small ones. requests: five pages. wait: you write. "
                    "both open: each end opens at the same moment. none: until you transfer something."),
    ] = "bulk"  # fmt: skip
    tcp_amount: Annotated[
        int, Slider(1, 3_000_000, log=True, unit="bytes", title="Amount", help="Of the file, or of one page.")
    ] = 100_000
    tcp_rate_kbps: Annotated[int, Slider(64, 100_000, log=True, unit="kbit/s", title="Speed of the line")] = 8_000
    tcp_delay_ms: Annotated[float, Slider(0.1, 500, step=0.1, log=True, unit="ms", title="Delay, one way")] = 20
    tcp_queue: Annotated[
        int, Slider(1, 1_000, log=True, unit="packets", title="Queue", help="A packet that finds it full is lost.")
    ] = 25
    tcp_loss: Annotated[float, Slider(0, 0.5, step=0.01, unit="share", title="Lost by chance")] = 0.0
    tcp_reorder: Annotated[float, Slider(0, 0.5, step=0.01, unit="share", title="Sent on a detour")] = 0.0
    tcp_duplicate: Annotated[float, Slider(0, 0.5, step=0.01, unit="share", title="Doubled")] = 0.0
    tcp_drops: Annotated[
        str, Text(title="Segments to be lost", help="Of the laptop: “5*3, 9” loses 5 three times and 9 once.")
    ] = ""
    tcp_buffer: Annotated[
        int, Slider(1_000, 2_000_000, log=True, unit="bytes", title="Room at the receiver")
    ] = 65_535
    tcp_read_rate: Annotated[
        int, Slider(0, 10_000_000, unit="bytes/s", title="Reading speed", help="0: all at once.")
    ] = 0
    tcp_mss: Annotated[int, Slider(100, 1_460, unit="bytes", title="Segment size")] = 1_460
    tcp_initial: Annotated[
        int, Slider(1, 10, unit="segments", title="First window", help="10 in RFC 6928; 2 to 4 in RFC 5681.")
    ] = 10
    tcp_least_rto_ms: Annotated[
        int, Slider(200, 1_000, unit="ms", title="Least timer", help="1 s in RFC 6298, 200 ms in Linux.")
    ] = 200
    tcp_options: Annotated[
        str, Text(title="Options", help=f"Words among {', '.join(_OPTIONS)}.", longest=120)
    ] = "sack nagle limited delayed"
    tcp_variant: Annotated[
        str, Choice("correct", *_FAULTS, title="Fault", help="What the laptop and the shop do wrong.")
    ] = "correct"


def build(knobs: Knobs, seed: int) -> World:
    """The world of these knobs.  Raises `ParamError` with a sentence for words that nobody knows."""
    from prayog_protocols.engine.tcp.router import DropListError
    from prayog_protocols.engine.tcp.setup import Setup
    from prayog_protocols.engine.tcp.setup import build as make
    from prayog_protocols.engine.tcp.tuning import Tuning

    words = knobs.tcp_options.replace(",", " ").split()
    unknown = [word for word in words if word not in _OPTIONS]
    if unknown:
        raise ParamError(f"TCP’s options are {', '.join(_OPTIONS)}; found {unknown[0]!r}", "tcp_options")
    tuning = Tuning(
        mss=knobs.tcp_mss, initial_window=knobs.tcp_initial, buffer=knobs.tcp_buffer, sack="sack" in words,
        stamps="stamps" in words, nagle="nagle" in words, limited_transmit="limited" in words,
        delayed_ack_us=40_000 if "delayed" in words else 0, floor_us=knobs.tcp_least_rto_ms * 1_000,
        keep_alive_us=2_000_000 if "keepalive" in words else 0, variant=knobs.tcp_variant,
    )  # fmt: skip
    setup = Setup(
        tuning, knobs.tcp_control, knobs.tcp_second, knobs.tcp_program, knobs.tcp_amount,
        rate_kbps=knobs.tcp_rate_kbps, delay_us=round(knobs.tcp_delay_ms * 1_000), queue=knobs.tcp_queue,
        loss=knobs.tcp_loss, reorder=knobs.tcp_reorder, duplicate=knobs.tcp_duplicate, drops=knobs.tcp_drops,
        read_rate=knobs.tcp_read_rate,
    )  # fmt: skip
    try:
        return make(setup, seed)
    except DropListError as error:
        raise ParamError(str(error), "tcp_drops") from None


def checks(knobs: Knobs) -> list[Check]:
    """What TCP promises; that of the four transfers only where something is transferred."""
    return [*CHECKS, *([FOUR] if knobs.tcp_program == "none" else [])]


def _at(node: str) -> Arg:
    return Arg("node", "node", "Machine", node)


_FROM = Arg("sender", "choice", "From", "laptop", ("laptop", "phone", "shop", "anybody"))
ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("lose", "Lose the next", "The next packet from there is lost.", args=(_at("router"), _FROM), key="x",
               icon="drop", group="Line"),
    ActionSpec("lose_segment", "Lose a segment", "A segment of the laptop, counted from 1, is lost when it comes.",
               args=(_at("router"), Arg("number", "int", "Segment", 10), Arg("times", "int", "How often", 1)),
               icon="drop", group="Line"),
    ActionSpec("late", "Delay the next", "The next packet from there takes a detour; others overtake it.",
               args=(_at("router"), _FROM, Arg("ms", "int", "By", 50, unit="ms")), icon="delay", group="Line"),
    ActionSpec("twice", "Double the next", "The next packet from there arrives twice.", args=(_at("router"), _FROM),
               icon="swap", group="Line"),
    ActionSpec("loss", "Loss", "From now on so many of a hundred packets are lost.",
               args=(_at("router"), Arg("percent", "int", "Loss", 3, unit="%")), icon="drop", group="Line"),
    ActionSpec("line", "Speed", "The line is as fast as this from now on.",
               args=(_at("router"), Arg("kbps", "int", "Speed", 1_000, unit="kbit/s")), icon="link", group="Line"),
    ActionSpec("write", "Write", "The program writes more bytes.",
               args=(_at("laptop"), Arg("bytes", "int", "Bytes", 5_000)), key="w", icon="play", group="Ends"),
    ActionSpec("close", "Close", "The program will write no more: FIN.", args=(_at("laptop"),), key="c", icon="stop",
               group="Ends"),
    ActionSpec("reset", "Reset", "The program ends the connection at once: RST.", args=(_at("laptop"),), icon="stop",
               group="Ends"),
    ActionSpec("stop_reading", "Stop reading", "The program reads no more; its buffer fills up.", args=(_at("shop"),),
               key="s", icon="pause", group="Ends"),
    ActionSpec("read_on", "Read on", "The program reads again.", args=(_at("shop"),), key="r", icon="play",
               group="Ends"),
    ActionSpec("forget", "Throw away what SACK reported", "The receiver may: RFC 2018 §8.", args=(_at("shop"),),
               icon="drop", group="Ends"),
    ActionSpec("transfer", "Transfer", "200 messages by one protocol.",
               args=(_at("laptop"), Arg("way", "choice", "Protocol", "TCP", ("TCP", "UDP"))), key="t", icon="play"),
)  # fmt: skip

SERIES = (
    SeriesSpec("cwnd", "Congestion window", "segments", per_node=True),
    SeriesSpec("ssthresh", "Threshold of slow start", "segments", per_node=True),
    SeriesSpec("rtt_ms", "Round trip", "ms", per_node=True),
    SeriesSpec("srtt_ms", "Round trip, smoothed", "ms", per_node=True),
    SeriesSpec("rto_ms", "Timer", "ms", per_node=True),
    SeriesSpec("queue", "Queue", "packets"),
)


def _broken(name: str, check: str, scenario: str) -> Variant:
    return Variant(name, f"TCP: {name}", {"tcp_variant": name}, check, scenario, 3, _FAULTS[name])


BROKEN = (
    _broken("no Karn", "karn", "tcp_timeout"),
    _broken("no backoff", "backed_off", "tcp_timeout"),
    _broken("acks beyond a hole", "all_arrived", "tcp_one_loss"),
    _broken("window ignored", "window_kept", "tcp_zero_window"),
    _broken("timer without a floor", "patient", "tcp_patience"),
    _broken("trusts SACK", "all_arrived", "tcp_reneging"),
    _broken("one duplicate", "three_duplicates", "tcp_reordering"),
    _broken("no probes", "all_arrived", "tcp_zero_window"),
)

_HERE = "prayog_protocols.panels"
PANELS = (
    PanelSpec("tcp_curves", "TCP curves", f"{_HERE}.tcp_curves_panel:TcpCurvesPanel", "tab", "plot", kinds=("world",)),
    PanelSpec("tcp_states", "TCP states", f"{_HERE}.tcp_states_panel:TcpStatesPanel", "tab", "tree", kinds=("world",)),
)
