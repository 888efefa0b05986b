"""Real brokers, and all that touches a clock, a process, a file or a socket.

`wire` turns messages into bytes; then one adapter of the port a file (`sqlite_queue`, `postgres_queue`, `jetstream`,
`rabbitmq`, `redis_streams`, `kafka`, `mqtt`); `backends` finds those that are here; `session` runs a job on one.
"""
