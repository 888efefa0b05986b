"""Broken variants: each leaves out one rule, at one place of the shared code, and a check finds it.

Each scenario scripts the smallest situation in which the rule matters; the correct code passes the same script.
"""

from __future__ import annotations

from prayog_sdk.specs import Variant

__all__ = ["VARIANTS"]


def _variant(name: str, title: str, scenario: str, story: str, caught_by: str = "safe", seeds: int = 1) -> Variant:
    return Variant(name, title, {"variant": name}, caught_by, f"raft_{scenario}", seeds, story)


VARIANTS: tuple[Variant, ...] = (
    _variant(
        "commits_old_terms",
        "Counts copies of old entries",
        "figure8",
        "A leader takes any entry on a majority for committed, also one of an older term (§5.4.2, Figure 8).",
    ),
    _variant(
        "votes_for_anyone",
        "Votes for anybody",
        "behind",
        "A vote is given without looking whether the candidate's log is up to date (§5.4.1).",
    ),
    _variant(
        "forgets_vote",
        "Forgets its vote in a crash",
        "vote_forgotten",
        "The vote is kept in memory only, so a server that restarts can vote twice in a term (PySyncObj issue 84).",
    ),
    _variant(
        "forgets_term",
        "Forgets its term in a crash",
        "term_forgotten",
        "After a restart the term is 0 again, and new entries get terms that were used before (PySyncObj issue 202).",
    ),
    _variant(
        "clears_vote",
        "Takes its vote back",
        "double_vote",
        "Whoever steps down within a term forgets that it has voted in it (microsoft/CCF issue 5891).",
    ),
    _variant(
        "truncates_always",
        "Cuts its log at every message",
        "late_append",
        "A follower deletes everything behind the entries of a message, even if all of them agree (§5.3).",
    ),
    _variant(
        "overcommits",
        "Believes the leader's commit index",
        "heartbeat_trap",
        "A follower commits up to what the leader says, not only as far as the message showed to agree (Figure 2).",
    ),
    _variant(
        "local_reads",
        "Reads from its own memory",
        "stale_read",
        "A leader answers reads without asking whether it is still leader (thesis 6.4).",
        "linearizable",
    ),
    _variant(
        "counts_refusals",
        "Takes a refusal for a copy",
        "false_ack",
        "A leader takes the length of a follower's log, told with a refusal, for what the follower has of its own log.",
    ),
    _variant(
        "changes_too_early",
        "Changes members too early",
        "early_change",
        "A leader changes the members before an entry of its own term is committed (Ongaro, 2015).",
    ),
    _variant(
        "counts_pre_votes",
        "Counts pre-votes as votes",
        "prevote_is_no_vote",
        "Late answers to “would you?” are counted as answers to “will you?”.",
    ),
    _variant(
        "prevote_resets_vote",
        "A pre-vote clears the vote",
        "prevote_keeps_the_vote",
        "Answering a pre-vote request resets the vote of the term (canonical/raft issue 196).",
    ),
    _variant(
        "acks_before_sync",
        "Answers before it is on disk",
        "ack_before_sync",
        "Entries and votes are synced a little later than they are promised (as in ZooKeeper issue 4646).",
    ),
    _variant(
        "equal_timeouts",
        "All timeouts are equal",
        "random_timeouts",
        "Everybody times out at the same moment and votes for himself, term after term (§5.2).",
        "leader_in_time",
    ),
)
