"""A store: the replicas of all ranges on one machine, and the traffic that they share.

Each replica gets a `Ctx` of its own; what it asks for is carried out with the range's name on it.  Heartbeats are not
sent by the replicas one by one but by the store, all together, once in an interval (option ``naive``: one by one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.multiraft.group import KEPT, Replica
from prayog_consensus.engine.multiraft.messages import Absorb, BeatAnswers, Beats, Group, Range, RangeAsk, Stale
from prayog_consensus.engine.raft.messages import Answer, Appended, AppendEntries, Members, Snapshot
from prayog_consensus.engine.raft.options import Options
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Store", "replicas"]


class Store(Node):
    """`stores` are all stores, `first` the ranges with which the cluster begins; each store has a replica of each."""

    durable: ClassVar[tuple[str, ...]] = ("_kept", "_gone")
    actions = ("split", "merge", "campaign", "transfer")

    def __init__(
        self, me: str, stores: tuple[str, ...], options: Options, first: tuple[Range, ...], naive: bool = False
    ) -> None:
        self._me = me
        self._stores = stores
        self._options = options
        self._first = first
        self._naive = naive
        self._kept: dict[str, tuple[Any, ...]] = {}
        """Range → the fields `group.KEPT` of its replica."""
        self._gone: tuple[str, ...] = ()
        """Ranges that were absorbed."""
        self._groups: dict[str, Replica] = {}
        self.ranges: tuple[tuple[str, str, int, int, int], ...] = ()
        """(range in words, role, term, committed, keys), for whoever looks."""
        self.loaded = False

    # -- start -------------------------------------------------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        fresh = not self._kept
        self._groups = {span.ident: self._replica(span) for span in self._first} if fresh else replicas(self)
        self.loaded = True
        for number, (ident, group) in enumerate(tuple(self._groups.items())):
            self._run(ident, ctx, group.on_start)
            if fresh and self._stores[number % len(self._stores)] == self._me:
                self._run(ident, ctx, group.on_election_timeout)  # so that the leaders are spread from the beginning
        if not self._naive:
            ctx.set_timer("beat", self._options.heartbeat)

    def _replica(self, span: Range, born: Snapshot | None = None) -> Replica:
        return Replica(self._me, Members(self._stores), self._options, span, born)

    # -- one replica does something ----------------------------------------------------------------------------

    def _run(self, ident: str, ctx: Ctx, handler: Callable[..., Any], *args: Any) -> list[tuple[str, Any]]:
        """Let a replica handle something; returns the heartbeats that it wants to send, for the store to send."""
        inner = Ctx(ctx.me, tuple(name for name in self._stores if name != ctx.me), ctx.now, ctx.rng)
        result = handler(*args, inner)
        beats = self._carry(ident, inner, ctx)
        if isinstance(result, str) and result:
            raise ActionError(result)
        self._after(ident, ctx)
        return beats

    def _carry(self, ident: str, inner: Ctx, ctx: Ctx) -> list[tuple[str, Any]]:
        beats = []
        for effect in inner.effects:
            match effect:
                case ("send", to, AppendEntries(entries=()) as msg) if not self._naive:
                    beats.append((to, msg))
                case ("send", to, msg) if to in self._stores:
                    ctx.send(to, Group(ident, msg))
                case ("send", to, msg):
                    ctx.send(to, msg)
                case ("timer", "heartbeat", _) if not self._naive:
                    pass  # the store's own beat does it
                case ("timer", name, after):
                    ctx.set_timer(f"{ident}/{name}", after)
                case ("cancel", name):
                    ctx.cancel_timer(f"{ident}/{name}")
                case ("note", text):
                    ctx.note(f"range {ident}: {text}")
                case ("emit", kind, data) if kind != "edge":
                    ctx.emit(kind, range=ident, **{k: v for k, v in data.items() if k != "range"})
        return beats

    def _after(self, ident: str, ctx: Ctx) -> None:
        """What a replica did may concern the store: a range was born, or is gone, or a client was turned away."""
        group = self._groups[ident]
        for client, request in group.turned_away:
            ctx.send(client, Stale(request, self._map()))
        group.turned_away = ()
        if group.born is not None:
            self._take_over(group, ctx)
        if group.gone:
            self._drop(group.gone, ctx)
            group.gone = ""
        self._keep(ident)

    def _take_over(self, group: Replica, ctx: Ctx) -> None:
        span, items = group.born, group.right
        group.born, group.right = None, ()
        if span is None or span.ident in self._groups or span.ident in self._gone:
            return
        sessions = tuple(sorted((client, *session) for client, session in group.sessions.items()))
        born = Snapshot(1, 1, Members(self._stores), items, sessions)
        self._groups[span.ident] = replica = self._replica(span, born)
        self._run(span.ident, ctx, replica.on_start)
        if group.leads:  # whoever led both halves goes on, as soon as the others have heard of the split
            ctx.set_timer(f"{span.ident}/election", self._options.heartbeat * 3 // 2)

    def _drop(self, ident: str, ctx: Ctx) -> None:
        if ident in self._groups:
            if self._groups[ident].leads:
                ctx.emit("stepdown", range=ident, term=self._groups[ident].term)
            del self._groups[ident]
            self._kept.pop(ident, None)
        self._gone = (*self._gone, ident)
        for timer in ("election", "heartbeat", "quorum", "transfer"):
            ctx.cancel_timer(f"{ident}/{timer}")

    def _keep(self, ident: str) -> None:
        group = self._groups[ident]
        self._kept[ident] = tuple(_own(getattr(group, field)) for field in KEPT)
        self.ranges = tuple(
            (str(g.span), g.state, g.term, g.commit, len(g.store))
            for g in sorted(self._groups.values(), key=lambda g: g.span.start)
        )

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Group(ident, Absorb() as request) if ident in self._groups:
                self._run(ident, ctx, self._groups[ident].take_in, request)
            case Group(ident, inner) if ident in self._groups:
                self._send_beats(self._run(ident, ctx, self._groups[ident].on_message, src, inner), ident, ctx)
            case Group(ident):
                why = "it was merged" if ident in self._gone else "it has not heard of the split yet"
                ctx.note(f"{self._me} has no range {ident}: {why}")
            case Beats(beats):
                self._answer_beats(src, beats, ctx)
            case BeatAnswers(answers):
                for ident, answer in answers:
                    if ident in self._groups:
                        empty = self._run(ident, ctx, self._groups[ident].on_message, src, answer)
                        self._send_beats(empty, ident, ctx)
            case RangeAsk():
                self._ask(src, msg, ctx)

    def _send_beats(self, beats: list[tuple[str, Any]], ident: str, ctx: Ctx) -> None:
        """Empty messages outside of the beat, such as the round of a read, do not wait for it."""
        for to, msg in beats:
            ctx.send(to, Group(ident, msg))

    def _answer_beats(self, src: str, beats: tuple[tuple[str, AppendEntries], ...], ctx: Ctx) -> None:
        answers: list[tuple[str, Appended]] = []
        for ident, beat in beats:
            if ident not in self._groups:
                continue
            before = len(ctx.effects)
            self._run(ident, ctx, self._groups[ident].on_message, src, beat)
            for effect in ctx.effects[before:]:
                if effect[0] == "send" and isinstance(effect[2], Group) and isinstance(effect[2].msg, Appended):
                    answers.append((ident, effect[2].msg))
                    ctx.effects.remove(effect)
        if answers:
            ctx.send(src, BeatAnswers(tuple(answers)))

    # -- timers ------------------------------------------------------------------------------------------------

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "beat":
            ctx.set_timer("beat", self._options.heartbeat)
            self._beat(ctx)
        else:
            ident, _, timer = name.partition("/")
            self._send_beats(self._run(ident, ctx, self._groups[ident].on_timer, timer), ident, ctx)
        self._offer_frozen(ctx)

    def _beat(self, ctx: Ctx) -> None:
        """One message to each other store for all ranges that this store leads."""
        together: dict[str, list[tuple[str, AppendEntries]]] = {}
        for ident, group in tuple(self._groups.items()):
            if group.leads:
                for to, beat in self._run(ident, ctx, group.on_heartbeat):
                    together.setdefault(to, []).append((ident, beat))
        for to, beats in together.items():
            ctx.send(to, Beats(tuple(beats)))

    def _offer_frozen(self, ctx: Ctx) -> None:
        """A frozen range that this store leads asks its left neighbour, again and again, to absorb it."""
        for group in tuple(self._groups.values()):
            if not (group.leads and group.span.frozen):
                continue
            left = next((g for g in self._groups.values() if g.span.end == group.span.start), None)
            if left is not None and left.leads:
                self._run(left.span.ident, ctx, left.take_in, group.offer())
            elif left is not None and left.leader:
                ctx.send(left.leader, Group(left.span.ident, group.offer()))

    # -- clients -----------------------------------------------------------------------------------------------

    def _ask(self, src: str, msg: RangeAsk, ctx: Ctx) -> None:
        group, ask = self._groups.get(msg.ident), msg.ask
        if group is None or not self._current(group, msg):
            why = "there is none here" if group is None else f"it is {group.span} now"
            ctx.emit("stale", range=msg.ident, client=src)
            ctx.note(f"{self._me} refuses {src}'s request to range {msg.ident} at epoch {msg.epoch}: {why}")
            ctx.send(src, Stale(ask.request, self._map()))
        elif group.span.frozen:
            ctx.send(src, Answer(ask.request, False))
        else:
            self._send_beats(self._run(msg.ident, ctx, group.on_ask, src, ask), msg.ident, ctx)

    def _current(self, group: Replica, msg: RangeAsk) -> bool:
        """The client knows the range as it is (a follower that is behind sends it to the leader all the same)."""
        if group.errs("ignores_epoch"):
            return True
        return group.span.covers(msg.ask.key) and (group.span.epoch == msg.epoch or not group.leads)

    def _map(self) -> tuple[tuple[Range, str], ...]:
        """The ranges as this store knows them, with their leaders."""
        groups = sorted(self._groups.values(), key=lambda group: group.span.start)
        return tuple((group.span, group.leader) for group in groups)

    # -- actions -----------------------------------------------------------------------------------------------

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        ident = str(args.get("range"))
        group = self._groups.get(ident)
        if group is None:
            raise ActionError(f"{self._me} has no range {ident!r}; it has {', '.join(self._groups)}")
        if name in ("split", "merge", "transfer") and not group.leads:
            hint = f"; {group.leader} does" if group.leader else ""
            raise ActionError(f"{self._me} does not lead range {ident}{hint}")
        if name == "split":
            self._run(ident, ctx, group.split, str(args.get("key")))
        elif name == "merge":
            self._run(ident, ctx, group.freeze)
        else:
            self._run(ident, ctx, group.on_action, name, args)

    # -- how it looks ------------------------------------------------------------------------------------------

    def look(self) -> Look:
        led = [g for g in self._groups.values() if g.leads]
        names = ", ".join(str(g.span) for g in sorted(led, key=lambda g: g.span.start))
        sentence = f"leads {len(led)} of {len(self._groups)} ranges{f': {names}' if names else ''}"
        alone = any(g._badge() for g in led)
        epoch = max((g.span.epoch for g in self._groups.values()), default=-1)
        return Look("leader" if led else "follower", str(len(led)), epoch, sentence, "no majority" if alone else "")

    def label(self, msg: Any) -> str:
        return str(msg)


def replicas(store: Store) -> dict[str, Replica]:
    """The replicas of `store`; of one that is down, as they will be when it starts again."""
    if store.loaded:
        return store._groups
    span = Range("", "", "")
    found = {}
    for ident, kept in store._kept.items():
        replica = found[ident] = Replica(store._me, Members(store._stores), store._options, span)
        for field, value in zip(KEPT, kept, strict=True):
            setattr(replica, field, _own(value))
    return found


def _own(value: Any) -> Any:
    """What is kept and what a replica works on are two things, as a disk and a memory are."""
    return dict(value) if isinstance(value, dict) else value
