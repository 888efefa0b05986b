"""A wizard that moves databases.

Read in the order of a move: `model` (what a database consists of), `kinds` and `rules` (what a type becomes on the
other side), `assessment` (what will not survive as it is), `plan` and `ddl` (the target), `real.load` (the rows),
`real.validation` (the proof).  This folder is pure: databases are met in `real` only.
"""
