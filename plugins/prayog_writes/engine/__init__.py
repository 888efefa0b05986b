"""A log-structured merge tree, written to be read, in LevelDB's file formats.

Read in the order of a write: `log` and `journal` (the write-ahead log), `memtable`, `block`, `building` and `table` (a
sorted file on disk), `edit`, `version` and `catalogue` (the MANIFEST), `policy`, `job` and `compaction` (what the
background does), `store` and `database` (all of it together), `opening` and `recovery` (after a crash).  Reading is in
`reading`, `merge` and `cursor`.  The run that a learner sees is `study`, with `apparatus`, `working` and `plug`.
"""
