"""What could happen next, and why some of it cannot."""

from __future__ import annotations

from prayog_sim.explorer import Bounds, Choice, Path, System, offers, view, walk
from prayog_sim.run import Action
from sim.explorer import protocols


def told(system: System, *actions: str) -> dict[str, str]:
    """Every choice after `actions` with what is said about it."""
    state = system.initial()[0]
    for words in actions:
        state = next(new for choice, new in system.steps(state) if str(choice) == words)
    found = {}
    for offer in offers(system, state):
        what = ("can" if offer.enabled else "cannot") + (", changes nothing" if offer.same else "")
        found[str(offer.choice)] = what + (f": {offer.reason}" if offer.reason else "")
    enabled = [str(choice) for choice, _ in system.steps(state)]
    assert enabled == [str(offer.choice) for offer in offers(system, state) if offer.enabled]
    return found


def test_each_choice_that_cannot_be_made_says_why() -> None:
    say = [Action("say", {"node": "b", "word": word}) for word in "xyz"]
    bounds = Bounds("ordered", drops=1, crashes=1, actions=tuple(say), timers=0)
    system = System({"a": protocols.Asker, "b": protocols.Asker}, bounds)
    steps = ["b action say word=x", "b action say word=y", "drop b → a x", "b action say word=z", "a crash"]
    assert told(system, *steps) == {
        "deliver b → a y": "can: a is down, so it is lost",
        "deliver b → a z": "cannot: another message from b to a comes first",
        "drop b → a y": "cannot: the one loss of the bounds happened already",
        "drop b → a z": "cannot: the one loss of the bounds happened already",
        "duplicate b → a y": "cannot: the bounds allow no duplicate",
        "duplicate b → a z": "cannot: the bounds allow no duplicate",
        "a crash": "cannot: a is down",
        "a restart": "can",
        "b crash": "cannot: the one crash of the bounds happened already",
        "b restart": "cannot: b is up",
        "b action say word=x": "cannot: b has said enough",
        "b action say word=y": "cannot: b has said enough",
        "b action say word=z": "cannot: b has said enough",
    }
    assert told(system, steps[0])["b action say word=x"] == "cannot: it was asked for already"


def test_timers_bounds_and_steps_that_change_nothing_are_told() -> None:
    bounds = Bounds("unordered-duplicating", timers=2, crashes=2, within=protocols.terms(1))
    system = System(protocols.voters(2), bounds)
    start = told(system)
    assert start["n1 timer election"] == "can"
    assert start["n1 restart"] == "cannot: n1 is up"
    once = told(system, "n1 timer election")
    assert once["n1 timer election"] == "cannot: it leads outside the bounds"
    assert once["deliver n1 → n2 Ask(term=1)"] == "can"
    again = told(system, "n1 timer election", "deliver n1 → n2 Ask(term=1)", "deliver n1 → n2 Ask(term=1)")
    assert again["deliver n1 → n2 Ask(term=1)"] == "can, changes nothing"
    both = told(system, "n1 timer election", "n2 timer election")
    assert both["n2 timer election"] == "cannot: all 2 timer firings of the bounds happened already"
    led = told(system, "n1 timer election", "deliver n1 → n2 Ask(term=1)", "deliver n2 → n1 Grant(term=1)")
    assert led["n1 timer election"] == "cannot: it does not run"


def test_a_state_can_be_drawn_like_a_world() -> None:
    system = System(protocols.voters(2), Bounds(crashes=1))
    path = Path(0, (Choice("timer", "n1", name="election"), Choice("crash", "n2")))
    shown = view(system, walk(system, path)[-1])
    assert shown.nodes["n1"].durable == {"term": 1, "vote": "n1"}
    assert shown.nodes["n1"].volatile["role"] == "candidate"
    assert shown.nodes["n2"].status == "down"
    assert [(f.src, f.dst, f.label) for f in shown.flights] == [("n1", "n2", "Ask term=1")]
