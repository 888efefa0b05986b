"""What can be done to a run by hand, besides the faults that every world has: the tools of the bench."""

from __future__ import annotations

from prayog_queues.engine.guarantees import PROBES
from prayog_queues.engine.setup import REAL
from prayog_sdk.specs import ActionSpec, Arg

__all__ = ["ACTIONS", "EXPERIMENTS"]

_BROKER = Arg("node", "node", "At", "broker")
_CONSUMER = Arg("node", "node", "Consumer", "w1")
_PRODUCER = Arg("node", "node", "Producer", "p1")
_QUEUE = Arg("queue", "text", "Queue", "")
_EXCHANGE = Arg("exchange", "text", "Exchange", "events")
_PATTERN = Arg("pattern", "text", "Pattern", "order.#")

EXPERIMENTS = ("double_take", "skip_locked", "polling", "notify_price", "skipped_id", "statements")
"""What the microscope shows; `engine.real.microscope` does it."""

ACTIONS = (
    ActionSpec("publish", "Send an order", "One more message, for this customer.",
               args=(Arg("key", "text", "Customer", "asha"), _PRODUCER), key="m", icon="plus"),
    ActionSpec("kill", "Kill a consumer", "Its process ends at once; it is started again after a while.", "node",
               (_CONSUMER,), key="k", icon="crash"),
    ActionSpec("restart_broker", "Restart the broker", "Its process ends; what it only had in memory is gone.",
               args=(_BROKER,), icon="restart", group="Broker"),
    ActionSpec("power_loss", "Pull the plug", "The machine loses power: what was not synced is gone.",
               args=(_BROKER,), icon="crash", group="Broker"),
    ActionSpec("poison", "Send poison", "A message that no handler can read.",
               args=(Arg("key", "text", "Customer", "asha"), _PRODUCER), icon="drop", group="Send"),
    ActionSpec("set_rate", "Change the rate", "How many messages a producer sends a second.",
               args=(Arg("rate", "float", "Rate", 20.0, unit="/s"), _PRODUCER), icon="speed", group="Send"),
    ActionSpec("scale", "Change the consumers", "So many of them work; spare ones have to be there.",
               args=(Arg("consumers", "int", "Consumers", 4), _BROKER), icon="cells", group="Consumers"),
    ActionSpec("redrive", "Send back dead letters", "To the queue where they died, all or one.",
               args=(Arg("queue", "text", "Dead-letter queue (empty: the first)", ""),
                     Arg("message", "text", "Message (empty: all)", ""), _BROKER), icon="restart", group="Broker"),
    ActionSpec("look_into", "Look into a queue", "The oldest five; looking changes nothing.", args=(_QUEUE, _BROKER),
               icon="search", group="Broker"),
    ActionSpec("replay_from", "Read again", "Every group of a log goes back to this position.",
               args=(Arg("position", "int", "Position", 0), _QUEUE, _BROKER), icon="restart", group="Broker"),
    ActionSpec("bind", "Bind", "Connect an exchange with a queue.", args=(_EXCHANGE, _QUEUE, _PATTERN, _BROKER),
               icon="link", group="Topology"),
    ActionSpec("unbind", "Unbind", "Cut the connection.", args=(_EXCHANGE, _QUEUE, _PATTERN, _BROKER), icon="link",
               group="Topology"),
    ActionSpec("declare_queue", "New queue", "As the knobs say for its lease, else plain.", args=(_QUEUE, _BROKER),
               icon="plus", group="Topology"),
    ActionSpec("declare_exchange", "New exchange", "",
               args=(_EXCHANGE, Arg("kind", "choice", "Kind", "topic", ("direct", "topic", "fanout", "headers")),
                     _BROKER),
               icon="plus", group="Topology"),
    ActionSpec("run_job", "Run the job", "Real broker: the producers send, the consumers work.", args=(_BROKER,),
               icon="play", group="Real brokers"),
    ActionSpec("everywhere", "On every broker", "Real brokers: the same job on each that is here, judged by one judge.",
               args=(_BROKER,), icon="swap", group="Real brokers"),
    ActionSpec("probe", "Probe", "Real brokers: try what each of them guarantees.",
               args=(Arg("backend", "choice", "Broker (empty: all)", "", ("", "simulator", *REAL)),
                     Arg("probe", "choice", "Question (empty: all)", "", ("", *(probe.name for probe in PROBES))),
                     _BROKER),
               icon="check", group="Real brokers"),
    ActionSpec("microscope", "Microscope", "A real database as a queue: one experiment, measured.",
               args=(Arg("what", "choice", "Experiment", "double_take", EXPERIMENTS), _BROKER), icon="search",
               group="Real brokers"),
    ActionSpec("stop_measuring", "Stop measuring", "Real brokers: what is being measured ends; what is known stays.",
               args=(_BROKER,), icon="stop", group="Real brokers"),
)  # fmt: skip
