"""A log-structured merge tree, written to be read, in LevelDB's file formats.

Read in the order of a write: `log` (the write-ahead log), `memtable`, `table` (a sorted file on disk), `edit` (the
MANIFEST), `policy` and `job` (flush and compaction), `database` (all of it together), `recovery` (after a crash).
"""
