"""Published specifications as plain transition systems, with the counts that others' checkers print for them.

The numbers are those in the manifests of tlaplus/Examples (`distinctStates`, `totalStates`, `stateDepth`) and in the
comments and tests that are named below.  TLC counts every generated successor, also one that changes nothing, and
calls the initial states depth 1.

States are tuples of small integers; sets are bit masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from prayog_sim.explorer import Model, Property

WORKING, PREPARED, COMMITTED, ABORTED, FAILED = range(5)

Phase = tuple[tuple[int, ...], int, int, int]
"""(states of the resource managers, state of the manager, prepared ones it knows of, messages sent)"""


def consistent(rms: Sequence[int]) -> bool:
    """No two resource managers decided differently (TCConsistent)."""
    return not (ABORTED in rms and COMMITTED in rms)


class TwoPhase(Model[Phase, tuple[str, int]]):
    """Gray and Lamport, "Consensus on Transaction Commit" (2004), module TwoPhase.

    Messages are never removed; bit `rm` of the last mask is "rm prepared", the two bits above are Commit and Abort.
    """

    def __init__(self, count: int, symmetric: bool = False) -> None:
        self.count = count
        self.everyone = (1 << count) - 1
        self.commit, self.abort = 1 << count, 2 << count
        self.symmetric = symmetric
        self.properties = (
            Property("always", "consistent", lambda state: consistent(state[0])),
            Property("sometimes", "all commit", lambda state: set(state[0]) == {COMMITTED}),
            Property("sometimes", "all abort", lambda state: set(state[0]) == {ABORTED}),
        )

    def initial(self) -> list[Phase]:
        return [((WORKING,) * self.count, WORKING, 0, 0)]

    def actions(self, state: Phase) -> Iterator[tuple[str, int]]:
        rms, manager, prepared, sent = state
        if manager == WORKING:
            if prepared == self.everyone:
                yield "TMCommit", -1
            yield "TMAbort", -1
        for rm in range(self.count):
            if manager == WORKING and sent >> rm & 1:
                yield "TMRcvPrepared", rm
            if rms[rm] == WORKING:
                yield "RMPrepare", rm
                yield "RMChooseToAbort", rm
            if sent & self.commit:
                yield "RMRcvCommitMsg", rm
            if sent & self.abort:
                yield "RMRcvAbortMsg", rm

    def next_state(self, state: Phase, action: tuple[str, int]) -> Phase:
        rms, manager, prepared, sent = state
        name, rm = action
        if name == "TMCommit":
            return rms, COMMITTED, prepared, sent | self.commit
        if name == "TMAbort":
            return rms, ABORTED, prepared, sent | self.abort
        if name == "TMRcvPrepared":
            return rms, manager, prepared | 1 << rm, sent
        if name == "RMPrepare":
            return put(rms, rm, PREPARED), manager, prepared, sent | 1 << rm
        return put(rms, rm, COMMITTED if name == "RMRcvCommitMsg" else ABORTED), manager, prepared, sent

    def symmetry(self):  # type: ignore[no-untyped-def]
        return self.sorted if self.symmetric else None

    def sorted(self, state: Phase) -> Phase:
        """The resource managers in the order of all that is known of each."""
        rms, manager, prepared, sent = state
        order = sorted((rms[i], prepared >> i & 1, sent >> i & 1) for i in range(self.count))
        new = sum(known << i for i, (_, known, _) in enumerate(order))
        told = sum(said << i for i, (_, _, said) in enumerate(order))
        return tuple([rm for rm, _, _ in order]), manager, new, told | sent >> self.count << self.count


class TwoPhaseFast(TwoPhase):
    """The same with its successors written out."""

    def successors(self, state: Phase) -> list[Phase]:
        rms, manager, prepared, sent = state
        found: list[Phase] = []
        if manager == WORKING:
            if prepared == self.everyone:
                found.append((rms, COMMITTED, prepared, sent | self.commit))
            found.append((rms, ABORTED, prepared, sent | self.abort))
        commits, aborts = sent & self.commit, sent & self.abort
        bit = 1
        for rm, own in enumerate(rms):
            if manager == WORKING and sent & bit:
                found.append((rms, manager, prepared | bit, sent))
            if own == WORKING:
                found.append((put(rms, rm, PREPARED), manager, prepared, sent | bit))
                found.append((put(rms, rm, ABORTED), manager, prepared, sent))
            if commits:
                found.append((put(rms, rm, COMMITTED), manager, prepared, sent))
            if aborts:
                found.append((put(rms, rm, ABORTED), manager, prepared, sent))
            bit <<= 1
        return found


def put(items: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    new = list(items)
    new[place] = value
    return tuple(new)


class TCommit(Model[tuple[int, ...], tuple[str, int]]):
    """Module TCommit of the same paper: what a commit protocol has to do."""

    properties = (Property("always", "consistent", consistent),)

    def __init__(self, count: int) -> None:
        self.count = count

    def initial(self) -> list[tuple[int, ...]]:
        return [(WORKING,) * self.count]

    def actions(self, state: tuple[int, ...]) -> Iterator[tuple[str, int]]:
        can_commit = all(rm in (PREPARED, COMMITTED) for rm in state)
        for rm, own in enumerate(state):
            if own == WORKING:
                yield "prepare", rm
            if own == PREPARED and can_commit:
                yield "commit", rm
            if own in (WORKING, PREPARED) and COMMITTED not in state:
                yield "abort", rm

    def next_state(self, state: tuple[int, ...], action: tuple[str, int]) -> tuple[int, ...]:
        name, rm = action
        return put(state, rm, {"prepare": PREPARED, "commit": COMMITTED, "abort": ABORTED}[name])


LOST, CANDIDATE, WON = range(3)
Ring = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""(messages waiting at each node, program counters, states, mask of the initiators)"""


