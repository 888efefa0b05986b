"""What theory says about amplification, to stand beside what was measured.

With `levels` levels below L0, a fanout T and r rows for each byte of the user, a level costs about c·T bytes: c is 1 in
the worst case, and 0.3 … 0.5 is usual.  Sources: LevelDB `doc/impl.md`; RocksDB wiki "RocksDB Tuning Guide"
(amplification factors); O'Neil et al., "The Log-Structured Merge-Tree", Acta Informatica 33 (1996).
"""

from __future__ import annotations

import math
from typing import Any

from prayog_writes.engine.bloom import false_positive_rate
from prayog_writes.engine.options import Options

__all__ = ["formulas"]


def formulas(options: Options, user_bytes: int, runs: int) -> dict[str, dict[str, Any]]:
    """Per meter the formula as text, and what it gives for a database that took `user_bytes`; None: not defined."""
    memtables = max(user_bytes / options.memtable, 1.0)
    fan, trigger = options.fanout, max(options.trigger, 2)
    if options.policy == "leveled":
        deep = max(0, math.ceil(math.log(max(user_bytes / options.base, 1), fan)))
        write, text = 1 + 2 + 0.4 * fan * deep, f"1 flush + 2 for L0 to L1 + 0.4·T·(levels below L1 = {deep})"
        worst: float | None = 1 + 2 + (fan + 2) * deep
        space, space_text = 1 + 1 / fan + 1 / fan**2, "1 + 1/T + 1/T² while the last level is full"
    elif options.policy == "size-tiered":
        write, text = 1 + math.log(memtables, trigger), "1 flush + log_k(N / M)"
        worst, space, space_text = 1 + math.log2(memtables) + 1, 2.0, "up to 3: max_size_amplification 200 %"
    elif options.policy == "major":
        write, text = 1 + memtables / trigger / 2, "1 flush + N / (2·k·M): everything again and again"
        worst, space, space_text = None, 1.0, "1 after each compaction"
    else:
        write, text, worst = 1.0, "1 flush", 1.0
        space, space_text = memtables, "every version is kept"
    wrong = false_positive_rate(options.bits) if options.bits else 1.0
    return {
        "write": {"text": text, "typical": round(write, 2), "worst": None if worst is None else round(worst, 2)},
        "read": {
            "text": "1 + p·(runs − 1), p = share of false positives" if options.bits else "every run",
            "typical": round(1 + wrong * max(runs - 1, 0), 3), "worst": runs,
        },
        "space": {"text": space_text, "typical": round(space, 2), "worst": None},
    }  # fmt: skip
