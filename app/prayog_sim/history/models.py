"""The models by name, and which of them fits a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from prayog_sim.history.model import ANY, Model, plain_word
from prayog_sim.history.operations import History, HistoryError
from prayog_sim.history.queues import FifoQueue, Mutex
from prayog_sim.history.registers import CasRegister, KeyValue, Register

__all__ = ["MODELS", "guess"]

MODELS: Final[Mapping[str, Callable[[], Any]]] = {
    model.name: model for model in (Register, CasRegister, KeyValue, FifoQueue, Mutex)
}
"""Name -> model."""


def guess(history: History) -> Model:
    """The simplest model that knows all operations of `history`; raises `HistoryError` when none does.

    A Jepsen file in EDN does not say what a register held at first, and its reads of nil say nothing.
    """
    kinds = dict.fromkeys(op.kind for op in history.operations)
    words = {plain_word(kind) for kind in kinds}
    of_store = bool({"get", "put"} & set(kinds))
    fitting = [name for name in MODELS if words <= set(MODELS[name]().words)]
    if not fitting:
        raise HistoryError(f"no model knows all of {', '.join(kinds)}; there are: {', '.join(MODELS)}")
    name = "key-value" if of_store and "key-value" in fitting else fitting[0]
    if history.source == "edn" and name in ("register", "cas-register"):
        return (CasRegister if name == "cas-register" else Register)(ANY, nil_says_nothing=True)
    made: Model = MODELS[name]()
    return made