class ChangRoberts(Model[Ring, tuple[int, int]]):
    """Chang and Roberts, CACM 22(5), 1979, as Merz's module ChangRoberts: ``Id[i] = i``, the smallest wins, every
    subset of the nodes may initiate.  The action ``(node, 0)`` is its first step n0, ``(node, id)`` its step n1."""

    def __init__(self, count: int, forward_all: bool = False) -> None:
        self.count = count
        self.forward_all = forward_all
        self.properties = (
            Property("always", "correctness", self.correct),
            Property("eventually", "somebody wins", lambda state: WON in state[2] or not state[3]),
        )

    def correct(self, state: Ring) -> bool:
        _, _, states, initiators = state
        for winner in (i for i, s in enumerate(states) if s == WON):
            others = [i for i in range(self.count) if i != winner]
            if not initiators >> winner & 1 or any(states[i] != LOST for i in others):
                return False
            if any(initiators >> i & 1 and i < winner for i in others):
                return False
        return True

    def initial(self) -> Iterator[Ring]:
        none = (0,) * self.count
        for chosen in product((0, 1), repeat=self.count):
            mask = sum(bit << i for i, bit in enumerate(chosen))
            yield none, none, tuple(CANDIDATE if bit else LOST for bit in chosen), mask

    def actions(self, state: Ring) -> Iterator[tuple[int, int]]:
        msgs, counters, _, _ = state
        for i in range(self.count):
            if counters[i] == 0:
                yield i, 0
            else:
                for identity in range(1, self.count + 1):
                    if msgs[i] >> identity & 1:
                        yield i, identity

    def next_state(self, state: Ring, action: tuple[int, int]) -> Ring:
        msgs, counters, states, initiators = state
        i, identity = action
        after = (i + 1) % self.count
        if identity == 0:
            if initiators >> i & 1:
                msgs = put(msgs, after, msgs[after] | 1 << i + 1)
            return msgs, put(counters, i, 1), states, initiators
        left = put(msgs, i, msgs[i] & ~(1 << identity))
        passed = put(left, after, left[after] | 1 << identity)
        if states[i] == LOST:
            return passed, counters, states, initiators
        if identity < i + 1:
            return passed, counters, put(states, i, LOST), initiators
        if identity == i + 1:
            return left, counters, put(states, i, WON), initiators
        return passed if self.forward_all else left, counters, states, initiators


INIT, COMMIT, ABORT, HIDDEN = range(4)
Backup = tuple[tuple[int, ...], int, tuple[str, ...], str, str]
"""(states of the resource managers, what the manager shows, program counters of all three kinds of process)"""


class TwoPhaseWithBackup(Model[Backup, tuple[str, int]]):
    """Demirbas's module 2PCwithBTM: one resource manager and the manager may fail, a backup takes over."""

    properties = (Property("always", "consistency", lambda state: consistent(state[0])),)

    def __init__(self, count: int) -> None:
        self.count = count

    def initial(self) -> list[Backup]:
        return [((WORKING,) * self.count, INIT, ("RS",) * self.count, "TS", "BTS")]

    def actions(self, state: Backup) -> list[tuple[str, int]]:
        rms, shown, counters, manager, backup = state
        can_commit = all(rm == PREPARED for rm in rms) or COMMITTED in rms
        can_abort = (ABORTED in rms or FAILED in rms) and COMMITTED not in rms
        found = [(manager, 0)] if manager in ("TC", "F1", "TA", "F2") else []
        found += [("TC?", 0)] if manager == "TS" and can_commit else []
        found += [("TA?", 0)] if manager == "TS" and can_abort else []
        found += [(backup, 0)] if backup in ("BTC", "BTA") else []
        found += [("BTC?", 0)] if backup == "BTS" and shown == HIDDEN and can_commit else []
        found += [("BTA?", 0)] if backup == "BTS" and shown == HIDDEN and can_abort else []
        for i, rm in enumerate(rms):
            if counters[i] != "RS":
                continue
            if rm not in (WORKING, PREPARED):
                found.append(("done", i))
                continue
            found += [("prepare", i)] if rm == WORKING else []
            found += [("commit", i)] if shown == COMMIT else []
            found += [("abort", i)] if rm == WORKING or shown == ABORT else []
            found.append(("fail", i))
        over = manager == backup == "Done" and set(counters) == {"Done"}
        return found + ([("terminating", 0)] if over else [])

    def next_state(self, state: Backup, action: tuple[str, int]) -> Backup:
        rms, shown, counters, manager, backup = state
        name, i = action
        if name in ("TC?", "TA?"):
            return rms, shown, counters, name[:2], backup
        if name in ("TC", "TA"):
            return rms, COMMIT if name == "TC" else ABORT, counters, "F1" if name == "TC" else "F2", backup
        if name in ("F1", "F2"):
            return rms, HIDDEN, counters, "Done", backup
        if name in ("BTC?", "BTA?"):
            return rms, shown, counters, manager, name[:3]
        if name in ("BTC", "BTA"):
            return rms, COMMIT if name == "BTC" else ABORT, counters, manager, "Done"
        if name == "done":
            return rms, shown, (*counters[:i], "Done", *counters[i + 1 :]), manager, backup
        if name == "terminating" or (name == "fail" and FAILED in rms):
            return state
        new = {"prepare": PREPARED, "commit": COMMITTED, "abort": ABORTED, "fail": FAILED}[name]
        return put(rms, i, new), shown, counters, manager, backup
