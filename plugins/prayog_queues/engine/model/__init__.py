"""The broker as a pure state machine: no clock of its own, no thread, no network; every call is told what time it is.

Read `queue` (messages that are handed out and gone), `log` (messages that stay, read by groups), `routing` (which
queues a message goes to), `admission` (who may do what), then `broker`, which puts them together.
"""
